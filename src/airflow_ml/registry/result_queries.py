"""Queries for results, and the writing of one; `airflow_ml.registry.results` asks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.dml import ReturningUpdate

from airflow_ml.registry.database import Scope
from airflow_ml.registry.reuse_records import NewResult
from airflow_ml.registry.reuse_tables import Result
from airflow_ml.registry.tables import Run, RunInput, RunLabel
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["REUSED_RUN", "count_reuses", "invalidate_results", "put_result", "select_newest"]

#: v1's property of a reused step run: the run that really computed.
REUSED_RUN = "azureml.reusedrunid"


def select_newest(
    scope: Scope, limit: int, *, step: str | None, pipeline: str | None, run_id: str | None
) -> Select[str, Result]:
    """Return the query for results and the ids of their runs, newest first; `Results.list` says which."""
    return (
        select(Run.id, Result)
        .join(Run, Run.key == Result.run_key)
        .where(Result.workspace_id == scope.workspace_id, *_wanted(scope, step, pipeline, run_id))
        .order_by(Result.key.desc())
        .limit(limit)
    )


def invalidate_results(
    scope: Scope,
    reason: str,
    *,
    step: str | None,
    pipeline: str | None,
    run_id: str | None,
    dataset_id: str | None,
    fingerprint: str | None,
) -> ReturningUpdate[int]:
    """Return the statement by which these results are not taken any more; `Results.invalidate` says which."""
    conditions = [*_wanted(scope, step, pipeline, run_id), Result.invalidated_at.is_(None)]
    if dataset_id is not None:
        conditions.append(Result.run_key.in_(select(RunInput.run_key).where(RunInput.dataset_id == dataset_id)))
    if fingerprint is not None:
        conditions.append(Result.fingerprint == fingerprint)
    statement = update(Result).where(Result.workspace_id == scope.workspace_id, *conditions)
    return statement.values(invalidated_at=utc_now(), invalidation=reason).returning(Result.key)


def count_reuses(scope: Scope, digests: Sequence[str]) -> Select[str, int]:
    """Return the query for how many step runs took the results of runs whose ids have these digests."""
    return (
        select(RunLabel.value_digest, func.count())
        .where(
            RunLabel.workspace_id == scope.workspace_id,
            RunLabel.kind == "property",
            RunLabel.name == REUSED_RUN,
            RunLabel.value_digest.in_(digests),
        )
        .group_by(RunLabel.value_digest)
    )


def put_result(session: Session, scope: Scope, run: Run, result: NewResult) -> None:
    """Record the result of a run in the transaction that completes it."""
    row = Result(
        workspace_id=scope.workspace_id,
        run_key=run.key,
        fingerprint=check_name("fingerprint", result.fingerprint),
        step_name=check_name("step", result.step_name),
        pipeline_name=result.pipeline_name and check_name("pipeline", result.pipeline_name),
        records=[*result.records],
        discovered=None if result.discovered is None else [*result.discovered],
        recorded_at=utc_now(),
        invalidated_at=None,
        invalidation=None,
    )
    session.add(row)


def _wanted(scope: Scope, step: str | None, pipeline: str | None, run_id: str | None) -> Iterator[ColumnElement[bool]]:
    if step is not None:
        yield Result.step_name == step
    if pipeline is not None:
        yield Result.pipeline_name == pipeline
    if run_id is not None:
        yield Result.run_key.in_(_runs_behind(scope, run_id))


def _runs_behind(scope: Scope, run_id: str) -> Select[int]:
    """Return the query for a run, its children, and the one whose result it took."""
    reused, original = aliased(Run), aliased(Run)
    taken = (
        select(original.id)
        .join(RunLabel, RunLabel.value == original.id)
        .join(reused, reused.key == RunLabel.run_key)
        .where(reused.id == run_id, RunLabel.kind == "property", RunLabel.name == REUSED_RUN)
    )
    return select(Run.key).where(
        Run.workspace_id == scope.workspace_id,
        or_(Run.id == run_id, Run.parent_id == run_id, Run.id.in_(taken)),
    )
