"""All tables of a registry: each module of tables makes its own known to `Base` when it is imported."""

from __future__ import annotations

from airflow_ml.registry import publishing_tables, reuse_tables, schedule_tables, service_tables, tables
from airflow_ml.registry.tables import Base

__all__ = ["TABLE_MODULES", "Base"]

#: Whose tables `Base` then has.
TABLE_MODULES = (tables, reuse_tables, service_tables, publishing_tables, schedule_tables)
