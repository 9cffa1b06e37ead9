"""Metrics: what runs logged, in the order in which they logged it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import func, insert, select

from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository, in_batches
from airflow_ml.registry.records import MetricPoint
from airflow_ml.registry.run_rows import require_open_run, run_key_of
from airflow_ml.registry.tables import Metric, Run

__all__ = ["Metrics"]


class Metrics(Repository):
    """The metrics of a workspace's runs."""

    def append(self, points: Iterable[MetricPoint]) -> None:
        """
        Add points behind those that are there, all or none of them; they may be of several runs.

        Raises:
            RunNotFoundError: a run is not there.
            RunStateError: a run is final.
        """
        batch = [*points]
        if not batch:
            return
        with self._database.write() as session:
            # Runs are held in one order by everybody, so that two batches cannot wait for each other.
            keys = {
                run_id: require_open_run(session, self._scope, run_id, "logging metrics").key
                for run_id in sorted({point.run_id for point in batch})
            }
            rows = [
                {
                    "run_key": keys[point.run_id],
                    "name": point.name,
                    "kind": point.kind,
                    "value": point.value,
                    "step": point.step,
                    "description": point.description,
                    "recorded_at": point.recorded_at,
                }
                for point in batch
            ]
            session.execute(insert(Metric), rows)

    def read(self, run_id: str, name: str | None = None) -> Sequence[MetricPoint]:
        """
        Return a run's points in the order of logging.

        Args:
            run_id: the run.
            name: only points of this metric.
        """
        columns = (Metric.name, Metric.kind, Metric.value, Metric.recorded_at, Metric.step, Metric.description)
        with self._database.read() as session:
            query = select(*columns).where(Metric.run_key == run_key_of(session, self._scope, run_id))
            if name is not None:
                query = query.where(Metric.name == name)
            return [MetricPoint(run_id, *values) for values in session.execute(query.order_by(Metric.key))]

    def last_scalars(self, run_ids: Iterable[str]) -> Mapping[str, Mapping[str, Json]]:
        """Return the last value of each scalar metric, by run and name; a run that is not there has none."""
        found: dict[str, dict[str, Json]] = {run_id: {} for run_id in run_ids}
        with self._database.read() as session:
            for batch in in_batches(found):
                last = (
                    select(func.max(Metric.key))
                    .join(Run, Run.key == Metric.run_key)
                    .where(Run.id.in_(batch), Run.workspace_id == self._workspace_id, Metric.kind == "scalar")
                    .group_by(Metric.run_key, Metric.name)
                )
                query = select(Run.id, Metric.name, Metric.value).join(Run, Run.key == Metric.run_key)
                for run_id, name, value in session.execute(query.where(Metric.key.in_(last)).order_by(Metric.key)):
                    found[run_id][name] = value
        return found
