"""Endpoints of published pipelines, drafts of pipelines, and modules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make their tables; the graphs of drafts are kept where those of runs are."""
    _endpoints()
    _drafts()
    _modules()


def _endpoints() -> None:
    op.create_table(
        "aml_pipeline_endpoints",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("id", sa.Text(), unique=True, nullable=False),
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("default_version", _Number, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "aml_pipeline_endpoint_versions",
        sa.Column("endpoint_key", _Number, sa.ForeignKey("aml_pipeline_endpoints.key"), primary_key=True),
        sa.Column("version", _Number, primary_key=True, nullable=False),
        sa.Column("pipeline_key", _Number, sa.ForeignKey("aml_published_pipelines.key"), nullable=False),
        sa.UniqueConstraint("endpoint_key", "pipeline_key"),
    )


def _drafts() -> None:
    op.create_table(
        "aml_pipeline_drafts",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("id", sa.Text(), unique=True, nullable=False),
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("experiment", sa.Text(), nullable=True),
        sa.Column("graph_key", _Number, sa.ForeignKey("aml_graphs.key"), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("continue_on_step_failure", sa.Boolean(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.Column("parents", sa.Text(), nullable=False),
        sa.Column("last_run_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
    )


def _modules() -> None:
    op.create_table(
        "aml_modules",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("id", sa.Text(), unique=True, nullable=False),
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("default_version", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "aml_module_versions",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("id", sa.Text(), unique=True, nullable=False),
        sa.Column("module_key", _Number, sa.ForeignKey("aml_modules.key"), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("module_key", "version"),
    )


def downgrade() -> None:
    """Drop them; published pipelines stay."""
    for table in ("module_versions", "modules", "pipeline_drafts", "pipeline_endpoint_versions", "pipeline_endpoints"):
        op.drop_table(f"aml_{table}")
