"""The tables of what is kept besides published pipelines: endpoints in front of them, drafts, and modules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from airflow_ml.registry.tables import Base, workspace_column

__all__ = ["EndpointVersion", "Module", "ModuleVersion", "PipelineDraft", "PipelineEndpoint"]


class PipelineEndpoint(Base):
    """A name in front of published pipelines; rising keys are the order of listings."""

    __tablename__ = "aml_pipeline_endpoints"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str]
    default_version: Mapped[int]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class EndpointVersion(Base):
    """One version of an endpoint: a published pipeline, which is in each endpoint at most once."""

    __tablename__ = "aml_pipeline_endpoint_versions"
    __table_args__ = (UniqueConstraint("endpoint_key", "pipeline_key"),)

    endpoint_key: Mapped[int] = mapped_column(ForeignKey("aml_pipeline_endpoints.key"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    pipeline_key: Mapped[int] = mapped_column(ForeignKey("aml_published_pipelines.key"))


class PipelineDraft(Base):
    """A pipeline that is kept and may change; rising keys are the order of listings."""

    __tablename__ = "aml_pipeline_drafts"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    name: Mapped[str]
    description: Mapped[str | None]
    experiment: Mapped[str | None]
    graph_key: Mapped[int] = mapped_column(ForeignKey("aml_graphs.key"))
    parameters: Mapped[Any]
    continue_on_step_failure: Mapped[bool | None]
    tags: Mapped[Any]
    properties: Mapped[Any]
    parents: Mapped[Any]
    last_run_id: Mapped[str | None]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class Module(Base):
    """A step that is kept by name; its versions are rows of their own."""

    __tablename__ = "aml_modules"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str]
    default_version: Mapped[str | None]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class ModuleVersion(Base):
    """One version of a module; rising keys are the order in which versions were published."""

    __tablename__ = "aml_module_versions"
    __table_args__ = (UniqueConstraint("module_key", "version"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    module_key: Mapped[int] = mapped_column(ForeignKey("aml_modules.key"))
    version: Mapped[str]
    description: Mapped[str | None]
    category: Mapped[str | None]
    status: Mapped[str]
    definition: Mapped[Any]
    created_at: Mapped[datetime]
