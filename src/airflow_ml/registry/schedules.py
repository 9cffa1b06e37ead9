"""Schedules: what starts runs of published pipelines and endpoints, by the clock or on new data."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository
from airflow_ml.registry.errors import ScheduleNotFoundError
from airflow_ml.registry.records import ACTIVE, DISABLED
from airflow_ml.registry.schedule_records import ScheduleContent, ScheduleRecord, Watch
from airflow_ml.registry.schedule_tables import Schedule
from airflow_ml.registry.sealed_json import opened, sealed_parameters
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["Schedules"]


class Schedules(Repository):
    """The schedules of a workspace; several may share a name (v1)."""

    def create(self, content: ScheduleContent, *, dag_prefix: str) -> ScheduleRecord:
        """
        Keep a new schedule, which is active.

        Args:
            dag_prefix: the readable part of its DAG's id.
        """
        now, new_id = utc_now(), str(uuid.uuid4())
        with self._database.write() as session:
            row = Schedule(
                id=new_id,
                workspace_id=self._workspace_id,
                dag_id=f"{dag_prefix}-{new_id[:8]}",
                status=ACTIVE,
                created_at=now,
                enabled_at=now,
            )
            _fill(row, content)
            session.add(row)
            session.flush()
            return _record(row)

    def get(self, schedule_id: str) -> ScheduleRecord:
        """
        Return the schedule of that id.

        Raises:
            ScheduleNotFoundError: there is none.
        """
        with self._database.read() as session:
            return _record(self._require(session, schedule_id))

    def list(
        self, *, active_only: bool = True, pipeline_id: str | None = None, endpoint_id: str | None = None
    ) -> Sequence[ScheduleRecord]:
        """Return the schedules in the order in which they were made."""
        query = self._own().order_by(Schedule.key)
        if active_only:
            query = query.where(Schedule.status == ACTIVE)
        if pipeline_id is not None:
            query = query.where(Schedule.pipeline_id == pipeline_id)
        if endpoint_id is not None:
            query = query.where(Schedule.endpoint_id == endpoint_id)
        with self._database.read() as session:
            return [_record(row) for row in session.scalars(query)]

    def put(self, schedule_id: str, content: ScheduleContent) -> ScheduleRecord:
        """
        Replace everything that a schedule is.

        Raises:
            ScheduleNotFoundError: there is none.
        """
        with self._database.write() as session:
            row = self._require(session, schedule_id)
            _fill(row, content)
            return _record(row)

    def set_active(self, schedule_id: str, *, active: bool) -> ScheduleRecord:
        """
        Let a schedule start runs, or no longer.

        Raises:
            ScheduleNotFoundError: there is none.
        """
        with self._database.write() as session:
            row = self._require(session, schedule_id)
            if active and row.status != ACTIVE:
                row.enabled_at = utc_now()
            row.status = ACTIVE if active else DISABLED
            return _record(row)

    def _own(self) -> Select[Schedule]:
        return select(Schedule).where(Schedule.workspace_id == self._workspace_id)

    def _require(self, session: Session, schedule_id: str) -> Schedule:
        row = session.scalars(self._own().where(Schedule.id == schedule_id)).one_or_none()
        if row is None:
            raise ScheduleNotFoundError(
                f"workspace {self._scope.workspace_name!r}: schedule {schedule_id!r} does not exist;"
                " Schedule.list gives those that do"
            )
        return row


def _fill(row: Schedule, content: ScheduleContent) -> None:
    row.name = check_name("schedule", content.name)
    row.description, row.experiment = content.description, content.experiment
    row.pipeline_id, row.endpoint_id = content.pipeline_id, content.endpoint_id
    row.parameters = sealed_parameters(content.parameters)
    row.continue_on_step_failure = content.continue_on_step_failure
    row.recurrence = None if content.recurrence is None else dict(content.recurrence)
    row.watch = None if content.watch is None else asdict(content.watch)


def _record(row: Schedule) -> ScheduleRecord:
    content = ScheduleContent(
        name=row.name,
        experiment=row.experiment,
        pipeline_id=row.pipeline_id,
        endpoint_id=row.endpoint_id,
        description=row.description,
        parameters=cast("Mapping[str, Json]", opened(row.parameters, where=f"schedule {row.id!r}")),
        continue_on_step_failure=row.continue_on_step_failure,
        recurrence=row.recurrence,
        watch=None if row.watch is None else Watch(**row.watch),
    )
    return ScheduleRecord(row.id, content, row.status, row.dag_id, row.created_at, row.enabled_at)
