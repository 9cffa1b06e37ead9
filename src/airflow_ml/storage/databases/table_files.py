"""Files of rows: how they are written from batches, and read in batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.storage.databases.sources import TableFormat

__all__ = ["BatchWriter", "open_rows", "writer"]

#: What a value must be quoted for.
_QUOTED = re.compile(r'[",\r\n]|^\s|\s$')

#: Bytes of a delimited file that are parsed at once; a value may not be longer.
_BLOCK = 8 << 20

#: Rows of a file that become Python's values at once.
_ROWS = 10_000


class BatchWriter(Protocol):
    """Takes batches of one schema, one after the other."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Write one more."""
        ...

    def close(self) -> None:
        """Write the end of the file; the stream stays open."""
        ...


def writer(format_: TableFormat, stream: BinaryIO, schema: pa.Schema) -> BatchWriter:
    """Return a writer of a file with these columns."""
    if format_ == "parquet":
        parquet: BatchWriter = pyarrow.parquet.ParquetWriter(stream, schema, compression="snappy")
        return parquet
    return _DelimitedWriter(stream, schema)


class _DelimitedWriter:
    """
    Text in UTF-8 with commas and a line of names.

    What is missing is nothing between two commas, empty text is `""`, so that the file says which is which.
    """

    def __init__(self, stream: BinaryIO, schema: pa.Schema) -> None:
        self._stream = stream
        self._as_text = [_as_text(field.type) for field in schema]
        self._write_line(_quoted(name) for name in schema.names)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [
            ["" if value is None else as_text(value) for value in column.to_pylist()]
            for column, as_text in zip(batch.columns, self._as_text, strict=True)
        ]
        lines = map(",".join, zip(*columns, strict=True))
        text = "".join(f"{line}\n" for line in lines)
        self._stream.write(text.encode("utf-8"))

    def close(self) -> None:
        """There is nothing at the end."""

    def _write_line(self, fields: Iterator[str]) -> None:
        self._stream.write(f"{','.join(fields)}\n".encode())


def _quoted(text: str) -> str:
    if not text or _QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _as_text(type_: pa.DataType) -> Callable[[Any], str]:
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return _quoted
    if pa.types.is_boolean(type_):
        return lambda value: "true" if value else "false"
    if pa.types.is_floating(type_):
        return repr
    if pa.types.is_decimal(type_):
        return lambda value: format(value, "f")
    if pa.types.is_timestamp(type_):
        return lambda value: str(value.isoformat(sep=" "))
    if pa.types.is_binary(type_):
        return lambda value: f"0x{value.hex()}"
    return str


@contextmanager
def open_rows(source: Path, format_: TableFormat) -> Iterator[tuple[list[str], Iterator[pa.RecordBatch]]]:
    """
    Read a file of rows: its columns, and batches of whatever types the file has (text, where it is text).

    Raises:
        UserErrorException: it is no such file, or has no line of names.
    """
    try:
        if format_ == "parquet":
            with pyarrow.parquet.ParquetFile(source) as parquet:
                yield list(parquet.schema_arrow.names), parquet.iter_batches(batch_size=_ROWS)
        else:
            names = _header(source)
            with _open_delimited(source, names) as reader:
                yield names, _sliced(reader)
    except pa.ArrowInvalid as error:
        raise UserErrorException(
            f"file {source.name!r}: cannot be read as {format_}: {' '.join(str(error).split())}; correct the file"
        ) from error


def _sliced(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            yield batch.slice(start, _ROWS)


def _header(source: Path) -> list[str]:
    import csv

    with source.open(encoding="utf-8-sig", newline="") as stream:
        try:
            return next(csv.reader(stream))
        except (StopIteration, csv.Error, UnicodeDecodeError) as error:
            raise UserErrorException(
                f"file {source.name!r}: has no line of column names in UTF-8 text; correct the file"
            ) from error


def _open_delimited(source: Path, names: list[str]) -> pyarrow.csv.CSVStreamingReader:
    if not names:
        raise UserErrorException(f"file {source.name!r}: its first line is empty; expected names of columns")
    return pyarrow.csv.open_csv(
        source,
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
