"""Which run has registered a version of a dataset."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; versions from before, and those that no run has registered, have nothing in it."""
    op.add_column("aml_datasets", sa.Column("run_id", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop it; what it held is lost."""
    op.drop_column("aml_datasets", "run_id")
