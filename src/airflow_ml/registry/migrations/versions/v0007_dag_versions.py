"""The DAGs of pipelines in service, version by version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; pipelines that were submitted before get their rows when they are submitted again."""
    op.create_table(
        "aml_dag_versions",
        sa.Column("workspace_id", _Number, sa.ForeignKey("aml_workspaces.key"), primary_key=True, nullable=False),
        sa.Column("number", _Number, primary_key=True, nullable=False),
        sa.Column("dag_id", sa.Text(), nullable=False),
        sa.Column("graph_key", _Number, sa.ForeignKey("aml_graphs.key"), nullable=True),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_aml_dag_versions_dag", "aml_dag_versions", ["workspace_id", "dag_id", "number"])


def downgrade() -> None:
    """Drop it; DAG runs of these DAGs can no longer go on."""
    op.drop_table("aml_dag_versions")
