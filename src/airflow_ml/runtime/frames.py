"""
A tabular dataset's files as one pandas frame.

The same reader serves a script inside its step and the workspace's side; pandas is imported when a frame is read.
"""

from __future__ import annotations

import json
import re
import warnings

from airflow_ml._late import late
from airflow_ml.exceptions import (
    DatasetExecutionError,
    DatasetNotFoundError,
    NotSupportedError,
    RunEnvironmentException,
    UserErrorException,
)
from airflow_ml.runtime.column_types import convert, inferred
from airflow_ml.runtime.partitions import PartitionFormat
from airflow_ml.runtime.selection import glob_pattern, kept_positions
from airflow_ml.runtime.table_formats import ENCODINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from pandas import DataFrame

    from airflow_ml.runtime import filters
else:
    filters = late("airflow_ml.runtime.filters")

__all__ = ["key_values", "partition_keys", "read_frame"]

# The rows that decide over the types of columns; fewer must not be read even where fewer are wanted.
_FEWEST_ROWS = 200


def partition_keys(definition: Mapping[str, Any]) -> list[str]:
    """Return the columns that a definition takes out of paths."""
    text = definition.get("partition_format")
    return PartitionFormat(text).names if text else []


def key_values(
    definition: Mapping[str, Any], paths: Iterable[str], wanted: Sequence[str] | None
) -> list[dict[str, Any]]:
    """
    Return the distinct values of partition columns in a dataset's paths, in the order of the paths.

    Args:
        paths: of the files within the dataset, in its order.
        wanted: some of the columns; all of them otherwise.

    Raises:
        UserErrorException: the dataset has no partition columns, or not these.
        NotSupportedError: a table of which some rows were taken.
    """
    known = partition_keys(definition)
    if not known:
        raise UserErrorException(
            "get_partition_key_values: the dataset has no partition keys; define it with a partition_format"
        )
    names = list(wanted or known)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserErrorException(f"get_partition_key_values: {unknown!r} are no partition keys; there are {known!r}")
    found = map(PartitionFormat(definition["partition_format"]).values, paths)
    steps = definition.get("steps") or [] if definition["kind"] == "tabular" else []
    rows = [{name: values[name] for name in names} for values in _partitions(list(found), steps)]
    return list({tuple(row.values()): row for row in rows}.values())


def _partitions(found: list[dict[str, Any]], steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Apply a table's steps as far as they choose whole files."""
    for step in steps:
        if step["op"] == "filter":
            found = [values for values in found if filters.matches(step["expression"], values)]
        elif step["op"] not in ("keep_columns", "drop_columns"):
            raise NotSupportedError(
                f"get_partition_key_values: after {step['op']} the rows decide; take the distinct values of "
                "to_pandas_dataframe()[keys]"
            )
    return found


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
        DatasetExecutionError: a file is not as the definition says.
        RunEnvironmentException: pandas, or pyarrow for parquet, is not installed.
    """
    parse = definition.get("parse") or {}
    steps = definition.get("steps") or []
    files = _chosen(parse, files)
    if not files:
        raise DatasetNotFoundError("the dataset has no files to read; expected at least one under its paths")
    limit = _row_limit(steps)
    frame, heights = _joined(_read_files(parse, files, limit))
    asked = parse.get("set_column_types") or {}
    if parse.get("format", "delimited") == "delimited" and parse.get("infer_column_types", True):
        told = {name: type_ for name, type_ in inferred(frame).items() if name not in asked}
        frame = convert(frame, told, strict=strict)
    frame = _with_paths(definition, frame, [path for _, path in files], heights)
    frame = _stepped(convert(frame, asked, strict=strict), steps)
    return _in_time(frame, definition.get("timestamp"))


def _chosen(parse: Mapping[str, Any], files: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    files = [file for file in files if file[1].endswith(parse.get("file_extension") or "")]
    if not parse.get("path_glob"):
        return files
    matches = glob_pattern(parse["path_glob"]).fullmatch
    return [file for file in files if matches(file[1].lstrip("/"))]


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
            raise DatasetExecutionError(f"file {path!r}: not as the dataset says: {exc}", exc) from exc
        rows += len(frames[-1])
    return frames


def _read_delimited(local: str, parse: Mapping[str, Any], first: DataFrame | None, limit: int | None) -> DataFrame:
    import pandas

    header = parse.get("header") or "all_same"
    headless = header == "none" or (header == "first" and first is not None)
    separator = parse.get("separator") or ","
    options: dict[str, Any] = {"sep": separator, "encoding": _encoding(parse), "dtype": str, "keep_default_na": False}
    if len(separator) > 1:
        options.update(sep=re.escape(separator), engine="python")
    try:
        top = pandas.read_csv(local, header=None, nrows=1, **options)
        names = _column_names([""] * top.shape[1] if headless else list(top.iloc[0]))
        if first is not None and len(first.columns) and header not in ("none", "combine"):
            names = _names_like(names, list(first.columns), headless=headless)
        with warnings.catch_warnings():
            # pandas would only warn of a row that is longer than the header, and cut it.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame: DataFrame = pandas.read_csv(
                local,
                header=None if headless else 0,
                names=names,
                index_col=False,
                nrows=limit,
                na_values=[] if parse.get("empty_as_string") else [""],
                **options,
            )
    except pandas.errors.EmptyDataError:
        return pandas.DataFrame() if first is None else first.iloc[:0]
    return frame


def _column_names(given: Sequence[str]) -> list[str]:
    """Return v1's names of columns: `Column2` for one without a name, `x_1` for the second `x`."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for number, name in enumerate(given, 1):
        known = name or f"Column{number}"
        count = seen[known] = seen.get(known, -1) + 1
        names.append(f"{known}_{count}" if count else known)
    return names


def _names_like(names: list[str], first: list[str], *, headless: bool) -> list[str]:
    """
    Return the names of a file's columns where the first file's names hold for all.

    As in v1 they hold by their position, and a first line with other names is passed over like one with the same: v1's
    own sample of images without header lines relies on it. Only the same names in another order are not mixed up.
    """
    if not headless and set(names) == set(first):
        return names
    if len(names) != len(first):
        raise ValueError(
            f"it has {len(names)} columns ({names[:5]!r} ...), the first file {len(first)} ({first[:5]!r} ...);"
            " expected the same number, or header=PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS"
        )
    return first


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
    if name not in ENCODINGS:
        raise UserErrorException(f"encoding {name!r}: expected one of {sorted(ENCODINGS)}")
    return ENCODINGS[name]


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


def _in_time(frame: DataFrame, timestamp: str | None) -> DataFrame:
    """Return a table with a timestamp column indexed by it; the column stays (v1's to_pandas_dataframe)."""
    if timestamp is None or not len(frame):
        return frame
    if timestamp not in frame.columns:
        raise UserErrorException(
            f"timestamp column {timestamp!r}: not in the data, which has {list(frame.columns)!r}; correct "
            "with_timestamp_columns"
        )
    return frame.set_index(timestamp, drop=False).rename_axis(None)


def _stepped(frame: DataFrame, steps: Iterable[Mapping[str, Any]]) -> DataFrame:
    for step in steps:
        positions = kept_positions(step, len(frame))
        if positions is not None:
            frame = frame.iloc[list(positions)]
            continue
        if step["op"] == "filter":
            frame = frame[filters.matching_rows(frame, step["expression"])]
            continue
        missing = [name for name in step["columns"] if name not in frame.columns]
        if missing:
            raise UserErrorException(
                f"{step['op']}: no columns {missing!r} in the data, which has {list(frame.columns)!r}"
            )
        frame = frame[list(step["columns"])] if step["op"] == "keep_columns" else frame.drop(columns=step["columns"])
    return frame.reset_index(drop=True)
