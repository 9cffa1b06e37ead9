"""
How records become a fingerprint: their canonical text, their order, and what secrets look like in them.

The only place of the project that says what a fingerprint is made of byte for byte; `docs/fingerprint.md` writes it
down, and golden tests pin it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_ml.compute.request import is_secret_name
from airflow_ml.compute.requirements import mask_credentials
from airflow_ml.exceptions import UserErrorException
from airflow_ml.reuse.model import Fingerprint, Record

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["FORMAT", "canonical", "digest_of", "has_secret_name", "is_secret_word", "record_line", "seal", "secret"]

#: Of the canonical text; raised whenever equal steps would get other fingerprints.
FORMAT = 1

_HEADER = f"airflow-ml fingerprint {FORMAT}\n"
#: `--name=value`, also among others: `Server=a;Password=b`, `{"password": "b"}`, `?api_key=b`.
_NAMED_VALUE = re.compile(r"(?<![\w-])-*(?P<name>[A-Za-z_][\w-]*)[\"']?\s*[=:]\s*[^\s=:]")
#: `Authorization: Bearer abc`, the key of an Azure function, and the token of a conda channel (`https://host/t/abc/name`).
_UNNAMED_VALUE = re.compile(r"\bbearer\s+\S|[?&]code=.|://[^\s/]+/t/[^\s/]+/", re.IGNORECASE)
#: `--name` or `-name` alone, whose value is the next word.
_OPTION = re.compile(r"--?(?P<name>[A-Za-z_][\w-]*)")
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
    option = _OPTION.fullmatch(before)
    return (
        (option is not None and not word.startswith("-") and has_secret_name(option["name"]))
        or any(has_secret_name(named["name"]) for named in _NAMED_VALUE.finditer(word))
        or _UNNAMED_VALUE.search(word) is not None
        or mask_credentials(word) != word
    )


def has_secret_name(name: str) -> bool:
    """Tell whether an option, parameter or variable of this name usually holds a secret."""
    return is_secret_name(name.replace("-", "_"))
