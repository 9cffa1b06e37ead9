"""
The first rows of a table, staged for a script that wants no more.

A script reads tables by itself, from files that its operator puts into the run directory. Of a table that begins with
rows to take these files are heads: of the same formats, and cut behind the rows that can count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_ml.runtime import frames
from airflow_ml.runtime.packed_files import packing_of
from airflow_ml.runtime.table_readers import read_head
from airflow_ml.storage.datasets import StagedDataset, resolve, store_of

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json
    from airflow_ml.storage.datasets import DatasetFile, Definition, Stores

__all__ = ["stage_heads"]

#: In these a line does not end with the byte of a line feed.
_WIDE = ("utf16", "utf32")

#: Bytes after which something is taken for a record that has not ended: a quote that is never closed, for instance.
_LONGEST = 1 << 20


def stage_heads(definition: Definition, stores: Stores, target: Path) -> StagedDataset | None:
    """
    Stage as much of a table's files as the first of its steps ask for; None if they ask for all.

    Raises:
        DatasetNotFoundError: as in `airflow_ml.storage.datasets.resolve`.
    """
    parse = cast("Mapping[str, Json]", definition.get("parse") or {})
    limit = frames.row_limit(cast("list[Mapping[str, Json]]", definition.get("steps") or []))
    if definition.get("kind") != "tabular" or limit is None or parse.get("encoding") in _WIDE:
        return None
    dataset = resolve(definition, stores)
    is_delimited = parse.get("format", "delimited") == "delimited"
    if is_delimited and any(packing_of(file.relative_path) for file in dataset.files):
        return None  # nobody can unpack the beginning of a packed file without an error at its end
    staged: list[str] = []
    rows = 0
    for file in dataset.files:
        relative = file.relative_path.lstrip("/")
        if rows >= limit:
            break
        if frames.is_chosen(parse, relative):
            rows += _stage_head(file, stores, target / relative, parse, limit)
            staged.append(relative)
    path = target / staged[0] if dataset.is_single_file and staged else target
    return StagedDataset(target, path, tuple(staged), dataset.is_single_file)


def _stage_head(file: DatasetFile, stores: Stores, place: Path, parse: Mapping[str, Json], limit: int) -> int:
    """Write the head of a file and return of how many rows it is; rather a few more are written than too few."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with closing(store_of(file, stores).open_read(file.path)) as source:
        if parse.get("format") == "parquet":
            from pyarrow import parquet

            table = read_head(source, limit)
            parquet.write_table(table, place)
            return int(table.num_rows)
        records = 0
        with place.open("wb") as head:
            is_json = parse.get("format") == "json_lines"
            for record in _objects(source) if is_json else _records(source):
                head.write(record)
                records += 1
                if records > limit:  # one of them may be the line of headers
                    break
        return records - 1


def _records(source: BinaryIO) -> Iterator[bytes]:
    """Yield the records of a delimited file, of one or more lines each: a line break may stand in quotes."""
    record = b""
    for line in source:
        record += line
        if (record.count(b'"') % 2 == 0 and record.strip()) or len(record) > _LONGEST:
            yield record
            record = b""
    if record:
        yield record


def _objects(source: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file of JSON lines; those that are no objects together with the next one that is."""
    record = b""
    for line in source:
        record += line
        try:
            is_object = isinstance(json.loads(line), dict)
        except ValueError:
            is_object = False
        if is_object or len(record) > _LONGEST:
            yield record
            record = b""
    if record:
        yield record
