"""Artifacts: the files of runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry.database import Repository
from airflow_ml.registry.records import ArtifactRecord
from airflow_ml.registry.run_results import put_artifacts
from airflow_ml.registry.run_rows import require_open_run, require_run, run_key_of
from airflow_ml.registry.tables import Artifact

__all__ = ["Artifacts"]


class Artifacts(Repository):
    """The files of a workspace's runs."""

    def add(self, run_id: str, artifacts: Iterable[ArtifactRecord], *, after_end: bool = False) -> None:
        """
        Record files of a run that goes on; one of a name that is there is replaced.

        Args:
            after_end: a run that has ended takes files too, of new names (v1 code keeps reports with a run that was
                waited for); its own files stay as they were.

        Raises:
            RunStateError: the run is final, and `after_end` is False or a name is there.
        """
        added = list(artifacts)
        with self._database.write() as session:
            run = require_run(session, self._scope, run_id, lock=True)
            if not after_end or any(session.get(Artifact, (run.key, file.name)) for file in added):
                run = require_open_run(session, self._scope, run_id, "replacing files" if after_end else "adding files")
            put_artifacts(session, self._scope, run, added)

    def list(self, run_id: str, prefix: str = "") -> Sequence[ArtifactRecord]:
        """Return the files of a run whose names start with the prefix, by name."""
        with self._database.read() as session:
            query = select(Artifact).where(Artifact.run_key == run_key_of(session, self._scope, run_id))
            if prefix:
                query = query.where(Artifact.name.startswith(prefix, autoescape=True))
            rows = session.scalars(query.order_by(Artifact.name)).all()
        # LIKE of SQLite does not tell upper from lower case.
        return [_record(run_id, row) for row in rows if row.name.startswith(prefix)]

    def find(self, run_id: str, name: str) -> ArtifactRecord | None:
        """Return one file of a run, or None."""
        with self._database.read() as session:
            row = session.get(Artifact, (run_key_of(session, self._scope, run_id), name))
            return _record(run_id, row) if row else None

    def get(self, run_id: str, name: str) -> ArtifactRecord:
        """
        Return one file of a run.

        Raises:
            UserErrorException: the run has no file of that name.
        """
        record = self.find(run_id, name)
        if record is None:
            raise UserErrorException(f"run {run_id!r}: file {name!r} does not exist; see the list of the run's files")
        return record


def _record(run_id: str, row: Artifact) -> ArtifactRecord:
    return ArtifactRecord(run_id, row.name, row.datastore, row.path, row.size)
