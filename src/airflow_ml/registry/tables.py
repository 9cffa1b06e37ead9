"""
The registry's tables as SQLAlchemy models.

Every row belongs to a workspace, by `workspace_id` or by its run. Inside the database rows point at each other by
small integer keys, because the listing indexes are made of them; ids as the rest of the project knows them are guids.
All tables start with `aml_`, so that they can share a database with Airflow's or MLflow's. A change here needs a new
version in `airflow_ml.registry.migrations.versions`, and `make statements`; tests compare them with the tables.
Those of other topics stand in the modules that `airflow_ml.registry.all_tables` names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from airflow_ml.registry.columns import BigNumber, JsonText, UtcTime, Words
from airflow_ml.registry.partial_indexes import partial_index, with_conditions

__all__ = [
    "Artifact",
    "Base",
    "ComputeTarget",
    "DatasetDefinition",
    "Datastore",
    "Environment",
    "Experiment",
    "GraphText",
    "Metric",
    "Model",
    "Output",
    "PublishedPipeline",
    "RegisteredDataset",
    "Run",
    "RunInput",
    "RunLabel",
    "Snapshot",
    "Workspace",
    "run_column",
    "workspace_column",
]


class Base(DeclarativeBase):
    """What all tables share: names of constraints that migrations can rely on, and the types of columns."""

    metadata = with_conditions(
        MetaData(
            naming_convention={
                "pk": "pk_%(table_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            }
        )
    )
    type_annotation_map = {str: Words, int: BigNumber, datetime: UtcTime, Any: JsonText}  # noqa: RUF012


def workspace_column(*, primary_key: bool = False) -> Mapped[int]:
    """Return the column that says whose row it is."""
    return mapped_column(ForeignKey("aml_workspaces.key"), primary_key=primary_key)


def run_column(*, primary_key: bool = False, unique: bool | None = None) -> Mapped[int]:
    """Return the column of a row that belongs to a run and goes with it."""
    return mapped_column(ForeignKey("aml_runs.key", ondelete="CASCADE"), primary_key=primary_key, unique=unique)


class Workspace(Base):
    """A workspace; a shared database holds many."""

    __tablename__ = "aml_workspaces"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    subscription_id: Mapped[str | None]
    resource_group: Mapped[str | None]
    default_datastore: Mapped[str | None]
    created_at: Mapped[datetime]
    details: Mapped[Any | None]


class Experiment(Base):
    """An experiment, and the number of its last root run."""

    __tablename__ = "aml_experiments"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    name: Mapped[str]
    description: Mapped[str | None]
    tags: Mapped[Any]
    last_number: Mapped[int]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class GraphText(Base):
    """The JSON of a pipeline's graph, once for all the runs that share it."""

    __tablename__ = "aml_graphs"
    __table_args__ = (UniqueConstraint("workspace_id", "digest"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = workspace_column()
    digest: Mapped[str]
    body: Mapped[str]


class PublishedPipeline(Base):
    """A pipeline that can be started without the code that built it; rising keys are the order of listings."""

    __tablename__ = "aml_published_pipelines"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    name: Mapped[str]
    description: Mapped[str | None]
    version: Mapped[str | None]
    status: Mapped[str]
    graph_key: Mapped[int] = mapped_column(ForeignKey("aml_graphs.key"))
    steps: Mapped[int]
    continue_on_step_failure: Mapped[bool | None]
    created_at: Mapped[datetime]


class Run(Base):
    """A run; rising keys are the order of all listings."""

    __tablename__ = "aml_runs"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    experiment_key: Mapped[int] = mapped_column(ForeignKey("aml_experiments.key"))
    kind: Mapped[str]
    name: Mapped[str]
    number: Mapped[int | None]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("aml_runs.id"))
    root_id: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    display_name: Mapped[str | None]
    description: Mapped[str | None]
    node_id: Mapped[str | None]
    attempt: Mapped[int | None]
    dag_id: Mapped[str | None]
    dag_run_id: Mapped[str | None]
    group_id: Mapped[str | None]
    task_id: Mapped[str | None]
    target: Mapped[str | None]
    snapshot_id: Mapped[str | None]
    error: Mapped[Any | None]
    details: Mapped[Any]
    graph_key: Mapped[int | None] = mapped_column(ForeignKey("aml_graphs.key"))

    # A listing reads one index backwards and stops after a page. Root runs are few among steps, so they have
    # indexes of their own.
    __table_args__ = (
        Index("ix_aml_runs_all", "workspace_id", "key"),
        Index("ix_aml_runs_experiment", "workspace_id", "experiment_key", "key"),
        Index("ix_aml_runs_kind", "workspace_id", "kind", "key"),
        Index("ix_aml_runs_status", "workspace_id", "status", "key"),
        *(
            partial_index(f"ix_aml_runs_root_{name}", *("workspace_id", *columns, "key"), where="parent_id IS NULL")
            for name, columns in {
                "all": (),
                "experiment": ("experiment_key",),
                "status": ("status",),
                "experiment_status": ("experiment_key", "status"),
            }.items()
        ),
        Index("ix_aml_runs_parent", "parent_id", "key"),
        partial_index("ix_aml_runs_attempt", *("parent_id", "node_id", "attempt"), where="kind = 'step'", unique=True),
        partial_index("ix_aml_runs_dag", *("workspace_id", "dag_id", "key"), where="kind = 'pipeline'"),
        partial_index(
            "ix_aml_runs_pipeline",
            *("workspace_id", "dag_id", "dag_run_id", "group_id"),
            where="kind = 'pipeline'",
            unique=True,
        ),
    )


class RunLabel(Base):
    """A tag or a property of a run; values may be long, so the index holds their digest."""

    __tablename__ = "aml_run_labels"
    __table_args__ = (
        Index("ix_aml_run_labels_value", "workspace_id", "kind", "name", "value_digest", "run_key"),
        Index("ix_aml_run_labels_name", "workspace_id", "kind", "name", "run_key"),
    )

    run_key: Mapped[int] = run_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = workspace_column()
    value: Mapped[str]
    value_digest: Mapped[str]


class Metric(Base):
    """One logged value; rising keys are the order of logging."""

    __tablename__ = "aml_metrics"
    __table_args__ = (Index("ix_aml_metrics_run", "run_key", "key"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    run_key: Mapped[int] = run_column()
    name: Mapped[str]
    kind: Mapped[str]
    value: Mapped[Any | None]
    step: Mapped[int | None]
    description: Mapped[str | None]
    recorded_at: Mapped[datetime]


class Output(Base):
    """A committed output of a run."""

    __tablename__ = "aml_outputs"
    # Few outputs are: the index of those that are costs nothing, and rules a result out without looking at the others.
    __table_args__ = (partial_index("ix_aml_outputs_collected", "run_key", where="collected_at IS NOT NULL"),)

    run_key: Mapped[int] = run_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    datastore: Mapped[str]
    path: Mapped[str]
    is_file: Mapped[bool]
    digest: Mapped[str]
    manifest_path: Mapped[str]
    files: Mapped[int]
    size: Mapped[int]
    committed_at: Mapped[datetime]
    pipeline_output_name: Mapped[str | None]
    dataset_name: Mapped[str | None]
    dataset_version: Mapped[int | None]
    identity: Mapped[str | None]
    collected_at: Mapped[datetime | None]


class RunInput(Base):
    """What a run consumed."""

    __tablename__ = "aml_run_inputs"
    __table_args__ = (
        Index("ix_aml_run_inputs_dataset", "dataset_id"),
        Index("ix_aml_run_inputs_producer", "producer_run_id"),
    )

    run_key: Mapped[int] = run_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    source: Mapped[str]
    dataset_id: Mapped[str | None]
    dataset_name: Mapped[str | None]
    dataset_version: Mapped[int | None]
    datastore: Mapped[str | None]
    path: Mapped[str | None]
    digest: Mapped[str | None]
    producer_run_id: Mapped[str | None]
    producer_output: Mapped[str | None]


class Artifact(Base):
    """A file of a run."""

    __tablename__ = "aml_artifacts"

    run_key: Mapped[int] = run_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    datastore: Mapped[str]
    path: Mapped[str]
    size: Mapped[int]


class DatasetDefinition(Base):
    """A dataset as data, once per workspace."""

    __tablename__ = "aml_dataset_definitions"
    __table_args__ = (UniqueConstraint("workspace_id", "digest"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[int] = workspace_column()
    digest: Mapped[str]
    definition: Mapped[Any]
    created_at: Mapped[datetime]


class RegisteredDataset(Base):
    """One version of a dataset's name; unregistered ones stay, so that version numbers in lineage stay unique."""

    __tablename__ = "aml_datasets"

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    definition_key: Mapped[int] = mapped_column(ForeignKey("aml_dataset_definitions.key"))
    description: Mapped[str | None]
    tags: Mapped[Any]
    created_at: Mapped[datetime]
    unregistered_at: Mapped[datetime | None]
    run_id: Mapped[str | None]


class Datastore(Base):
    """A datastore; `secret` holds what its owner encrypted."""

    __tablename__ = "aml_datastores"

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    settings: Mapped[Any]
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ComputeTarget(Base):
    """A compute target."""

    __tablename__ = "aml_compute_targets"

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    settings: Mapped[Any]
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]


class Environment(Base):
    """One version of an environment; the latest is the one that was registered last, which may be an old version."""

    __tablename__ = "aml_environments"

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    registration: Mapped[int]
    digest: Mapped[str]
    definition: Mapped[Any]
    created_at: Mapped[datetime]
    labels: Mapped[Any | None]


class Model(Base):
    """One version of a model; removed ones stay, so that a version number never means two things."""

    __tablename__ = "aml_models"

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    datastore: Mapped[str]
    path: Mapped[str]
    run_id: Mapped[str | None]
    description: Mapped[str | None]
    tags: Mapped[Any]
    properties: Mapped[Any]
    framework: Mapped[str | None]
    framework_version: Mapped[str | None]
    details: Mapped[Any]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Snapshot(Base):
    """A captured source directory."""

    __tablename__ = "aml_snapshots"

    workspace_id: Mapped[int] = workspace_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    files: Mapped[int]
    size: Mapped[int]
    created_at: Mapped[datetime]
    source_digest: Mapped[str | None]
