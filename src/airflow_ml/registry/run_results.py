"""Rows that a run leaves behind, written inside the transaction of whoever calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import tables
from airflow_ml.registry.database import Scope
from airflow_ml.registry.dataset_versions import register_version
from airflow_ml.registry.records import ArtifactRecord, DatasetRegistration, OutputRecord, RunInputRecord
from airflow_ml.registry.values import check_name

__all__ = ["put_all_inputs", "put_artifacts", "put_inputs", "put_outputs", "register_outputs"]

#: Bytes; a file's name is a path, and an index row of PostgreSQL ends at 2,700 bytes.
_LONGEST_FILE_NAME = 2000


def put_outputs(session: Session, scope: Scope, run: tables.Run, outputs: Iterable[OutputRecord]) -> None:
    """Write outputs; one of a name that is there is replaced."""
    rows = [_row(run, output, check_name("output", output.name)) for output in outputs]
    scope.database.upsert(session, tables.Output, rows)


def put_artifacts(session: Session, scope: Scope, run: tables.Run, artifacts: Iterable[ArtifactRecord]) -> None:
    """Write files; one of a name that is there is replaced."""
    rows = [_row(run, file, check_name("artifact", file.name, limit=_LONGEST_FILE_NAME)) for file in artifacts]
    scope.database.upsert(session, tables.Artifact, rows)


def put_inputs(session: Session, scope: Scope, run: tables.Run, inputs: Iterable[RunInputRecord]) -> None:
    """Write inputs; one of a name that is there is replaced."""
    put_all_inputs(session, scope, [(run, inputs)])


def put_all_inputs(
    session: Session, scope: Scope, inputs: Iterable[tuple[tables.Run, Iterable[RunInputRecord]]]
) -> None:
    """Write the inputs of many runs."""
    rows = [_row(run, item, check_name("input", item.name)) for run, consumed in inputs for item in consumed]
    scope.database.upsert(session, tables.RunInput, rows)


def register_outputs(
    session: Session, scope: Scope, run: tables.Run, registrations: Iterable[DatasetRegistration]
) -> None:
    """
    Register outputs as datasets and write the version into their records.

    Raises:
        UserErrorException: the run has no output of that name, or the dataset's name is taken.
    """
    table = tables.Output
    for wanted in registrations:
        dataset = register_version(session, scope, wanted, identical_is_fine=True, run_id=run.id)
        own = (table.run_key == run.key, table.name == wanted.output)
        statement = update(table).where(*own).values(dataset_name=dataset.name, dataset_version=dataset.version)
        if not session.scalars(statement.returning(table.name)).all():
            raise UserErrorException(
                f"run {run.id!r}: output {wanted.output!r} is to be registered as dataset {wanted.name!r} but was not "
                "committed; commit it before the run ends"
            )


def _row(run: tables.Run, record: OutputRecord | ArtifactRecord | RunInputRecord, name: str) -> dict[str, Any]:
    if record.run_id != run.id:
        raise UserErrorException(f"run {run.id!r}: {name!r} is of run {record.run_id!r}; record it with its own run")
    values = asdict(record)
    del values["run_id"]
    return {**values, "run_key": run.key}
