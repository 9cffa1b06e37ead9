"""
How records become a fingerprint: their canonical text, their order, and what secrets look like in them.

The only place of the project that says what a fingerprint is made of byte for byte; `docs/fingerprint.md` writes it
down, and golden tests pin it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_ml.compute.masking import mask_credentials
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.secret_names import is_behind_secret_option, is_secret_name, names_secret
from airflow_ml.reuse.model import Fingerprint, Record

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["FORMAT", "canonical", "digest_of", "has_secret_name", "is_secret_word", "record_line", "seal", "secret"]

#: Of the canonical text; raised whenever equal steps would get other fingerprints.
FORMAT = 1

_HEADER = f"airflow-ml fingerprint {FORMAT}\n"
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def canonical(value: Json) -> str:
    """
    Return the one text of a JSON value: keys sorted, no blanks, ASCII alone, numbers as Python's `repr` writes them.

    Raises:
        ValueError: NaN or an infinity, which are equal to nothing or no JSON.
    """
    return _encode(value)


def digest_of(value: Json) -> str:
    """Return the sha256 of a JSON value's canonical text."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def record_line(record: Record) -> str:
    """
    Return the line by which a record counts; its note does not.

    Raises:
        UserErrorException: a value that has no canonical text.
    """
    try:
        return canonical([record.tag, record.name, record.value])
    except (ValueError, TypeError) as error:
        raise UserErrorException(
            f"{record.tag} {record.name!r}: the value {record.value!r} cannot be compared ({error}); give finite"
            " numbers and plain JSON"
        ) from error


def seal(records: Iterable[Record]) -> Fingerprint:
    """
    Return the fingerprint of these records, whatever order they come in.

    Raises:
        UserErrorException: as `record_line`.
    """
    keyed = sorted(
        ((record.tag, record.name, record_line(record), record) for record in records), key=lambda item: item[:3]
    )
    text = _HEADER + "".join(f"{line}\n" for _, _, line, _ in keyed)
    return Fingerprint(hashlib.sha256(text.encode("ascii")).hexdigest(), tuple(record for *_, record in keyed))


def secret(value: Json) -> Json:
    """Return what stands for a secret in a record: changes show, the secret does not."""
    return {"secret": digest_of(["airflow-ml secret", value])}


def is_secret_word(word: str, before: str = "") -> bool:
    """
    Tell whether a word of a command line is, or holds, a secret.

    That is the value of an option whose name says so (`--password=abc`, `--password abc`, `-e TOKEN=abc`), a connection
    string or JSON with such a name in it, a bearer token, and an address with credentials or a signature.

    Args:
        before: the word before it.
    """
    return is_behind_secret_option(word, before) or names_secret(word) or mask_credentials(word) != word


def has_secret_name(name: str) -> bool:
    """Tell whether an option, parameter or variable of this name usually holds a secret."""
    return is_secret_name(name)
