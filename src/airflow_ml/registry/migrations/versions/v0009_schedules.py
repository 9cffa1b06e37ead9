"""Schedules, the runs that they started, and the files that they have seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "aml_schedules",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("id", sa.Text(), unique=True, nullable=False),
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.Text(), nullable=False),
        sa.Column("pipeline_id", sa.Text(), nullable=True),
        sa.Column("endpoint_id", sa.Text(), nullable=True),
        sa.Column("experiment", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("continue_on_step_failure", sa.Boolean(), nullable=True),
        sa.Column("recurrence", sa.Text(), nullable=True),
        sa.Column("watch", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_aml_schedules_workspace", "aml_schedules", ["workspace_id", "key"])
    op.create_table(
        "aml_schedule_starts",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("schedule_key", _Number, sa.ForeignKey("aml_schedules.key"), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("pipeline_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("schedule_key", "cause"),
    )
    op.create_table(
        "aml_schedule_files",
        sa.Column("schedule_key", _Number, sa.ForeignKey("aml_schedules.key"), primary_key=True),
        sa.Column("digest", sa.Text(), primary_key=True, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("changes", _Number, nullable=False),
    )


def downgrade() -> None:
    """Drop them; the runs that schedules started stay."""
    for table in ("schedule_files", "schedule_starts", "schedules"):
        op.drop_table(f"aml_{table}")
