"""
What schedules have started, and the files that they have seen.

A start is recorded before anything of it happens, with its cause, which stands there once: whoever comes again after a
crash finds the record and goes on with it. The file that caused it counts as seen in the transaction that records that
Airflow has taken the run, so that nothing is lost and nothing comes twice wherever a process dies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from airflow_ml.registry.database import Repository
from airflow_ml.registry.errors import ScheduleNotFoundError
from airflow_ml.registry.schedule_records import StartRecord
from airflow_ml.registry.schedule_tables import Schedule, ScheduleFile, ScheduleStart
from airflow_ml.registry.values import content_digest, utc_now

__all__ = ["ScheduleStarts", "SeenFile"]

#: Rows of one INSERT; SQLite had room for 999 values once.
_ROWS = 150


@dataclass(frozen=True)
class SeenFile:
    """
    A file as it was when a run was last started for it.

    Attributes:
        changes: how often runs were started for it.
    """

    etag: str
    changes: int = 0


class ScheduleStarts(Repository):
    """The starts and the seen files of a workspace's schedules."""

    def plan(self, schedule_id: str, cause: str, *, pipeline_id: str, path: str | None = None) -> StartRecord:
        """Record that a run is to be started, or return what is recorded for this cause."""
        with self._database.write() as session:
            key = self._key(session, schedule_id)
            statement = self._database.insert(ScheduleStart).values(
                schedule_key=key, cause=cause, pipeline_id=pipeline_id, path=path, created_at=utc_now()
            )
            session.execute(statement.on_conflict_do_nothing(index_elements=["schedule_key", "cause"]))
            own = (ScheduleStart.schedule_key == key, ScheduleStart.cause == cause)
            return _start(session.scalars(select(ScheduleStart).where(*own)).one())

    def set_run(self, start: StartRecord, run_id: str) -> None:
        """Say which run it is."""
        with self._database.write() as session:
            session.execute(update(ScheduleStart).where(ScheduleStart.key == start.key).values(run_id=run_id))

    def set_started(self, start: StartRecord, seen: SeenFile | None = None) -> None:
        """
        Say that Airflow has taken the run.

        Args:
            seen: the file that it was started for, as it was.
        """
        with self._database.write() as session:
            row = session.get_one(ScheduleStart, start.key)
            row.started_at = row.started_at or utc_now()
            if seen is not None and row.path is not None:
                self._put(session, row.schedule_key, {row.path: seen})

    def runs(self, schedule_id: str, *, limit: int | None = None) -> Sequence[str]:
        """Return the ids of the runs that a schedule has started, the newest first."""
        with self._database.read() as session:
            own = (ScheduleStart.schedule_key == self._key(session, schedule_id), ScheduleStart.run_id.is_not(None))
            query = select(ScheduleStart.run_id).where(*own).order_by(ScheduleStart.key.desc()).limit(limit)
            return [str(run_id) for run_id in session.scalars(query)]

    def seen(self, schedule_id: str) -> Mapping[str, SeenFile]:
        """Return the files that a schedule has seen, by their path."""
        with self._database.read() as session:
            own = ScheduleFile.schedule_key == self._key(session, schedule_id)
            query = select(ScheduleFile.path, ScheduleFile.etag, ScheduleFile.changes).where(own)
            return {path: SeenFile(etag, changes) for path, etag, changes in session.execute(query)}

    def begin_with(self, schedule_id: str, files: Mapping[str, str]) -> None:
        """Let a schedule begin where its folder is now; what it has seen elsewhere is forgotten."""
        with self._database.write() as session:
            key = self._key(session, schedule_id)
            session.execute(delete(ScheduleFile).where(ScheduleFile.schedule_key == key))
            self._put(session, key, {path: SeenFile(etag) for path, etag in files.items()})

    def _put(self, session: Session, key: int, files: Mapping[str, SeenFile]) -> None:
        rows = [
            {
                "schedule_key": key,
                "digest": content_digest(path),
                "path": path,
                "etag": file.etag,
                "changes": file.changes,
            }
            for path, file in files.items()
        ]
        for first in range(0, len(rows), _ROWS):
            statement = self._database.insert(ScheduleFile).values(rows[first : first + _ROWS])
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=["schedule_key", "digest"],
                    set_={"etag": statement.excluded.etag, "changes": statement.excluded.changes},
                )
            )

    def _key(self, session: Session, schedule_id: str) -> int:
        own = (Schedule.workspace_id == self._workspace_id, Schedule.id == schedule_id)
        key = session.scalars(select(Schedule.key).where(*own)).one_or_none()
        if key is None:
            raise ScheduleNotFoundError(
                f"workspace {self._scope.workspace_name!r}: schedule {schedule_id!r} does not exist"
            )
        return key


def _start(row: ScheduleStart) -> StartRecord:
    return StartRecord(row.key, row.cause, row.pipeline_id, row.path, row.run_id, row.started_at)
