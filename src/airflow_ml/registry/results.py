"""Results: completed step runs whose outputs other runs may take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, exists, func, inspect, or_, select, update
from sqlalchemy.orm import Session, aliased

from airflow_ml.registry.database import Repository, Scope, in_batches
from airflow_ml.registry.records import RunRecord
from airflow_ml.registry.reuse_records import NewResult, ResultRecord
from airflow_ml.registry.reuse_tables import Result
from airflow_ml.registry.run_rows import make_run_records
from airflow_ml.registry.tables import Output, Run, RunInput, RunLabel
from airflow_ml.registry.values import check_name, content_digest, utc_now

__all__ = ["REUSED_RUN", "Results", "put_result"]

#: v1's property of a reused step run: the run that really computed.
REUSED_RUN = "azureml.reusedrunid"


#: Asked once for every step of a pipeline, so it is put together once and loads plain rows.
_TAKEABLE = (
    select(Run.id, *inspect(Result).columns)
    .join(Run, Run.key == Result.run_key)
    .where(
        Result.workspace_id == bindparam("workspace"),
        Result.fingerprint == bindparam("fingerprint"),
        Result.invalidated_at.is_(None),
        ~exists().where(Output.run_key == Result.run_key, Output.collected_at.is_not(None)),
    )
    .order_by(Result.key.desc())
    .limit(bindparam("most"))
)


class Results(Repository):
    """The results of a workspace."""

    def find(self, fingerprint: str, *, limit: int = 5) -> Sequence[ResultRecord]:
        """Return the results of that fingerprint that may be taken, newest first: neither invalidated nor collected."""
        values = {"workspace": self._workspace_id, "fingerprint": fingerprint, "most": limit}
        with self._database.read() as session:
            return [_record(row.id, row) for row in session.execute(_TAKEABLE, values)]

    def similar(self, step_name: str, *, pipeline_name: str | None = None, limit: int = 20) -> Sequence[ResultRecord]:
        """Return the newest results of steps of that name, those too that may not be taken."""
        return self.list(step=step_name, pipeline=pipeline_name, limit=limit)

    def of_run(self, run_id: str) -> ResultRecord | None:
        """Return the result of a step run, or None; a step run that was reused has none of its own."""
        found = self._newest(1, Run.id == run_id)
        return found[0] if found else None

    def of_runs(self, run_ids: Iterable[str]) -> Mapping[str, tuple[RunRecord, ResultRecord | None]]:
        """Return many runs with their results, by id; runs that are not there are left out."""
        found: dict[str, tuple[RunRecord, ResultRecord | None]] = {}
        with self._database.read() as session:
            for batch in in_batches(run_ids):
                query = (
                    select(Run, Result)
                    .join(Result, Result.run_key == Run.key, isouter=True)
                    .where(Run.id.in_(batch), Run.workspace_id == self._workspace_id)
                )
                rows = session.execute(query).all()
                for run, (_, row) in zip(make_run_records(session, [run for run, _ in rows]), rows, strict=True):
                    found[run.id] = run, None if row is None else _record(run.id, row)
        return found

    def list(
        self, *, step: str | None = None, pipeline: str | None = None, run_id: str | None = None, limit: int = 50
    ) -> Sequence[ResultRecord]:
        """
        Return results, newest first, those too that may not be taken.

        Args:
            step: only those of steps of that name.
            pipeline: only those of pipelines of that name.
            run_id: only that of this step run, or of the one whose result it took, or those of this pipeline run.
            limit: at most so many.
        """
        return self._newest(limit, *_wanted(self._scope, step, pipeline, run_id))

    def invalidate(
        self,
        *,
        reason: str,
        step: str | None = None,
        pipeline: str | None = None,
        run_id: str | None = None,
        dataset_id: str | None = None,
        fingerprint: str | None = None,
    ) -> int:
        """
        Let no run take these results any more, and return how many they are; without a limit all of the workspace.

        Args:
            reason: kept with each of them.
            step: as `list` has it, like `pipeline` and `run_id`.
            pipeline: the same.
            run_id: the same.
            dataset_id: only those of runs that consumed this dataset.
            fingerprint: only those of this fingerprint.
        """
        conditions = [*_wanted(self._scope, step, pipeline, run_id), Result.invalidated_at.is_(None)]
        if dataset_id is not None:
            conditions.append(Result.run_key.in_(select(RunInput.run_key).where(RunInput.dataset_id == dataset_id)))
        if fingerprint is not None:
            conditions.append(Result.fingerprint == fingerprint)
        statement = update(Result).where(Result.workspace_id == self._workspace_id, *conditions)
        statement = statement.values(invalidated_at=utc_now(), invalidation=reason)
        with self._database.write() as session:
            return len(session.scalars(statement.returning(Result.key)).all())

    def times_reused(self, run_ids: Iterable[str]) -> Mapping[str, int]:
        """Return how many step runs took the result of each of these runs."""
        counts = dict.fromkeys(run_ids, 0)
        by_digest = {content_digest(run_id): run_id for run_id in counts}
        with self._database.read() as session:
            for batch in in_batches(by_digest):
                query = (
                    select(RunLabel.value_digest, func.count())
                    .where(
                        RunLabel.workspace_id == self._workspace_id,
                        RunLabel.kind == "property",
                        RunLabel.name == REUSED_RUN,
                        RunLabel.value_digest.in_(batch),
                    )
                    .group_by(RunLabel.value_digest)
                )
                counts.update({by_digest[digest]: count for digest, count in session.execute(query)})
        return counts

    def _newest(self, limit: int, *conditions: ColumnElement[bool]) -> Sequence[ResultRecord]:
        query = (
            select(Run.id, Result)
            .join(Run, Run.key == Result.run_key)
            .where(Result.workspace_id == self._workspace_id, *conditions)
            .order_by(Result.key.desc())
            .limit(limit)
        )
        with self._database.read() as session:
            return [_record(run_id, row) for run_id, row in session.execute(query)]


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


def _record(run_id: str, row: Result | Row[Any]) -> ResultRecord:
    return ResultRecord(
        run_id=run_id,
        fingerprint=row.fingerprint,
        step_name=row.step_name,
        pipeline_name=row.pipeline_name,
        records=row.records,
        discovered=row.discovered,
        recorded_at=row.recorded_at,
        invalidated_at=row.invalidated_at,
        invalidation=row.invalidation,
    )
