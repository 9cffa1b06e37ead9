"""
The files of a table as frames, by format: whole, or their first rows.

A file is a local path, or an open binary file that can seek: what is not asked for is not read.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from contextlib import contextmanager

from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.packed_files import packing_of, unpacking
from airflow_ml.runtime.table_formats import ENCODINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any, TextIO

    from pandas import DataFrame

__all__ = ["READERS", "Wanted", "exact_rows", "read_head"]

#: Rows that are taken out of a parquet file at a time where not all are wanted.
_BATCH = 4096

#: Bytes that are read at a time of each column of such a file.
_BUFFER = 64 << 10


class Wanted:
    """
    What of a file is read.

    Attributes:
        path: the file's path within its dataset; its end says whether it is packed.
        first: the first frame of the table, whose names may hold for the others.
        limit: most rows; None for all.
        numbers: columns of a delimited file that pandas may read as numbers or truth values; all others come as texts.
            None: nothing is known of the columns yet, and all come as texts.
        texts: columns that are known to be texts that look like numbers.
    """

    def __init__(
        self,
        path: str,
        first: DataFrame | None,
        limit: int | None,
        numbers: Collection[str] | None = None,
        texts: Collection[str] = (),
    ) -> None:
        self.path = path
        self.first = first
        self.limit = limit
        self.numbers = numbers
        self.texts = texts


@contextmanager
def exact_rows() -> Iterator[None]:
    """Have every row that is longer than its file's header be an error; pandas would only warn, and cut it."""
    import pandas

    # For a whole table at once: filters of warnings are the process's, and files are read in several threads.
    with warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        # And every column of which one piece would hold numbers and another one texts (`_read_guessed`).
        warnings.simplefilter("error", pandas.errors.DtypeWarning)
        yield


def _read_delimited(file: Any, parse: Mapping[str, Any], wanted: Wanted) -> DataFrame:
    packing = packing_of(wanted.path)
    with unpacking(packing):
        return _read_unpacked(file, parse, wanted, packing)


def _read_unpacked(file: Any, parse: Mapping[str, Any], wanted: Wanted, packing: str | None) -> DataFrame:
    import pandas

    first = wanted.first
    header = parse.get("header") or "all_same"
    headless = header == "none" or (header == "first" and first is not None)
    separator = parse.get("separator") or ","
    options: dict[str, Any] = {"sep": separator, "encoding": _encoding(parse), "keep_default_na": False}
    options.update(compression=packing)
    if len(separator) > 1:
        options.update(sep=re.escape(separator), engine="python")
    try:
        top = pandas.read_csv(file, header=None, nrows=1, dtype=str, **options)
        _rewind(file)
        names = _column_names([""] * top.shape[1] if headless else list(top.iloc[0]))
        if first is not None and len(first.columns) and header not in ("none", "combine"):
            names = _names_like(names, list(first.columns), headless=headless)
        options.update(header=None if headless else 0, names=names, index_col=False, nrows=wanted.limit)
        options.update(na_values=[] if parse.get("empty_as_string") else [""])
        frame = _read_texts(file, options, names, wanted)
    except pandas.errors.EmptyDataError:
        return pandas.DataFrame() if first is None else first.iloc[:0]
    return frame


def _read_texts(file: Any, options: dict[str, Any], names: Sequence[str], wanted: Wanted) -> DataFrame:
    """
    Read a delimited file with its texts as they stand there.

    pandas is several times faster where it may find out what columns hold. It then keeps a column's texts unless all of
    them are numbers or truth values; the file is read again where that has happened to a column that it must not.
    """
    import pandas

    frame: DataFrame
    if wanted.numbers is None or options.get("engine") == "python":
        frame = pandas.read_csv(file, dtype=str, **options)
        return frame
    texts = {name: str for name in names if name in wanted.texts}
    frame = _read_guessed(file, texts, options)
    kinds = {name: frame.dtypes.iloc[position].kind for position, name in enumerate(frame.columns)}
    changed = {name for name, kind in kinds.items() if kind in "biufc" and name not in wanted.numbers}
    if changed:
        _rewind(file)
        frame = _read_guessed(file, {**texts, **dict.fromkeys(changed, str)}, options)
    return frame


def _read_guessed(file: Any, types: Mapping[str, type], options: Mapping[str, Any]) -> DataFrame:
    """
    Read a delimited file; pandas finds out what those columns hold that have no type here.

    It does so piece by piece, in a third of the memory, and tells where the pieces differ: then once more, as a whole.
    """
    import pandas

    frame: DataFrame
    try:
        frame = pandas.read_csv(file, dtype=types, **options)
    except pandas.errors.DtypeWarning:
        _rewind(file)
        frame = pandas.read_csv(file, dtype=types, low_memory=False, **options)
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


def _read_json_lines(file: Any, parse: Mapping[str, Any], wanted: Wanted) -> DataFrame:
    import pandas

    records: list[Any] = []
    with _as_text(file, _encoding(parse)) as lines:
        for number, line in enumerate(lines, 1):
            if wanted.limit is not None and len(records) >= wanted.limit:
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


def _as_text(file: Any, encoding: str) -> TextIO:
    return open(file, encoding=encoding) if isinstance(file, str) else io.TextIOWrapper(file, encoding)


def _read_parquet(file: Any, parse: Mapping[str, Any], wanted: Wanted) -> DataFrame:
    if wanted.limit is None:
        import pandas

        return pandas.read_parquet(file)
    frame: DataFrame = read_head(file, wanted.limit).to_pandas()
    return frame.iloc[: wanted.limit]


def read_head(file: Any, limit: int) -> Any:
    """Return the first rows of a parquet file, or a few more, as a table of pyarrow."""
    import pyarrow
    from pyarrow import parquet

    batches, rows = [], 0
    # With a buffer, a row group is read as far as its rows are wanted, and not as a whole.
    whole = parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
    for batch in whole.iter_batches(batch_size=max(1, min(limit, _BATCH))):
        batches.append(batch)
        rows += len(batch)
        if rows >= limit:
            break
    return pyarrow.Table.from_batches(batches, whole.schema_arrow)


READERS = {"delimited": _read_delimited, "json_lines": _read_json_lines, "parquet": _read_parquet}


def _rewind(file: Any) -> None:
    if not isinstance(file, str):
        file.seek(0)


def _encoding(parse: Mapping[str, Any]) -> str:
    name = parse.get("encoding") or "utf8"
    if name not in ENCODINGS:
        raise UserErrorException(f"encoding {name!r}: expected one of {sorted(ENCODINGS)}")
    return ENCODINGS[name]
