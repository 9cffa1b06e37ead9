"""The database's clock, the one clock that all workers of a workspace share, and spans between its moments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["DatabaseClock", "SecondsBetween"]


class DatabaseClock(FunctionElement[float]):
    """Seconds since 1970 when the database evaluates it; two of one statement may differ."""

    type = Double()
    inherit_cache = True


@compiles(DatabaseClock, "postgresql")
def _in_postgresql(_element: DatabaseClock, _compiler: SQLCompiler, **_options: Any) -> str:
    # Not now(), which is when the transaction began: it may have waited for a row since.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(DatabaseClock, "sqlite")
def _in_sqlite(_element: DatabaseClock, _compiler: SQLCompiler, **_options: Any) -> str:
    # Milliseconds, unlike unixepoch(), which has fractions from SQLite 3.42 on.
    return "((julianday('now') - 2440587.5) * 86400.0)"


class SecondsBetween(FunctionElement[float]):
    """Seconds from one column's moment to another's."""

    type = Double()
    inherit_cache = True


@compiles(SecondsBetween, "postgresql")
def _span_in_postgresql(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(moment, **options) for moment in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM {end} - {begin}) AS DOUBLE PRECISION)"


@compiles(SecondsBetween, "sqlite")
def _span_in_sqlite(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(moment, **options) for moment in element.clauses)
    return f"((julianday({end}) - julianday({begin})) * 86400.0)"
