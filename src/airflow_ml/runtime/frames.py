"""
A tabular dataset's files as one pandas frame.

The same reader serves a script inside its step and the workspace's side; pandas is imported when a frame is read.
"""

from __future__ import annotations

import json
import re
import warnings

from airflow_ml.exceptions import DatasetNotFoundError, RunEnvironmentException, UserErrorException
from airflow_ml.runtime.column_types import convert, inferred
from airflow_ml.runtime.partitions import PartitionFormat
from airflow_ml.runtime.selection import kept_positions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from pandas import DataFrame

__all__ = ["partition_keys", "read_frame"]

_ENCODINGS = {
    "ascii": "ascii",
    "iso88591": "iso-8859-1",
    "latin1": "iso-8859-1",
    "utf16": "utf-16",
    "utf32": "utf-32",
    "utf8": "utf-8-sig",
    "utf8bom": "utf-8-sig",
    "windows1252": "cp1252",
}

# The rows that decide over the types of columns; fewer must not be read even where fewer are wanted.
_FEWEST_ROWS = 200


def partition_keys(definition: Mapping[str, Any]) -> list[str]:
    """Return the columns that a definition takes out of paths."""
    text = definition.get("partition_format")
    return PartitionFormat(text).names if text else []


def read_frame(definition: Mapping[str, Any], files: Sequence[tuple[str, str]], *, strict: bool = False) -> DataFrame:
    """
    Read a tabular dataset.

    Args:
        definition: the dataset as data; its sources are not looked at.
        files: in the dataset's order, each as local path and path within the dataset.
        strict: raise for a value that is not of its column's type; it becomes null otherwise.

    Returns:
        The table: column `Path` first where the definition includes it, columns of the partition format last.

    Raises:
        DatasetNotFoundError: there are no files.
        UserErrorException: a file is not as the definition says.
        RunEnvironmentException: pandas, or pyarrow for parquet, is not installed.
    """
    parse = definition.get("parse") or {}
    steps = definition.get("steps") or []
    files = [file for file in files if file[1].endswith(parse.get("file_extension") or "")]
    if not files:
        raise DatasetNotFoundError("the dataset has no files to read; expected at least one under its paths")
    limit = _row_limit(steps)
    frame, heights = _joined(_read_files(parse, files, limit))
    asked = parse.get("set_column_types") or {}
    if parse.get("format", "delimited") == "delimited" and parse.get("infer_column_types", True):
        told = {name: type_ for name, type_ in inferred(frame).items() if name not in asked}
        frame = convert(frame, told, strict=strict)
    frame = _with_paths(definition, frame, [path for _, path in files], heights)
    return _stepped(convert(frame, asked, strict=strict), steps)


def _row_limit(steps: Sequence[Mapping[str, Any]]) -> int | None:
    if steps and steps[0]["op"] == "take":
        return max(int(steps[0]["count"]), _FEWEST_ROWS)
    return None


def _read_files(parse: Mapping[str, Any], files: Iterable[tuple[str, str]], limit: int | None) -> list[DataFrame]:
    read = _READERS.get(parse.get("format", "delimited"))
    if read is None:
        raise UserErrorException(f"dataset format {parse['format']!r}: expected one of {sorted(_READERS)}")
    frames: list[DataFrame] = []
    rows = 0
    for local, path in files:
        if limit is not None and rows >= limit:
            break
        try:
            frames.append(read(local, parse, frames[0] if frames else None, limit))
        except ImportError as exc:
            raise RunEnvironmentException(
                f"file {path!r}: reading tables needs what the step's environment lacks: {exc}; add pandas, and "
                "pyarrow for parquet, to its packages",
                exc,
            ) from exc
        except (ValueError, Warning) as exc:
            raise UserErrorException(f"file {path!r}: not as the dataset says: {exc}", exc) from exc
        rows += len(frames[-1])
    return frames


def _read_delimited(local: str, parse: Mapping[str, Any], first: DataFrame | None, limit: int | None) -> DataFrame:
    import pandas

    header = parse.get("header") or "all_same"
    headless = header == "none" or (header == "first" and first is not None)
    separator = parse.get("separator") or ","
    options: dict[str, Any] = {"sep": separator, "encoding": _encoding(parse), "nrows": limit}
    if len(separator) > 1:
        options.update(sep=re.escape(separator), engine="python")
    try:
        with warnings.catch_warnings():
            # pandas would only warn of a row that is longer than the header, and cut it.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame: DataFrame = pandas.read_csv(
                local,
                header=None if headless else 0,
                dtype=str,
                index_col=False,
                keep_default_na=False,
                na_values=[] if parse.get("empty_as_string") else [""],
                **options,
            )
    except pandas.errors.EmptyDataError:
        return pandas.DataFrame() if first is None else first.iloc[:0]
    if header == "none":
        frame.columns = pandas.Index([f"Column{number + 1}" for number in range(frame.shape[1])])
    elif first is not None and len(first.columns) and header != "combine":
        if headless and len(frame.columns) == len(first.columns):
            frame.columns = first.columns
        if set(frame.columns) != set(first.columns):
            raise ValueError(
                f"its columns are {list(frame.columns)!r}, the first file's {list(first.columns)!r}; expected "
                "the same, or header=PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS"
            )
    return frame


def _read_json_lines(local: str, parse: Mapping[str, Any], first: DataFrame | None, limit: int | None) -> DataFrame:
    import pandas

    records: list[Any] = []
    with open(local, encoding=_encoding(parse)) as lines:
        for number, line in enumerate(lines, 1):
            if limit is not None and len(records) >= limit:
                break
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError(f"expected an object, got {type(record).__name__}")
            except ValueError as exc:
                if parse.get("invalid_lines", "error") == "error":
                    raise ValueError(f"line {number}: {exc}; invalid_lines='drop' would pass it over") from exc
            else:
                records.append(record)
    return pandas.DataFrame(records)


def _read_parquet(local: str, parse: Mapping[str, Any], first: DataFrame | None, limit: int | None) -> DataFrame:
    import pandas

    return pandas.read_parquet(local)


_READERS = {"delimited": _read_delimited, "json_lines": _read_json_lines, "parquet": _read_parquet}


def _encoding(parse: Mapping[str, Any]) -> str:
    name = parse.get("encoding") or "utf8"
    if name not in _ENCODINGS:
        raise UserErrorException(f"encoding {name!r}: expected one of {sorted(_ENCODINGS)}")
    return _ENCODINGS[name]


def _joined(frames: Sequence[DataFrame]) -> tuple[DataFrame, list[int]]:
    import pandas

    heights = [len(frame) for frame in frames]
    filled = [frame for frame in frames if len(frame.columns)]
    if len(filled) < 2:
        return (filled or frames)[0], heights
    return pandas.concat(filled, ignore_index=True, sort=False), heights


def _with_paths(
    definition: Mapping[str, Any], frame: DataFrame, paths: Sequence[str], heights: Sequence[int]
) -> DataFrame:
    """Add what the files' paths tell; `heights` are the rows of the files that were read."""
    import pandas

    read = paths[: len(heights)]
    frame = frame.copy(deep=False)

    def spread(values: Sequence[Any]) -> Any:
        return pandas.Series(values).repeat(list(heights)).array

    if (definition.get("parse") or {}).get("include_path"):
        frame.insert(0, "Path", spread(["/" + path.lstrip("/") for path in read]))
    if definition.get("partition_format"):
        format_ = PartitionFormat(definition["partition_format"])
        rows = [format_.values(path) for path in read]
        for name in format_.names:
            frame[name] = spread([row[name] for row in rows])
    return frame


def _stepped(frame: DataFrame, steps: Iterable[Mapping[str, Any]]) -> DataFrame:
    for step in steps:
        positions = kept_positions(step, len(frame))
        if positions is not None:
            frame = frame.iloc[list(positions)]
            continue
        missing = [name for name in step["columns"] if name not in frame.columns]
        if missing:
            raise UserErrorException(
                f"{step['op']}: no columns {missing!r} in the data, which has {list(frame.columns)!r}"
            )
        frame = frame[list(step["columns"])] if step["op"] == "keep_columns" else frame.drop(columns=step["columns"])
    return frame.reset_index(drop=True)
