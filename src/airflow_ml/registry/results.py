"""Results: completed step runs whose outputs other runs may take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.registry.database import Repository, in_batches, rows_of
from airflow_ml.registry.reuse_records import ResultRecord
from airflow_ml.registry.run_rows import make_run_records
from airflow_ml.registry.values import content_digest

if TYPE_CHECKING:
    from airflow_ml.registry import result_queries
    from airflow_ml.registry.records import RunRecord
else:
    result_queries = late("airflow_ml.registry.result_queries")

__all__ = ["Results"]


class Results(Repository):
    """The results of a workspace."""

    def find(self, fingerprint: str, *, limit: int = 5) -> Sequence[ResultRecord]:
        """Return the results of that fingerprint that may be taken, newest first: neither invalidated nor collected."""
        wanted = {"workspace": self._workspace_id, "fingerprint": fingerprint, "most": limit}
        with self._database.look_up() as session:
            return [_record(row.id, row) for row in rows_of(session, "takeable_results", **wanted)]

    def similar(self, step_name: str, *, pipeline_name: str | None = None, limit: int = 20) -> Sequence[ResultRecord]:
        """Return the newest results of steps of that name, those too that may not be taken."""
        return self.list(step=step_name, pipeline=pipeline_name, limit=limit)

    def of_run(self, run_id: str) -> ResultRecord | None:
        """Return the result of a step run, or None; a step run that was reused has none of its own."""
        with self._database.look_up() as session:
            found = rows_of(session, "results_of_runs", workspace=self._workspace_id, runs=[run_id])
        return _record(run_id, found[0]) if found else None

    def of_runs(self, run_ids: Iterable[str]) -> Mapping[str, tuple[RunRecord, ResultRecord | None]]:
        """Return many runs with their results, by id; runs that are not there are left out."""
        found: dict[str, tuple[RunRecord, ResultRecord | None]] = {}
        with self._database.look_up() as session:
            for batch in in_batches(run_ids):
                wanted: dict[str, object] = {"workspace": self._workspace_id, "runs": batch}
                results = {row.id: _record(row.id, row) for row in rows_of(session, "results_of_runs", **wanted)}
                for run in make_run_records(session, rows_of(session, "runs", **wanted)):
                    found[run.id] = run, results.get(run.id)
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
        query = result_queries.select_newest(self._scope, limit, step=step, pipeline=pipeline, run_id=run_id)
        with self._database.read() as session:
            return [_record(run_id, row) for run_id, row in session.execute(query)]

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
        statement = result_queries.invalidate_results(
            self._scope,
            reason,
            step=step,
            pipeline=pipeline,
            run_id=run_id,
            dataset_id=dataset_id,
            fingerprint=fingerprint,
        )
        with self._database.write() as session:
            return len(session.scalars(statement).all())

    def times_reused(self, run_ids: Iterable[str]) -> Mapping[str, int]:
        """Return how many step runs took the result of each of these runs."""
        counts = dict.fromkeys(run_ids, 0)
        by_digest = {content_digest(run_id): run_id for run_id in counts}
        with self._database.read() as session:
            for batch in in_batches(by_digest):
                found = session.execute(result_queries.count_reuses(self._scope, batch))
                counts.update({by_digest[digest]: count for digest, count in found})
        return counts


def _record(run_id: str, row: Any) -> ResultRecord:
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
