"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), **{"nullable": False, **options})


def _number(name: str, *arguments: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, _Number, *arguments, **{"nullable": False, **options})


def _time(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **{"nullable": False, **options})


def _workspace(**options: Any) -> sa.Column[Any]:
    return _number("workspace_id", sa.ForeignKey("aml_workspaces.key"), **options)


def _run(**options: Any) -> sa.Column[Any]:
    return _number("run_key", sa.ForeignKey("aml_runs.key", ondelete="CASCADE"), **options)


def upgrade() -> None:
    """Make every table."""
    _create_workspaces()
    _create_runs()
    _create_run_indexes()
    _create_labels_and_metrics()
    _create_inputs_and_outputs()
    _create_datasets()
    _create_named_things()
    _create_versioned_things()


def downgrade() -> None:
    """Drop every table, children first."""
    for name in (
        *("snapshots", "models", "environments", "compute_targets", "datastores", "datasets", "dataset_definitions"),
        *("artifacts", "run_inputs", "outputs", "metrics", "run_labels", "runs", "graphs", "experiments"),
        "workspaces",
    ):
        op.drop_table(f"aml_{name}")


def _create_workspaces() -> None:
    op.create_table(
        "aml_workspaces",
        _number("key", primary_key=True),
        _text("id", unique=True),
        _text("name", unique=True),
        _text("subscription_id", nullable=True),
        _text("resource_group", nullable=True),
        _text("default_datastore", nullable=True),
        _time("created_at"),
    )
    op.create_table(
        "aml_experiments",
        _number("key", primary_key=True),
        _text("id", unique=True),
        _workspace(),
        _text("name"),
        _text("description", nullable=True),
        _text("tags"),
        _number("last_number"),
        _time("created_at"),
        _time("archived_at", nullable=True),
        sa.UniqueConstraint("workspace_id", "name"),
    )


def _create_runs() -> None:
    op.create_table(
        "aml_graphs",
        _number("key", primary_key=True),
        _workspace(),
        _text("digest"),
        _text("body"),
        sa.UniqueConstraint("workspace_id", "digest"),
    )
    op.create_table(
        "aml_runs",
        _number("key", primary_key=True),
        _text("id", unique=True),
        _workspace(),
        _number("experiment_key", sa.ForeignKey("aml_experiments.key")),
        _text("kind"),
        _text("name"),
        _number("number", nullable=True),
        sa.Column("parent_id", sa.Text(), sa.ForeignKey("aml_runs.id"), nullable=True),
        _text("root_id"),
        _text("status"),
        _time("created_at"),
        _time("started_at", nullable=True),
        _time("ended_at", nullable=True),
        _text("display_name", nullable=True),
        _text("description", nullable=True),
        _text("node_id", nullable=True),
        _number("attempt", nullable=True),
        _text("dag_id", nullable=True),
        _text("dag_run_id", nullable=True),
        _text("group_id", nullable=True),
        _text("task_id", nullable=True),
        _text("target", nullable=True),
        _text("snapshot_id", nullable=True),
        _text("error", nullable=True),
        _text("details"),
        _number("graph_key", sa.ForeignKey("aml_graphs.key"), nullable=True),
    )


def _create_run_indexes() -> None:
    def index(name: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
        condition = sa.text(where) if where else None
        op.create_index(
            f"ix_aml_runs_{name}",
            "aml_runs",
            [*columns],
            unique=unique,
            sqlite_where=condition,
            postgresql_where=condition,
        )

    index("all", "workspace_id", "key")
    index("experiment", "workspace_id", "experiment_key", "key")
    index("kind", "workspace_id", "kind", "key")
    index("status", "workspace_id", "status", "key")
    root = "parent_id IS NULL"
    index("root_all", "workspace_id", "key", where=root)
    index("root_experiment", "workspace_id", "experiment_key", "key", where=root)
    index("root_status", "workspace_id", "status", "key", where=root)
    index("root_experiment_status", "workspace_id", "experiment_key", "status", "key", where=root)
    index("parent", "parent_id", "key")
    index("attempt", "parent_id", "node_id", "attempt", where="kind = 'step'", unique=True)
    index("pipeline", "workspace_id", "dag_id", "dag_run_id", "group_id", where="kind = 'pipeline'", unique=True)


def _create_labels_and_metrics() -> None:
    op.create_table(
        "aml_run_labels",
        _run(primary_key=True),
        _text("kind", primary_key=True),
        _text("name", primary_key=True),
        _workspace(),
        _text("value"),
        _text("value_digest"),
    )
    columns = ["workspace_id", "kind", "name"]
    op.create_index("ix_aml_run_labels_value", "aml_run_labels", [*columns, "value_digest", "run_key"])
    op.create_index("ix_aml_run_labels_name", "aml_run_labels", [*columns, "run_key"])
    op.create_table(
        "aml_metrics",
        _number("key", primary_key=True),
        _run(),
        _text("name"),
        _text("kind"),
        _text("value", nullable=True),
        _number("step", nullable=True),
        _text("description", nullable=True),
        _time("recorded_at"),
    )
    op.create_index("ix_aml_metrics_run", "aml_metrics", ["run_key", "key"])


def _create_inputs_and_outputs() -> None:
    op.create_table(
        "aml_outputs",
        _run(primary_key=True),
        _text("name", primary_key=True),
        *(_text(name) for name in ("kind", "datastore", "path")),
        sa.Column("is_file", sa.Boolean(), nullable=False),
        *(_text(name) for name in ("digest", "manifest_path")),
        *(_number(name) for name in ("files", "size")),
        _time("committed_at"),
        *(_text(name, nullable=True) for name in ("pipeline_output_name", "dataset_name")),
        _number("dataset_version", nullable=True),
    )
    op.create_table(
        "aml_run_inputs",
        _run(primary_key=True),
        _text("name", primary_key=True),
        *(_text(name) for name in ("mode", "source")),
        *(_text(name, nullable=True) for name in ("dataset_id", "dataset_name")),
        _number("dataset_version", nullable=True),
        *(_text(name, nullable=True) for name in ("datastore", "path", "digest", "producer_run_id", "producer_output")),
    )
    op.create_index("ix_aml_run_inputs_dataset", "aml_run_inputs", ["dataset_id"])
    op.create_index("ix_aml_run_inputs_producer", "aml_run_inputs", ["producer_run_id"])
    op.create_table(
        "aml_artifacts",
        _run(primary_key=True),
        _text("name", primary_key=True),
        *(_text(name) for name in ("datastore", "path")),
        _number("size"),
    )


def _create_datasets() -> None:
    op.create_table(
        "aml_dataset_definitions",
        _number("key", primary_key=True),
        _text("id", unique=True),
        _workspace(),
        _text("digest"),
        _text("definition"),
        _time("created_at"),
        sa.UniqueConstraint("workspace_id", "digest"),
    )
    op.create_table(
        "aml_datasets",
        _workspace(primary_key=True),
        _text("name", primary_key=True),
        _number("version", primary_key=True),
        _number("definition_key", sa.ForeignKey("aml_dataset_definitions.key")),
        _text("description", nullable=True),
        _text("tags"),
        _time("created_at"),
        _time("unregistered_at", nullable=True),
    )


def _create_named_things() -> None:
    op.create_table(
        "aml_datastores",
        _workspace(primary_key=True),
        _text("name", primary_key=True),
        *(_text(name) for name in ("type", "settings")),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        _time("created_at"),
    )
    op.create_table(
        "aml_compute_targets",
        _workspace(primary_key=True),
        _text("name", primary_key=True),
        *(_text(name) for name in ("type", "settings")),
        *(_time(name) for name in ("created_at", "modified_at")),
    )
    op.create_table(
        "aml_snapshots",
        _workspace(primary_key=True),
        _text("id", primary_key=True),
        *(_number(name) for name in ("files", "size")),
        _time("created_at"),
    )


def _create_versioned_things() -> None:
    op.create_table(
        "aml_environments",
        _workspace(primary_key=True),
        _text("name", primary_key=True),
        _number("version", primary_key=True),
        _number("registration"),
        *(_text(name) for name in ("digest", "definition")),
        _time("created_at"),
    )
    op.create_table(
        "aml_models",
        _workspace(primary_key=True),
        _text("name", primary_key=True),
        _number("version", primary_key=True),
        *(_text(name) for name in ("datastore", "path")),
        *(_text(name, nullable=True) for name in ("run_id", "description")),
        *(_text(name) for name in ("tags", "properties")),
        *(_text(name, nullable=True) for name in ("framework", "framework_version")),
        _text("details"),
        _time("created_at"),
        _time("removed_at", nullable=True),
    )
