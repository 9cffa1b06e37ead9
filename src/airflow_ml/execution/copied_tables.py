"""
Rows out of a database into a file, and out of a file into a table.

Adding rows is the one kind of copy that must not happen twice. A note of how many rows the table had is written before;
a try that finds one of an earlier try counts: the same number means that nothing was added (the transaction was rolled
back), the file's rows more means that all were. Anything else is for a person to look at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.execution.transfer_ends import Rows
from airflow_ml.graph.destinations import destination_of
from airflow_ml.reuse.copied_rows import RECEIPT, receipt_text
from airflow_ml.storage.commit import commit_output, staging_token
from airflow_ml.storage.copy_journal import TRANSFERS_FOLDER
from airflow_ml.storage.manifests import ManifestFile
from airflow_ml.storage.protocol import Upload, join_path

if TYPE_CHECKING:
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.execution.transfer_ends import Place, SourceEnd
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord
    from airflow_ml.storage.databases import Database, TableFormat
    from airflow_ml.storage.manifests import Manifest

__all__ = ["add_rows", "write_rows"]

_PARQUET = (".parquet", ".pq")


def write_rows(
    services: Services, source: Rows, place: Place, folder: Path, run: RunRecord, progress: Callable[[int], None]
) -> tuple[str, bool, list[ManifestFile]]:
    """
    Write rows to a file of a datastore, which is there whole or is as it was.

    Returns:
        Path, that it is a file, and the file as a manifest lists it.
    """
    path = place.path if place.is_file else join_path(place.path, source.file_name)
    local = folder / "rows"
    database = services.store.database(source.source.datastore)
    database.export(source.what, local, _format_of(path), progress=progress)
    token = staging_token(run.id, path)
    (stored,) = place.store.put_files([Upload(local, path)], token=token)
    local.unlink()
    return path, True, [ManifestFile("", stored.size, stored.sha256, stored.etag)]


def _format_of(path: str) -> TableFormat:
    return "parquet" if path.lower().endswith(_PARQUET) else "delimited"


def add_rows(
    services: Services,
    task: StepTask,
    run: RunRecord,
    source: SourceEnd,
    place: Rows,
    folder: Path,
    check: Callable[[], None],
    log: LogLine,
) -> Manifest:
    """
    Add the rows of a file, or of another database, to a table: all, or none; and return the receipt.

    Raises:
        UserErrorException: what is no single file, a header that does not match, or an earlier try of which nobody can
            tell what it did.
    """
    local, format_ = _local_rows(services, source, folder, check)
    database, table = services.store.database(place.source.datastore), str(place.source.table)
    note = _Note(services, task)
    rows = _rows_of_earlier_try(note, database, table, local, format_)
    if rows is not None:
        log(f"an earlier try has added {rows:,} rows to table {table!r}")
        note.write(run.id, database.count(table) - rows)
    else:
        note.write(run.id, database.count(table))
        rows = _append(note, database, table, local, format_, check)
        log(f"added {rows:,} rows to table {table!r}")
    receipt = folder / "receipt"
    receipt.mkdir()
    text = receipt_text(datastore=place.source.datastore, table=table, rows=rows, rows_in_table=database.count(table))
    (receipt / RECEIPT).write_text(text, encoding="utf-8")
    port = task.step.outputs[0]
    datastore = task.graph.default_datastore or services.default_datastore
    return commit_output(
        services.store(datastore),
        receipt,
        destination=destination_of(port, run.id),
        run_id=run.id,
        output=port.name,
        datastore=datastore,
    )


def _local_rows(
    services: Services, source: SourceEnd, folder: Path, check: Callable[[], None]
) -> tuple[Path, TableFormat]:
    """Return the rows as a file of this machine, and its format."""
    if isinstance(source, Rows):
        local = folder / "rows.parquet"
        database = services.store.database(source.source.datastore)
        database.export(source.what, local, "parquet", progress=lambda _rows: check())
        return local, "parquet"
    if len(source.files) != 1:
        raise UserErrorException(
            f"{source.name} has {len(source.files)} files, and the rows of one file are added to a table in one"
            " transaction; name the file"
        )
    file = source.files[0]
    local = folder / file.info.path.rpartition("/")[2]
    file.store.get(file.info.path, local, etag=file.info.etag or None)
    check()
    return local, _format_of(file.path)


def _append(
    note: _Note, database: Database, table: str, local: Path, format_: TableFormat, check: Callable[[], None]
) -> int:
    before = note.rows
    try:
        return database.append(table, local, format_, progress=lambda _rows: check())
    except BaseException:
        # Where it is certain that nothing was added, the next try need not wonder.
        with suppress(AzureMLException):
            if database.count(table) == before:
                note.delete()
        raise


def _rows_of_earlier_try(note: _Note, database: Database, table: str, local: Path, format_: TableFormat) -> int | None:
    """Return how many rows an earlier try of this task has added and not recorded; None for none."""
    before = note.read()
    if before is None:
        return None
    now = database.count(table, settled=True)
    if now == before:
        return None
    from airflow_ml.storage.databases.table_files import open_rows

    with open_rows(local, format_) as (_, batches):
        rows = sum(int(batch.num_rows) for batch in batches)
    if now - before == rows:
        return int(rows)
    raise UserErrorException(
        f"table {table!r} had {before:,} rows when an earlier try of this task began to add {rows:,}, and has {now:,}"
        " now, so nobody can tell whether they are there; look into the table, and run the pipeline anew"
    )


class _Note:
    """How many rows the table had before, for the next try of the same task."""

    def __init__(self, services: Services, task: StepTask) -> None:
        self._services = services
        name = hashlib.sha256(f"{task.pipeline_run_id}/{task.step.id}".encode()).hexdigest()[:32]
        self._path = f"{TRANSFERS_FOLDER}/{name}.json"
        self.rows: int | None = None

    def read(self) -> int | None:
        """Return the number; None where no try was cut."""
        try:
            with self._services.artifacts.open_read(self._path) as stream:
                found = cast("Mapping[str, Json]", json.load(stream))
        except (FileNotFoundError, ValueError):
            return None
        # What a try has recorded is not unfinished business: the task was cleared, and adds the rows once more.
        if self._services.registry.runs.get(str(found["run_id"])).status == "Completed":
            return None
        return int(str(found["rows"]))

    def write(self, run_id: str, rows: int) -> None:
        """Note it."""
        self.rows = rows
        self._services.artifacts.write(self._path, json.dumps({"run_id": run_id, "rows": rows}).encode())

    def delete(self) -> None:
        """Forget it."""
        self._services.artifacts.delete(self._path)
