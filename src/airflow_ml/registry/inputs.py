"""Inputs: what runs consumed, and so where results come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, select

from airflow_ml.registry.database import Repository, in_batches
from airflow_ml.registry.records import RunInputRecord
from airflow_ml.registry.run_results import put_inputs
from airflow_ml.registry.run_rows import require_open_run, run_key_of
from airflow_ml.registry.tables import Run, RunInput

__all__ = ["Inputs"]


class Inputs(Repository):
    """The inputs of a workspace's runs."""

    def record(self, run_id: str, inputs: Iterable[RunInputRecord]) -> None:
        """
        Record what a run consumes; an input of a name that is there is replaced.

        Raises:
            RunStateError: the run is final.
        """
        with self._database.write() as session:
            run = require_open_run(session, self._scope, run_id, "recording inputs")
            put_inputs(session, self._scope, run, inputs)

    def of(self, run_id: str) -> Sequence[RunInputRecord]:
        """Return the inputs of a run by name."""
        with self._database.read() as session:
            key = run_key_of(session, self._scope, run_id)
            query = select(RunInput).where(RunInput.run_key == key).order_by(RunInput.name)
            return [_record(run_id, row) for row in session.scalars(query)]

    def of_runs(self, run_ids: Iterable[str]) -> Mapping[str, Sequence[RunInputRecord]]:
        """Return the inputs of many runs, by run; a run without inputs, or that is not there, has none."""
        found: dict[str, list[RunInputRecord]] = {run_id: [] for run_id in run_ids}
        query = select(Run.id, RunInput).join(Run, Run.key == RunInput.run_key).order_by(RunInput.name)
        with self._database.read() as session:
            for batch in in_batches(found):
                own = (Run.id.in_(batch), Run.workspace_id == self._workspace_id)
                for run_id, row in session.execute(query.where(*own)):
                    found[run_id].append(_record(run_id, row))
        return found

    def of_dataset(self, dataset_id: str, *, limit: int = 50) -> Sequence[RunInputRecord]:
        """Return the inputs through which runs consumed this dataset, newest run first."""
        return self._consumers(RunInput.dataset_id == dataset_id, limit)

    def of_producer(self, run_id: str, *, limit: int = 50) -> Sequence[RunInputRecord]:
        """Return the inputs through which runs consumed outputs of this run, newest run first."""
        return self._consumers(RunInput.producer_run_id == run_id, limit)

    def _consumers(self, condition: ColumnElement[bool], limit: int) -> Sequence[RunInputRecord]:
        query = (
            select(Run.id, RunInput)
            .join(Run, Run.key == RunInput.run_key)
            .where(condition, Run.workspace_id == self._workspace_id)
            .order_by(RunInput.run_key.desc(), RunInput.name)
            .limit(limit)
        )
        with self._database.read() as session:
            return [_record(run_id, row) for run_id, row in session.execute(query)]


def _record(run_id: str, row: RunInput) -> RunInputRecord:
    return RunInputRecord(
        run_id=run_id,
        name=row.name,
        mode=row.mode,
        source=row.source,
        dataset_id=row.dataset_id,
        dataset_name=row.dataset_name,
        dataset_version=row.dataset_version,
        datastore=row.datastore,
        path=row.path,
        digest=row.digest,
        producer_run_id=row.producer_run_id,
        producer_output=row.producer_output,
    )
