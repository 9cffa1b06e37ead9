"""Rows of a step run that takes the results of another one, written inside the transaction of whoever calls."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import case, exists, insert, literal, select, update
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import tables
from airflow_ml.registry.columns import BigNumber
from airflow_ml.registry.database import Scope
from airflow_ml.registry.errors import ResultGoneError
from airflow_ml.registry.records import FINAL_STATUSES, RunOptions
from airflow_ml.registry.result_queries import REUSED_RUN
from airflow_ml.registry.reuse_tables import Result
from airflow_ml.registry.run_creation import insert_run
from airflow_ml.registry.run_rows import require_run
from airflow_ml.registry.values import utc_now

__all__ = [
    "check_adoption",
    "insert_adopted",
    "original_of",
    "present_attempt",
    "require_result",
    "take_results",
]


def require_result(session: Session, scope: Scope, run_id: str) -> tables.Run:
    """
    Return the row of a run whose results can be taken; until the transaction ends nobody collects them.

    Raises:
        RunNotFoundError: there is no such run.
        ResultGoneError: the results cannot be taken.
    """
    row = require_run(session, scope, run_id)
    # Shared, so that many adopt at once; `Retention.collect` waits, and sees afterwards who has adopted.
    session.refresh(row, with_for_update={"read": True})
    problem = _problem(session, row)
    if problem is not None:
        raise ResultGoneError(
            f"run {run_id!r}: its results cannot be taken by another run, because {problem}; decide the step again",
            run_id=run_id,
            status=row.status,
        )
    return row


def _problem(session: Session, row: tables.Run) -> str | None:
    if row.kind != "step" or row.status != "Completed":
        return f"it is a {row.kind} run that is {row.status}, and only completed step runs have such results"
    output = tables.Output
    original = original_of(session, row)
    if original is not None:
        return f"it took them itself from run {original!r}, which is the one to name"
    reason = select(Result.invalidation).where(Result.run_key == row.key, Result.invalidated_at.is_not(None))
    invalidation = session.scalars(reason).first()
    if invalidation is not None:
        return f"they were invalidated ({invalidation})"
    if session.scalar(select(exists().where(output.run_key == row.key, output.collected_at.is_not(None)))):
        return "their files were collected"
    return None


def original_of(session: Session, row: tables.Run) -> str | None:
    """Return the run whose results the run took, or None if it computed its own."""
    label = tables.RunLabel
    taken = select(label.value).where(label.run_key == row.key, label.kind == "property", label.name == REUSED_RUN)
    return session.scalars(taken).one_or_none()


def present_attempt(session: Session, pipeline: tables.Run, node_id: str | None) -> tables.Run | None:
    """Return the node's newest completed attempt in the pipeline run, else its newest one, else None."""
    table = tables.Run
    query = select(table).where(table.parent_id == pipeline.id, table.node_id == node_id, table.kind == "step")
    is_completed = case((table.status == "Completed", 1), else_=0)
    return session.scalars(query.order_by(is_completed.desc(), table.attempt.desc()).limit(1)).one_or_none()


def check_adoption(source_id: str, name: str, options: RunOptions) -> None:
    """
    Refuse options that a run which takes the results of the source cannot have.

    Raises:
        UserErrorException: it needs a node, or its properties name another run than the source.
    """
    named = options.get("properties", {}).get(REUSED_RUN, source_id)
    if named != source_id:
        raise UserErrorException(
            f"step {name!r}: property {REUSED_RUN!r} is {named!r}, expected {source_id!r}, the run "
            "whose results are taken; leave the property out"
        )
    if not options.get("node_id"):
        raise UserErrorException(
            f"step {name!r}: a run that takes the results of another one needs a node; give node_id"
        )


def insert_adopted(
    session: Session, scope: Scope, pipeline: tables.Run, source: tables.Run, name: str, options: RunOptions
) -> tables.Run:
    """
    Insert the step run that stands for the source.

    Raises:
        UserErrorException: it needs a node, or its properties name another run than the source.
    """
    check_adoption(source.id, name, options)
    properties = {REUSED_RUN: source.id, **options.get("properties", {})}
    now = utc_now()
    values: RunOptions = {"status": "Completed", "created_at": now, "started_at": now, **options}
    values["properties"] = properties
    experiment = session.get_one(tables.Experiment, pipeline.experiment_key).name
    row = insert_run(session, scope, experiment, name, kind="step", parent_id=pipeline.id, **values)
    row.ended_at = now if row.status in FINAL_STATUSES else None
    return row


def take_results(
    session: Session, source: tables.Run, row: tables.Run, pipeline_outputs: Mapping[str, str | None]
) -> None:
    """Copy outputs, metrics and files; datasets that the source's outputs became are not those of the new run."""
    _copy(session, tables.Output, source, row, left_out={"dataset_name", "dataset_version"})
    _copy(session, tables.Metric, source, row)
    _copy(session, tables.Artifact, source, row)
    output = tables.Output
    for name, pipeline_output in pipeline_outputs.items():
        own = (output.run_key == row.key, output.name == name)
        session.execute(update(output).where(*own).values(pipeline_output_name=pipeline_output))


def _copy(
    session: Session,
    table: type[tables.Base],
    source: tables.Run,
    row: tables.Run,
    *,
    left_out: frozenset[str] | set[str] = frozenset(),
) -> None:
    # In the database: a run may have logged a hundred thousand points.
    whole = tables.Base.metadata.tables[table.__tablename__]
    columns = [column for column in whole.columns if column.name not in {"key", "run_key", *left_out}]
    query = select(literal(row.key, BigNumber), *columns).where(whole.c.run_key == source.key)
    query = query.order_by(*whole.primary_key.columns)
    session.execute(insert(whole).from_select(["run_key", *(column.name for column in columns)], query))
