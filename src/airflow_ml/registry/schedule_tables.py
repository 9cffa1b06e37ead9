"""The tables of schedules: what they start and when, the runs that they started, and the files that they have seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_ml.registry.tables import Base, workspace_column

__all__ = ["Schedule", "ScheduleFile", "ScheduleStart"]


class Schedule(Base):
    """A schedule; rising keys are the order of listings."""

    __tablename__ = "aml_schedules"
    __table_args__ = (Index("ix_aml_schedules_workspace", "workspace_id", "key"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str]
    dag_id: Mapped[str]
    pipeline_id: Mapped[str | None]
    endpoint_id: Mapped[str | None]
    experiment: Mapped[str]
    parameters: Mapped[Any]
    continue_on_step_failure: Mapped[bool | None]
    recurrence: Mapped[Any | None]
    watch: Mapped[Any | None]
    created_at: Mapped[datetime]
    enabled_at: Mapped[datetime]


class ScheduleStart(Base):
    """
    A run that a schedule starts, recorded before anything of it happens; rising keys are their order.

    What caused it stands in a schedule once, so one cause never starts two runs.
    """

    __tablename__ = "aml_schedule_starts"
    __table_args__ = (UniqueConstraint("schedule_key", "cause"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    schedule_key: Mapped[int] = mapped_column(ForeignKey("aml_schedules.key"))
    cause: Mapped[str]
    pipeline_id: Mapped[str]
    path: Mapped[str | None]
    run_id: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]


class ScheduleFile(Base):
    """A file that a schedule has seen, as it was when a run was last started for it; by the digest of its path."""

    __tablename__ = "aml_schedule_files"

    schedule_key: Mapped[int] = mapped_column(ForeignKey("aml_schedules.key"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]
    etag: Mapped[str]
    changes: Mapped[int]
