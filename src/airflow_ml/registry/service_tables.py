"""The tables of pipelines in service: which DAGs an Airflow service makes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from airflow_ml.registry.reuse_tables import Base
from airflow_ml.registry.tables import workspace_column

__all__ = ["Base", "DagVersion"]


class DagVersion(Base):
    """
    A DAG as it was made runnable; rows are never changed, so that every version can be made again.

    A version of all DAGs of a workspace is a number, and of each DAG holds its newest row up to that number. A row
    without a graph says that the DAG was removed.
    """

    __tablename__ = "aml_dag_versions"
    __table_args__ = (Index("ix_aml_dag_versions_dag", "workspace_id", "dag_id", "number"),)

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    dag_id: Mapped[str]
    graph_key: Mapped[int | None] = mapped_column(ForeignKey("aml_graphs.key"))
    arguments: Mapped[Any]
    created_at: Mapped[datetime]
