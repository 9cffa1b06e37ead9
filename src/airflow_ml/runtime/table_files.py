"""Writes frames as files: one whole file, or one file for each combination of some columns' values."""

from __future__ import annotations

import os

from airflow_ml.exceptions import RunEnvironmentException, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pandas import DataFrame

__all__ = ["write_csv", "write_parquet", "write_partitions"]

#: How a time becomes a folder's name, for `strftime` and for a partition format.
_TIME_NAME, _TIME_FORMAT = "%Y%m%d%H%M%S", "yyyyMMddHHmmss"


def write_csv(frame: DataFrame, folder: str, separator: str) -> str:
    """Write one file with a line of names and return its path."""
    path = os.path.join(folder, "part-00000.csv")
    frame.to_csv(path, sep=separator, index=False)
    return path


def write_parquet(frame: DataFrame, folder: str, row_group_size: int | None = None) -> str:
    """
    Write one file and return its path.

    Raises:
        RunEnvironmentException: there is no pyarrow.
    """
    path = os.path.join(folder, "part-00000.parquet")
    try:
        frame.to_parquet(path, index=False, row_group_size=row_group_size)
    except ImportError as exc:
        raise RunEnvironmentException(
            "writing parquet needs pyarrow; add it to the packages of the environment", exc
        ) from exc
    return path


def write_partitions(frame: DataFrame, keys: Sequence[str], folder: str) -> dict[str, Any]:
    """
    Write the rows into parquet files below a folder for each value of the first key, then of the second, and so on.

    The keys' columns are not in the files: they come back from the paths.

    Returns:
        What a definition needs to read them: `partition_format`, and `parse` with the keys' types.

    Raises:
        UserErrorException: keys that are no columns, named twice or none; or a value that is no folder's name.
    """
    _check_keys(frame, keys)
    types = {key: _type_of(frame[key]) for key in keys}
    names = frame.assign(**{key: _names(frame, key, types[key]) for key in keys})
    for values, rows in names.groupby(list(keys), sort=True):
        place = os.path.join(folder, *map(str, values))
        os.makedirs(place)
        write_parquet(rows.drop(columns=list(keys)), place)
    times = [key for key in keys if types[key] == "datetime"]
    places = "/".join(f"{{{key}:{_TIME_FORMAT}}}" if key in times else f"{{{key}}}" for key in keys)
    told = {key: {"type": kind} for key, kind in types.items() if kind not in ("datetime", "string")}
    parse = {"format": "parquet", **({"set_column_types": told} if told else {})}
    return {"partition_format": f"{places}/*.parquet", "parse": parse}


def _check_keys(frame: DataFrame, keys: Sequence[str]) -> None:
    if isinstance(keys, str) or not keys:
        raise UserErrorException(f"partition_by: partition_keys {keys!r} is not a list of columns; name at least one")
    if len(set(keys)) < len(keys):
        raise UserErrorException(f"partition_by: partition_keys {list(keys)!r} name a column twice")
    unknown = [key for key in keys if key not in frame.columns]
    if unknown:
        raise UserErrorException(
            f"partition_by: partition_keys {unknown!r} are no columns of the data, which has {list(frame.columns)!r}"
        )
    if len(keys) == len(frame.columns):
        raise UserErrorException(
            f"partition_by: partition_keys {list(keys)!r} are all columns; leave one for the files"
        )


def _type_of(column: Any) -> str:
    import pandas

    types = pandas.api.types
    tests = {
        "bool": types.is_bool_dtype,
        "long": types.is_integer_dtype,
        "float": types.is_float_dtype,
        "datetime": types.is_datetime64_any_dtype,
    }
    return next((name for name, test in tests.items() if test(column)), "string")


def _names(frame: DataFrame, key: str, kind: str) -> list[str]:
    column = frame[key]
    texts = ["" if missing else str(value) for value, missing in zip(column, column.isna())]
    if kind == "datetime":
        texts = ["" if missing else value.strftime(_TIME_NAME) for value, missing in zip(column, column.isna())]
    for text in texts:
        if text in ("", ".", "..") or "/" in text or "\0" in text:
            raise UserErrorException(
                f"partition_by: value {text!r} of column {key!r} cannot be the name of a folder; fill or replace it"
            )
    return texts
