"""An index of a DAG's pipeline runs in their order, for pages that show the newest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CONDITION = sa.text("kind = 'pipeline'")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_aml_runs_dag",
        "aml_runs",
        ["workspace_id", "dag_id", "key"],
        sqlite_where=_CONDITION,
        postgresql_where=_CONDITION,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_aml_runs_dag", "aml_runs")
