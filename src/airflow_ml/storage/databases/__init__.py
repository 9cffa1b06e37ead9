"""
Databases that a workspace knows as datastores: tables, queries and stored procedures, read and appended to.

`open_database` opens one from its settings. Drivers, SQLAlchemy and pyarrow are imported when a connection is made.
"""

from __future__ import annotations

from airflow_ml.storage.databases.database import Database, open_database
from airflow_ml.storage.databases.query_store import QUERY_FILE, DatabaseStore
from airflow_ml.storage.databases.sources import (
    Exported,
    Procedure,
    ProcedureParameter,
    Query,
    Source,
    Table,
    TableFormat,
    source_of,
)

__all__ = [
    "QUERY_FILE",
    "Database",
    "DatabaseStore",
    "Exported",
    "Procedure",
    "ProcedureParameter",
    "Query",
    "Source",
    "Table",
    "TableFormat",
    "open_database",
    "source_of",
]
