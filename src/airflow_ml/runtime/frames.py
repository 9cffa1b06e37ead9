"""
A tabular dataset's files as one pandas frame.

The same reader serves a script inside its step and the workspace's side; pandas is imported when a frame is read.
"""

from __future__ import annotations

import os

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
from airflow_ml.runtime.table_readers import READERS, Wanted, exact_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, BinaryIO, Dict, List, Tuple, Union

    from pandas import DataFrame

    from airflow_ml.runtime import filters

    #: Where a file's bytes are.
    Place = Union[str, Callable[[bool], AbstractContextManager[Union[str, BinaryIO]]]]

    #: A table, the rows of each of its files, and the types that its first rows tell.
    _Read = Tuple[DataFrame, List[int], Dict[str, Dict[str, Any]]]
else:
    filters = late("airflow_ml.runtime.filters")

__all__ = ["is_chosen", "key_values", "partition_keys", "read_frame", "row_limit"]

#: Files that are parsed at the same time.
_THREADS = min(4, os.cpu_count() or 1)

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


def read_frame(definition: Mapping[str, Any], files: Sequence[tuple[Place, str]], *, strict: bool = False) -> DataFrame:
    """
    Read a tabular dataset.

    Args:
        definition: the dataset as data; its sources are not looked at.
        files: in the dataset's order, each as place and path within the dataset. A place is a local path, or what opens
            a binary file that can seek, told whether all of it will be read.
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
    files = [file for file in files if is_chosen(parse, file[1])]
    if not files:
        raise DatasetNotFoundError("the dataset has no files to read; expected at least one under its paths")
    asked = parse.get("set_column_types") or {}
    limit = row_limit(steps)
    frame, heights, told = _read_head(parse, files, limit, asked) if limit else _read_all(parse, files, asked)
    frame = convert(frame, told, strict=strict)
    frame = _with_paths(definition, frame, [path for _, path in files], heights)
    frame = _stepped(convert(frame, asked, strict=strict), steps)
    return _in_time(frame, definition.get("timestamp"))


def is_chosen(parse: Mapping[str, Any], path: str) -> bool:
    """Whether a definition reads the file of that path within its dataset."""
    if not path.endswith(parse.get("file_extension") or ""):
        return False
    glob = parse.get("path_glob")
    return not glob or glob_pattern(glob).fullmatch(path.lstrip("/")) is not None


def row_limit(steps: Sequence[Mapping[str, Any]]) -> int | None:
    """Return how many rows of the files suffice for a table whose steps begin with rows to skip and to take."""
    skipped = 0
    for step in steps:
        if step["op"] == "take":
            return max(skipped + int(step["count"]), _FEWEST_ROWS)
        if step["op"] == "skip":
            skipped += int(step["count"])
        elif step["op"] not in ("keep_columns", "drop_columns"):
            return None
    return None


def _read_head(
    parse: Mapping[str, Any], files: Sequence[tuple[Place, str]], limit: int, asked: Mapping[str, Any]
) -> _Read:
    frames = _read_files(parse, files, limit)
    return *_joined(frames), _inferred_types(parse, frames, asked)


def _read_all(parse: Mapping[str, Any], files: Sequence[tuple[Place, str]], asked: Mapping[str, Any]) -> _Read:
    if parse.get("format", "delimited") != "delimited":
        return *_joined(_read_files(parse, files, None, is_whole=True)), {}
    told = _inferred_types(parse, _read_files(parse, files, _FEWEST_ROWS), asked)
    numbers = _numbers({**told, **asked})
    frames = _read_files(parse, files, None, numbers=numbers, texts=asked.keys() - numbers, is_whole=True)
    return *_joined(frames), told


def _inferred_types(
    parse: Mapping[str, Any], frames: Sequence[DataFrame], asked: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the types that the first rows tell, of columns that the definition says nothing of."""
    if parse.get("format", "delimited") != "delimited" or not parse.get("infer_column_types", True):
        return {}
    return {name: type_ for name, type_ in inferred(_joined(frames)[0]).items() if name not in asked}


def _numbers(types: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the columns that may be read as what they are at once, and need not come as texts."""
    return {
        name
        for name, type_ in types.items()
        if type_["type"] in ("long", "float", "bool") and (type_.get("decimal_mark") or ".") == "."
    }


def _read_files(
    parse: Mapping[str, Any],
    files: Iterable[tuple[Place, str]],
    limit: int | None,
    *,
    numbers: Collection[str] | None = None,
    texts: Collection[str] = (),
    is_whole: bool = False,
) -> list[DataFrame]:
    read = READERS.get(parse.get("format", "delimited"))
    if read is None:
        raise UserErrorException(f"dataset format {parse['format']!r}: expected one of {sorted(READERS)}")
    reader = _Reader(read, parse, limit, numbers, texts, is_whole)
    files = [*files]
    try:
        with exact_rows():
            if is_whole and len(files) > 1 and _THREADS > 1:
                return _read_at_once(reader, files)
            return _read_in_turn(reader, files, limit)
    except ImportError as exc:
        raise _no_pandas(files[0][1], exc) from exc


class _Reader:
    """Reads one file of a table."""

    def __init__(
        self,
        read: Callable[..., DataFrame],
        parse: Mapping[str, Any],
        limit: int | None,
        numbers: Collection[str] | None,
        texts: Collection[str],
        is_whole: bool,
    ) -> None:
        self._read = read
        self._parse = parse
        self._limit, self._numbers, self._texts = limit, numbers, texts
        self._is_whole = is_whole

    def __call__(self, file: tuple[Place, str], first: DataFrame | None) -> DataFrame:
        place, path = file
        wanted = Wanted(path, first, self._limit, self._numbers, self._texts)
        try:
            if isinstance(place, str):
                return self._read(place, self._parse, wanted)
            with place(self._is_whole) as stream:
                return self._read(stream, self._parse, wanted)
        except ImportError as exc:
            raise _no_pandas(path, exc) from exc
        except (ValueError, Warning) as exc:
            raise DatasetExecutionError(f"file {path!r}: not as the dataset says: {exc}", exc) from exc


def _no_pandas(path: str, error: ImportError) -> RunEnvironmentException:
    return RunEnvironmentException(
        f"file {path!r}: reading tables needs what the step's environment lacks: {error}; add pandas, and pyarrow for"
        " parquet, to its packages",
        error,
    )


def _read_in_turn(reader: _Reader, files: Iterable[tuple[Place, str]], limit: int | None) -> list[DataFrame]:
    frames: list[DataFrame] = []
    rows = 0
    for file in files:
        if limit is not None and rows >= limit:
            break
        frames.append(reader(file, frames[0] if frames else None))
        rows += len(frames[-1])
    return frames


def _read_at_once(reader: _Reader, files: Sequence[tuple[Place, str]]) -> list[DataFrame]:
    """Read the first file, whose names may hold for the others, then several at a time: pandas lets go of the GIL."""
    from concurrent.futures import ThreadPoolExecutor

    first = reader(files[0], None)
    with ThreadPoolExecutor(_THREADS) as pool:
        others = [pool.submit(reader, file, first) for file in files[1:]]
        try:
            return [first, *(other.result() for other in others)]
        finally:
            for other in others:
                other.cancel()


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
    return frame if _is_numbered(frame) else frame.reset_index(drop=True)


def _is_numbered(frame: DataFrame) -> bool:
    """Tell whether the rows are numbered from 0 on, so that numbering them would only copy them."""
    import pandas

    return isinstance(frame.index, pandas.RangeIndex) and frame.index.equals(pandas.RangeIndex(len(frame)))
