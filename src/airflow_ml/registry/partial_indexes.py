"""
Indexes of some of a table's rows.

SQLAlchemy imports a database's whole dialect for an option of it, PostgreSQL's with its asynchronous drivers, which
costs every process that uses SQLite. So the condition is noted, and given to PostgreSQL when tables are made there.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Index, MetaData, event, text

__all__ = ["partial_index", "with_conditions"]

_CONDITION = "condition"


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of the rows that meet a condition; its table's metadata must be `with_conditions`."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={_CONDITION: where})


def with_conditions(metadata: MetaData) -> MetaData:
    """Return the metadata, which from now on makes partial indexes partial in PostgreSQL too."""
    event.listen(metadata, "before_create", _give_conditions)
    return metadata


def _give_conditions(metadata: MetaData, connection: Connection, **_options: Any) -> None:
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.tables.values():
        for index in table.indexes:
            if _CONDITION in index.info:
                index.dialect_kwargs["postgresql_where"] = text(index.info[_CONDITION])
