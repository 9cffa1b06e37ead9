"""What is said of a workspace, and labels of environment versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns; rows of older versions have nothing in them."""
    op.add_column("aml_workspaces", sa.Column("details", sa.Text(), nullable=True))
    op.add_column("aml_environments", sa.Column("labels", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop them; what they held is lost."""
    op.drop_column("aml_environments", "labels")
    op.drop_column("aml_workspaces", "details")
