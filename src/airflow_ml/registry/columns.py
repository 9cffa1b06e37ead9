"""Column types that make SQLite and PostgreSQL keep the same values."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from airflow_ml.registry.values import storable_text

__all__ = ["BigNumber", "JsonText", "UtcTime", "Words"]

#: SQLite numbers rows by itself for a column called INTEGER alone.
BigNumber = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """A moment: taken with any zone, kept and given back in UTC; one without a zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn to UTC; SQLite's text has no zone, so the zone has to be gone from what is kept."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"time {value!r} has no zone; give an aware datetime, for instance in UTC")
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give UTC back, which PostgreSQL says in the session's zone and SQLite does not say."""
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


class JsonText(TypeDecorator[Any]):
    """JSON as text: a JSON column of PostgreSQL would refuse the NaN of a metric."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write ASCII only: NUL and lone surrogates, which databases refuse, are escaped and so survive."""
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read it again."""
        return None if value is None else json.loads(value)


class Words(TypeDecorator[str]):
    """Text that people or scripts wrote; characters that a database refuses become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Replace NUL and lone surrogates, which come from undecodable bytes in names and logs."""
        return None if value is None else storable_text(value)
