"""Run by Alembic for each command: says which database and which tables it is about."""

from alembic import context

from airflow_ml.registry.all_tables import Base
from airflow_ml.registry.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite cannot change a table in place; Alembic then copies it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
