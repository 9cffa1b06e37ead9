"""
The tables of steps that work together: results that later runs may take, leases of what is computed, meetings of nodes.

The tables of a service are in `airflow_ml.registry.service_tables`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, Index
from sqlalchemy.orm import Mapped, mapped_column

from airflow_ml.registry.tables import Base, run_column, workspace_column

__all__ = ["Base", "FingerprintLease", "Result", "StepNode"]


class Result(Base):
    """The result of a completed step run; rising keys are the order in which results came."""

    __tablename__ = "aml_results"
    # As listings of runs do, each look-up reads one index backwards and stops early.
    __table_args__ = (
        Index("ix_aml_results_fingerprint", "workspace_id", "fingerprint", "key"),
        Index("ix_aml_results_all", "workspace_id", "key"),
        Index("ix_aml_results_step", "workspace_id", "step_name", "key"),
        Index("ix_aml_results_pipeline", "workspace_id", "pipeline_name", "key"),
        Index("ix_aml_results_pipeline_step", "workspace_id", "pipeline_name", "step_name", "key"),
    )

    key: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = workspace_column()
    run_key: Mapped[int] = run_column(unique=True)
    fingerprint: Mapped[str]
    step_name: Mapped[str]
    pipeline_name: Mapped[str]
    records: Mapped[Any]
    discovered: Mapped[Any | None]
    recorded_at: Mapped[datetime]
    invalidated_at: Mapped[datetime | None]
    invalidation: Mapped[str | None]


class FingerprintLease(Base):
    """
    Who computes the result of a fingerprint; the row stays when nobody does, because its token only ever rises.

    Times are seconds since 1970 by the database's clock, which is the one clock that all workers share.
    """

    __tablename__ = "aml_fingerprint_leases"
    __table_args__ = (Index("ix_aml_fingerprint_leases_owner", "workspace_id", "owner"),)

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str | None]
    token: Mapped[int]
    acquired_at: Mapped[float] = mapped_column(Double)
    expires_at: Mapped[float] = mapped_column(Double)


class StepNode(Base):
    """
    A node of a distributed step that runs, or did so lately.

    The time is in seconds since 1970 by the database's clock, as in leases.
    """

    __tablename__ = "aml_step_nodes"
    __table_args__ = (Index("ix_aml_step_nodes_seen", "workspace_id", "seen_at"),)

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(primary_key=True)
    node: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str]
    ports: Mapped[Any]
    state: Mapped[str]
    message: Mapped[str | None]
    seen_at: Mapped[float] = mapped_column(Double)
