"""How files are read as a table: from v1's arguments to the `parse` mapping of a definition."""

from __future__ import annotations

from airflow_ml.data._data_type import DataType
from airflow_ml.data._definition import header_word, without_defaults
from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
    from airflow_ml.graph.model import Json

__all__ = ["column_types", "delimited", "extension_of", "json_lines", "parquet"]

_DEFAULTS: Mapping[str, Json] = {
    "separator": ",",
    "header": "all_same",
    "encoding": "utf8",
    "infer_column_types": True,
    "set_column_types": None,
    "empty_as_string": False,
    "support_multi_line": False,
    "include_path": False,
    "file_extension": None,
    "invalid_lines": "error",
}


def delimited(
    *,
    where: str,
    separator: str = ",",
    header: bool | PromoteHeadersBehavior = True,
    set_column_types: Mapping[str, DataType] | None = None,
    **options: Json,
) -> dict[str, Json]:
    """
    Return the `parse` mapping of delimited files.

    Args:
        where: what is defined, for errors.
        options: the other keys of the mapping, already as JSON values.
    """
    values: dict[str, Json] = {
        "separator": separator,
        "header": header_word(header, where=where),
        "set_column_types": column_types(set_column_types, where=where),
        **options,
    }
    return {"format": "delimited", **without_defaults(values, _DEFAULTS)}


def json_lines(
    *, where: str, set_column_types: Mapping[str, DataType] | None = None, **options: Json
) -> dict[str, Json]:
    """Return the `parse` mapping of JSON lines; raises UserErrorException for unknown `invalid_lines`."""
    if options.get("invalid_lines", "error") not in ("error", "drop"):
        raise UserErrorException(f"{where}: invalid_lines {options['invalid_lines']!r} is neither 'error' nor 'drop'")
    values: dict[str, Json] = {"set_column_types": column_types(set_column_types, where=where), **options}
    return {"format": "json_lines", **without_defaults(values, _DEFAULTS)}


def parquet(*, where: str, set_column_types: Mapping[str, DataType] | None = None, **options: Json) -> dict[str, Json]:
    """Return the `parse` mapping of parquet files."""
    values: dict[str, Json] = {"set_column_types": column_types(set_column_types, where=where), **options}
    return {"format": "parquet", **without_defaults(values, _DEFAULTS)}


def column_types(types: Mapping[str, DataType] | None, *, where: str) -> Json:
    """Return `set_column_types` as JSON; raises UserErrorException for a value that is no DataType."""
    if types is None:
        return None
    for column, column_type in types.items():
        if not isinstance(column_type, DataType):
            raise UserErrorException(
                f"{where}: type {column_type!r} of column {column!r} is no DataType; use DataType.to_float() and the "
                "like"
            )
    return {column: dict(column_type.definition) for column, column_type in types.items()}


def extension_of(path_glob: str | None, *, where: str) -> str | None:
    """Return the file extension that a glob selects; raises NotSupportedError for globs that select otherwise."""
    if path_glob is None:
        return None
    name = path_glob.rsplit("/", 1)[-1]
    folders = path_glob.removesuffix(name).strip("/")
    if name.startswith("*.") and not any(sign in name[1:] for sign in "*?[") and folders in ("", "**"):
        return name[1:]
    raise NotSupportedError(
        f"{where}: path_glob {path_glob!r} is not supported; write '*.csv' or '**/*.csv', or let the step write only "
        "the files that are to be read"
    )
