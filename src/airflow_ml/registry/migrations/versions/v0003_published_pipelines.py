"""Published pipelines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make their table; their graphs are kept where those of runs are."""
    op.create_table(
        "aml_published_pipelines",
        sa.Column("key", _Number, primary_key=True, nullable=False),
        sa.Column("id", sa.Text(), unique=True, nullable=False),
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("graph_key", _Number, sa.ForeignKey("aml_graphs.key"), nullable=False),
        sa.Column("steps", _Number, nullable=False),
        sa.Column("continue_on_step_failure", sa.Boolean(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop it; runs that published pipelines were started for stay."""
    op.drop_table("aml_published_pipelines")
