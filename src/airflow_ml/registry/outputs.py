"""Outputs: what runs committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, inspect, select

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry.database import Repository, in_batches
from airflow_ml.registry.records import OutputRecord
from airflow_ml.registry.run_results import put_outputs
from airflow_ml.registry.run_rows import require_open_run, run_key_of
from airflow_ml.registry.tables import Output, Run

__all__ = ["Outputs", "make_output_record"]


#: Asked once for every step that is reused, so it is put together once and loads plain rows.
_OF_RUNS = (
    select(Run.id, *inspect(Output).columns)
    .join(Run, Run.key == Output.run_key)
    .where(Run.id.in_(bindparam("runs", expanding=True)), Run.workspace_id == bindparam("workspace"))
    .order_by(Output.name)
)


class Outputs(Repository):
    """The outputs of a workspace's runs."""

    def add(self, run_id: str, outputs: Iterable[OutputRecord]) -> None:
        """
        Record outputs of a run that goes on; `Runs.finish_step` records those of one that ends.

        Raises:
            RunStateError: the run is final.
        """
        with self._database.write() as session:
            run = require_open_run(session, self._scope, run_id, "adding outputs")
            put_outputs(session, self._scope, run, outputs)

    def of(self, run_id: str) -> Sequence[OutputRecord]:
        """Return the outputs of a run by name."""
        with self._database.read() as session:
            key = run_key_of(session, self._scope, run_id)
            query = select(Output).where(Output.run_key == key).order_by(Output.name)
            return [make_output_record(run_id, row) for row in session.scalars(query)]

    def of_runs(self, run_ids: Iterable[str]) -> Mapping[str, Mapping[str, OutputRecord]]:
        """Return the outputs of many runs, by run and name; a run without outputs, or that is not there, has none."""
        found: dict[str, dict[str, OutputRecord]] = {run_id: {} for run_id in run_ids}
        with self._database.read() as session:
            for batch in in_batches(found):
                for row in session.execute(_OF_RUNS, {"workspace": self._workspace_id, "runs": batch}):
                    found[row.id][row.name] = make_output_record(row.id, row)
        return found

    def find(self, run_id: str, name: str) -> OutputRecord | None:
        """Return one output of a run, or None."""
        with self._database.read() as session:
            row = session.get(Output, (run_key_of(session, self._scope, run_id), name))
            return make_output_record(run_id, row) if row else None

    def get(self, run_id: str, name: str) -> OutputRecord:
        """
        Return one output of a run.

        Raises:
            UserErrorException: the run committed no output of that name.
        """
        record = self.find(run_id, name)
        if record is None:
            known = [output.name for output in self.of(run_id)]
            raise UserErrorException(f"run {run_id!r}: no output {name!r} was committed; its outputs are {known!r}")
        return record


def make_output_record(run_id: str, row: Output | Row[Any]) -> OutputRecord:
    """Return the record of a run's output."""
    return OutputRecord(
        run_id=run_id,
        name=row.name,
        kind=row.kind,
        datastore=row.datastore,
        path=row.path,
        is_file=row.is_file,
        digest=row.digest,
        manifest_path=row.manifest_path,
        files=row.files,
        size=row.size,
        committed_at=row.committed_at,
        pipeline_output_name=row.pipeline_output_name,
        dataset_name=row.dataset_name,
        dataset_version=row.dataset_version,
        identity=row.identity,
        collected_at=row.collected_at,
    )
