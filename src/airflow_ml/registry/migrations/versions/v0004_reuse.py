"""Results that can be reused, the leases of those that are computed, and what fingerprints take of outputs and code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_RESULT_INDEXES = {
    "fingerprint": ("fingerprint",),
    "all": (),
    "step": ("step_name",),
    "pipeline": ("pipeline_name",),
    "pipeline_step": ("pipeline_name", "step_name"),
}


def upgrade() -> None:
    """Make the tables and columns; runs of older versions have no results, so their steps run once more."""
    op.create_table(
        "aml_results",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), nullable=False),
        sa.Column("run_key", _Number, sa.ForeignKey("aml_runs.key", ondelete="CASCADE"), unique=True, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("step_name", sa.Text(), nullable=False),
        sa.Column("pipeline_name", sa.Text(), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.Column("discovered", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invalidated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invalidation", sa.Text(), nullable=True),
    )
    for name, columns in _RESULT_INDEXES.items():
        op.create_index(f"ix_aml_results_{name}", "aml_results", ["workspace_id", *columns, "key"])
    op.create_table(
        "aml_fingerprint_leases",
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), primary_key=True, nullable=False),
        sa.Column("fingerprint", sa.Text(), primary_key=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("token", _Number, nullable=False),
        sa.Column("acquired_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_aml_fingerprint_leases_owner", "aml_fingerprint_leases", ["workspace_id", "owner"])
    op.add_column("aml_snapshots", sa.Column("source_digest", sa.Text(), nullable=True))
    op.add_column("aml_outputs", sa.Column("identity", sa.Text(), nullable=True))
    op.add_column("aml_outputs", sa.Column("collected_at", sa.DateTime(timezone=True), nullable=True))
    is_collected = sa.text("collected_at IS NOT NULL")
    op.create_index(
        "ix_aml_outputs_collected", "aml_outputs", ["run_key"], sqlite_where=is_collected, postgresql_where=is_collected
    )


def downgrade() -> None:
    """Drop them; steps run once more when they are back."""
    op.drop_index("ix_aml_outputs_collected", "aml_outputs")
    op.drop_column("aml_outputs", "collected_at")
    op.drop_column("aml_outputs", "identity")
    op.drop_column("aml_snapshots", "source_digest")
    op.drop_table("aml_fingerprint_leases")
    op.drop_table("aml_results")
