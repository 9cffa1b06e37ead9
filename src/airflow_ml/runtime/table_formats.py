"""
How tables are parsed from files, as data: the `parse` mapping of a definition.

A mapping holds only what differs from the defaults, so that two ways to write the same table, and versions of
airflow-ml that know more options, agree on one text and one id.
"""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.data_types import DataType
from airflow_ml.runtime.headers import header_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from airflow_ml.runtime.headers import PromoteHeadersBehavior

__all__ = ["ENCODINGS", "chosen_files", "column_types", "delimited", "json_lines", "parquet"]

#: v1's names of encodings, and Python's.
ENCODINGS = {
    "ascii": "ascii",
    "iso88591": "iso-8859-1",
    "latin1": "iso-8859-1",
    "utf16": "utf-16",
    "utf32": "utf-32",
    "utf8": "utf-8-sig",
    "utf8bom": "utf-8-sig",
    "windows1252": "cp1252",
}

_DEFAULTS: Mapping[str, Any] = {
    "separator": ",",
    "header": "all_same",
    "encoding": "utf8",
    "infer_column_types": True,
    "set_column_types": None,
    "empty_as_string": False,
    "support_multi_line": False,
    "include_path": False,
    "file_extension": None,
    "path_glob": None,
    "invalid_lines": "error",
}


def delimited(
    *,
    where: str,
    separator: str = ",",
    header: bool | PromoteHeadersBehavior = True,
    set_column_types: Mapping[str, DataType] | None = None,
    encoding: str = "utf8",
    **options: Any,
) -> dict[str, Any]:
    """
    Return the `parse` mapping of delimited files.

    Args:
        where: what is defined, for errors.
        options: the other keys of the mapping, already as JSON values.

    Raises:
        UserErrorException: a value that v1 does not take either.
    """
    if not isinstance(separator, str) or not separator:
        raise UserErrorException(f"{where}: separator {separator!r} is no text; give the sign between two values")
    values = {
        "separator": separator,
        "header": header_word(header, where=where),
        "set_column_types": column_types(set_column_types, where=where),
        "encoding": _checked_encoding(encoding, where=where),
        **options,
    }
    return {"format": "delimited", **_without_defaults(values)}


def json_lines(
    *,
    where: str,
    set_column_types: Mapping[str, DataType] | None = None,
    invalid_lines: str = "error",
    encoding: str = "utf8",
    **options: Any,
) -> dict[str, Any]:
    """Return the `parse` mapping of JSON lines; raises UserErrorException for unknown `invalid_lines`."""
    if invalid_lines not in ("error", "drop"):
        raise UserErrorException(f"{where}: invalid_lines {invalid_lines!r} is neither 'error' nor 'drop'")
    values = {
        "set_column_types": column_types(set_column_types, where=where),
        "invalid_lines": invalid_lines,
        "encoding": _checked_encoding(encoding, where=where),
        **options,
    }
    return {"format": "json_lines", **_without_defaults(values)}


def parquet(*, where: str, set_column_types: Mapping[str, DataType] | None = None, **options: Any) -> dict[str, Any]:
    """Return the `parse` mapping of parquet files."""
    values = {"set_column_types": column_types(set_column_types, where=where), **options}
    return {"format": "parquet", **_without_defaults(values)}


def column_types(types: Mapping[str, DataType] | None, *, where: str) -> dict[str, Any] | None:
    """Return `set_column_types` as JSON; raises UserErrorException for a value that is no DataType."""
    if types is None:
        return None
    if not hasattr(types, "items"):
        raise UserErrorException(f"{where}: set_column_types {types!r} is no mapping of columns to DataType")
    for column, column_type in types.items():
        if not isinstance(column_type, DataType):
            raise UserErrorException(
                f"{where}: type {column_type!r} of column {column!r} is no DataType; use DataType.to_float() and the "
                "like"
            )
    return {column: dict(column_type.definition) for column, column_type in types.items()}


def chosen_files(path_glob: str | None) -> dict[str, str]:
    """
    Return the part of a `parse` mapping that says which files are read.

    Args:
        path_glob: v1's pattern: `*.csv` for names, `**/day_*/*.csv` for paths below the output; None takes all.
    """
    if path_glob is None:
        return {}
    folder, _, name = path_glob.rpartition("/")
    if name.startswith("*.") and not any(sign in name[1:] for sign in "*?[") and folder.strip("/") in ("", "**"):
        return {"file_extension": name[1:]}
    return {"path_glob": path_glob}


def _checked_encoding(encoding: str, *, where: str) -> str:
    folded = encoding.lower() if isinstance(encoding, str) else encoding
    if folded not in ENCODINGS:
        raise UserErrorException(f"{where}: encoding {encoding!r} is not one of {', '.join(ENCODINGS)}")
    return folded


def _without_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in _DEFAULTS or value != _DEFAULTS[key]}
