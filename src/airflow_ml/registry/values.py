"""Rules for the values that a registry keeps; what is asked most often is read with these alone, without SQLAlchemy."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timezone

from airflow_ml.exceptions import UserErrorException

__all__ = ["canonical_json", "check_name", "content_digest", "storable_text", "utc_now"]


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(timezone.utc)


def canonical_json(value: object) -> str:
    """
    Return the one text that equal JSON values have.

    Raises:
        UserErrorException: the value cannot be written as JSON.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise UserErrorException(f"definition cannot be written as JSON: {exc}; use plain values only") from exc


def content_digest(text: str) -> str:
    """Return a digest that stands for the text in unique indexes, which cannot hold long texts."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_name(what: str, name: str, *, limit: int = 1000) -> str:
    """
    Return the name if an index can hold it.

    Args:
        what: the kind of thing, for the error's text.
        limit: most bytes of UTF-8.

    Raises:
        UserErrorException: the name is no text, empty or too long.
    """
    if not isinstance(name, str) or not name:
        raise UserErrorException(f"{what} {name!r}: expected a text that is not empty; give it a name")
    length = len(name.encode("utf-8", "replace"))
    if length > limit:
        raise UserErrorException(f"{what} {name[:40]!r}...: {length} bytes, expected at most {limit}; shorten it")
    return name


def storable_text(text: str) -> str:
    """Return the text with U+FFFD for what a database refuses: NUL, and the lone surrogates of undecodable bytes."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
