"""Rows of runs: finding them, holding them for a change, and turning them into records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.registry.database import Scope, rows_of
from airflow_ml.registry.errors import RunNotFoundError, RunStateError
from airflow_ml.registry.records import FINAL_STATUSES, RunRecord

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy.orm import Session

    from airflow_ml.registry import tables
    from airflow_ml.registry.plain_reads import PlainSession
else:
    sqlalchemy = late("sqlalchemy")
    tables = late("airflow_ml.registry.tables")

__all__ = ["find_run", "make_run_records", "require_open_run", "require_run", "run_key_of", "run_keys_of"]


def find_run(session: Session, scope: Scope, run_id: str, *, lock: bool = False) -> tables.Run | None:
    """
    Return the run's row, or None.

    Args:
        lock: hold the row until the transaction ends, so that nobody else ends the run meanwhile.
    """
    query = sqlalchemy.select(tables.Run).where(tables.Run.id == run_id, tables.Run.workspace_id == scope.workspace_id)
    if lock:
        query = query.with_for_update(key_share=True)
    return session.scalars(query).one_or_none()


def require_run(session: Session, scope: Scope, run_id: str, *, lock: bool = False) -> tables.Run:
    """
    Return the run's row.

    Raises:
        RunNotFoundError: no run of that id is in the workspace.
    """
    row = find_run(session, scope, run_id, lock=lock)
    if row is None:
        raise RunNotFoundError(f"workspace {scope.workspace_name!r}: run {run_id!r} does not exist; check the run id")
    return row


def require_open_run(session: Session, scope: Scope, run_id: str, change: str) -> tables.Run:
    """
    Return the run's row, held for a change that a final run does not allow.

    Args:
        change: what is about to be done, for the error's text.

    Raises:
        RunStateError: the run is final.
    """
    row = require_run(session, scope, run_id, lock=True)
    if row.status in FINAL_STATUSES:
        raise RunStateError(
            f"run {run_id!r}: {change} refused, because the run is {row.status} and its record is final; "
            "record it before the run ends, or start a new run",
            run_id=run_id,
            status=row.status,
        )
    return row


def run_key_of(session: Session, scope: Scope, run_id: str) -> int:
    """
    Return the run's key for looking at rows that belong to it.

    Raises:
        RunNotFoundError: no run of that id is in the workspace.
    """
    query = sqlalchemy.select(tables.Run.key).where(
        tables.Run.id == run_id, tables.Run.workspace_id == scope.workspace_id
    )
    key = session.scalars(query).one_or_none()
    return require_run(session, scope, run_id).key if key is None else key


def run_keys_of(session: Session, scope: Scope, run_ids: Sequence[str]) -> dict[str, int]:
    """
    Return the keys of a batch of runs by their ids.

    Raises:
        RunNotFoundError: one of them is not in the workspace.
    """
    query = sqlalchemy.select(tables.Run.id, tables.Run.key).where(
        tables.Run.id.in_(run_ids), tables.Run.workspace_id == scope.workspace_id
    )
    keys = {row.id: row.key for row in session.execute(query)}
    for run_id in run_ids:
        if run_id not in keys:
            require_run(session, scope, run_id)
    return keys


def make_run_records(session: Session | PlainSession, rows: Sequence[Any]) -> list[RunRecord]:
    """Return the rows as records, with two more queries for all of them: experiments and labels."""
    if not rows:
        return []
    experiments = _experiments(session, {row.experiment_key for row in rows})
    labels = _labels(session, [row.key for row in rows])
    return [_record(row, experiments[row.experiment_key], labels) for row in rows]


def _experiments(session: Session | PlainSession, keys: set[int]) -> dict[int, tuple[str, str]]:
    return {row.key: (row.id, row.name) for row in rows_of(session, "experiments", keys=sorted(keys))}


def _labels(session: Session | PlainSession, keys: list[int]) -> dict[tuple[int, str], dict[str, str]]:
    labels: dict[tuple[int, str], dict[str, str]] = defaultdict(dict)
    for row in rows_of(session, "run_labels", keys=keys):
        labels[row.run_key, row.kind][row.name] = row.value
    return labels


def _record(row: Any, experiment: tuple[str, str], labels: dict[tuple[int, str], dict[str, str]]) -> RunRecord:
    experiment_id, experiment_name = experiment
    return RunRecord(
        id=row.id,
        sequence=row.key,
        experiment=experiment_name,
        experiment_id=experiment_id,
        kind=row.kind,
        name=row.name,
        number=row.number,
        parent_id=row.parent_id,
        root_id=row.root_id,
        status=row.status,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        display_name=row.display_name,
        description=row.description,
        node_id=row.node_id,
        attempt=row.attempt,
        dag_id=row.dag_id,
        dag_run_id=row.dag_run_id,
        group_id=row.group_id,
        task_id=row.task_id,
        target=row.target,
        snapshot_id=row.snapshot_id,
        tags=labels.get((row.key, "tag"), {}),
        properties=labels.get((row.key, "property"), {}),
        error=row.error,
        details=row.details,
    )
