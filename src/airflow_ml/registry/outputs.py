"""Outputs: what runs committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry.database import Repository, in_batches, rows_of
from airflow_ml.registry.records import OutputRecord
from airflow_ml.registry.run_rows import require_open_run, run_key_of

if TYPE_CHECKING:
    import sqlalchemy

    from airflow_ml.registry import run_results, tables
else:
    run_results = late("airflow_ml.registry.run_results")
    sqlalchemy = late("sqlalchemy")
    tables = late("airflow_ml.registry.tables")

__all__ = ["Outputs", "make_output_record"]


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
            run_results.put_outputs(session, self._scope, run, outputs)

    def of(self, run_id: str) -> Sequence[OutputRecord]:
        """Return the outputs of a run by name."""
        with self._database.read() as session:
            key = run_key_of(session, self._scope, run_id)
            table = tables.Output
            query = sqlalchemy.select(table).where(table.run_key == key).order_by(table.name)
            return [make_output_record(run_id, row) for row in session.scalars(query)]

    def of_runs(self, run_ids: Iterable[str]) -> Mapping[str, Mapping[str, OutputRecord]]:
        """Return the outputs of many runs, by run and name; a run without outputs, or that is not there, has none."""
        found: dict[str, dict[str, OutputRecord]] = {run_id: {} for run_id in run_ids}
        with self._database.look_up() as session:
            for batch in in_batches(found):
                for row in rows_of(session, "outputs_of_runs", workspace=self._workspace_id, runs=batch):
                    found[row.id][row.name] = make_output_record(row.id, row)
        return found

    def find(self, run_id: str, name: str) -> OutputRecord | None:
        """Return one output of a run, or None."""
        with self._database.read() as session:
            row = session.get(tables.Output, (run_key_of(session, self._scope, run_id), name))
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


def make_output_record(run_id: str, row: Any) -> OutputRecord:
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
