"""Where the nodes of a distributed step meet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; it is empty whenever no distributed step runs."""
    op.create_table(
        "aml_step_nodes",
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), primary_key=True, nullable=False),
        sa.Column("run_id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("node", _Number, primary_key=True, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("ports", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_aml_step_nodes_seen", "aml_step_nodes", ["workspace_id", "seen_at"])


def downgrade() -> None:
    """Drop it; distributed steps that run just then fail."""
    op.drop_table("aml_step_nodes")
