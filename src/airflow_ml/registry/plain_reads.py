"""
Reading a registry that is an SQLite file by the standard library alone.

Importing SQLAlchemy and the tables takes a third of a second, longer than planning fifty steps. What a plan asks is
known beforehand (`airflow_ml.registry.statements`), so the texts that SQLAlchemy makes of it are kept in
`airflow_ml.registry.compiled_statements`, and here they are asked. Nothing is written here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

from airflow_ml.registry.compiled_statements import COMPILED
from airflow_ml.registry.forks import around_forks, using_file
from airflow_ml.registry.values import storable_text

__all__ = ["PlainReads", "PlainSession"]

#: How long somebody who recovers the file after a crash is waited for, in seconds; nobody else keeps readers out.
_BUSY_SECONDS = 30


def _time(value: str) -> datetime:
    # As `UtcTime` keeps it: in UTC, which the text does not say.
    return datetime.fromisoformat(value).replace(tzinfo=timezone.utc)


_MAKE: Mapping[str, Callable[[Any], Any]] = {"time": _time, "json": json.loads, "bool": bool}

_all_reads: WeakSet[PlainReads] = WeakSet()
_inherited: list[sqlite3.Connection] = []


def _close_idle() -> None:
    for reads in list(_all_reads):
        reads.close()


def _forget_inherited() -> None:
    # Only what came back in the moment of the fork: a connection that two processes use is corrupt.
    for reads in list(_all_reads):
        _inherited.extend(reads.idle)
        reads.idle.clear()


around_forks(close=_close_idle, forget=_forget_inherited)


class PlainSession:
    """One transaction that reads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Mapping[str, object]) -> list[SimpleNamespace]:
        """Return the rows of a statement of that name, their values as SQLAlchemy would give them."""
        text, columns = COMPILED[statement]
        given: dict[str, object] = {}
        for name, value in values.items():
            if isinstance(value, list):
                numbered = {f"{name}_{number}": item for number, item in enumerate(value)}
                text = text.replace(f"__[POSTCOMPILE_{name}]", ", ".join(f":{key}" for key in numbered))
                given |= numbered
            else:
                given[name] = storable_text(value) if isinstance(value, str) else value
        makers = [(name, _MAKE.get(kind)) for name, kind in columns]
        return [_row(makers, row) for row in self._connection.execute(text, given)]


class PlainReads:
    """
    Connections to one file that read, made when they are needed; threads may share this, and forked children too.

    Attributes:
        idle: those that nobody uses now.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.idle: list[sqlite3.Connection] = []
        _all_reads.add(self)

    @contextmanager
    def session(self) -> Iterator[PlainSession]:
        """Give a transaction that reads."""
        with using_file():
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                yield PlainSession(connection)
            finally:
                connection.execute("ROLLBACK")
                self.idle.append(connection)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        while self.idle:
            self.idle.pop().close()

    def _connection(self) -> sqlite3.Connection:
        try:
            return self.idle.pop()
        except IndexError:
            pass
        # The driver must not begin transactions by itself. A file that is gone must not be made.
        connection = sqlite3.connect(
            f"{self._file.as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA query_only = ON")
        return connection


def _row(makers: list[tuple[str, Callable[[Any], Any] | None]], row: tuple[Any, ...]) -> SimpleNamespace:
    values = {
        name: value if make is None or value is None else make(value)
        for (name, make), value in zip(makers, row, strict=True)
    }
    return SimpleNamespace(**values)
