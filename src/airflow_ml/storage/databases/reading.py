"""Reading a table, a query or a stored procedure through a cursor of the server's, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, inspect, select, table, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.storage.databases.rows import as_wanted, batch_of, column_names, schema_of
from airflow_ml.storage.databases.sources import Procedure, Query, Source, Table, table_name

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import ColumnClause, Connection, CursorResult, Executable, Select, TextClause

    from airflow_ml.storage.databases.kinds import DatabaseKind

__all__ = ["read"]


def read(
    connection: Connection,
    kind: DatabaseKind,
    source: Source,
    *,
    timeout: float | None,
    limit: int | None,
    exact: bool,
    unlimited: pa.DataType,
    chunk_rows: int,
) -> Iterator[pa.RecordBatch]:
    """Yield what `Database.read` does, over a connection that is used for nothing else."""
    statement, parameters = _statement(connection, kind, source)
    session = kind.begin_reading(connection, timeout, is_read_only=not isinstance(source, Procedure))
    with _stopped_when_late(connection, kind, session):
        result = _execute(connection, statement, parameters, chunk_rows)
        cursor = result.cursor
        is_whole = False
        try:
            if not result.returns_rows:
                raise UserErrorException(f"{source}: returns no rows; expected something that selects")
            yield from _batches(
                result, kind, source, limit=limit, exact=exact, unlimited=unlimited, chunk_rows=chunk_rows
            )
            is_whole = limit is None
        finally:
            # A cut read is ended by closing the connection: the driver would first fetch what is left.
            if not is_whole:
                kind.abandon(cursor)
                connection.invalidate()
    if isinstance(source, Procedure):
        result.close()
        connection.commit()


@contextmanager
def _stopped_when_late(connection: Connection, kind: DatabaseKind, session: int | None) -> Iterator[None]:
    """Let no server go on with what was given up."""
    try:
        yield
    except DBAPIError as error:
        if session is not None and kind.failure(error).kind == "timeout":
            with suppress(SQLAlchemyError), connection.engine.connect() as other:
                kind.stop(other, session)
        raise


def _batches(
    result: CursorResult[Any],
    kind: DatabaseKind,
    source: Source,
    *,
    limit: int | None,
    exact: bool,
    unlimited: pa.DataType,
    chunk_rows: int,
) -> Iterator[pa.RecordBatch]:
    assert result.cursor is not None
    names, types = column_names(list(result.keys())), kind.types(result.cursor)
    portions = _portions(result, limit, chunk_rows)
    first = next(portions, [])
    schema = schema_of(names, types, first)
    schema = as_wanted(schema, exact=exact, unlimited=unlimited)
    for rows in chain((first,), portions):
        yield batch_of(rows, schema, source)


def _portions(result: CursorResult[Any], limit: int | None, chunk_rows: int) -> Iterator[list[Any]]:
    """Yield rows in portions of one size, so that equal rows give equal files; stop at the limit."""
    rows = result if limit is None else islice(result, limit)
    while portion := list(islice(rows, chunk_rows)):
        yield portion


def _execute(
    connection: Connection, statement: Executable | str, parameters: Mapping[str, object], chunk_rows: int
) -> CursorResult[Any]:
    options = {"stream_results": True, "max_row_buffer": chunk_rows}
    if isinstance(statement, str):
        # As it is: without parameters no driver looks for signs in it that would mean one.
        return connection.exec_driver_sql(statement, execution_options={**options, "no_parameters": True})
    return connection.execute(statement, dict(parameters), execution_options=options)


def _statement(
    connection: Connection, kind: DatabaseKind, source: Source
) -> tuple[Executable | str, Mapping[str, object]]:
    if isinstance(source, Table):
        return _select_all(connection, source), {}
    if isinstance(source, Procedure):
        statement = kind.call(connection, source)
        connection.rollback()  # looking it up has begun a transaction
        return statement
    if not source.parameters:
        return source.text, {}
    return _bound(source), source.parameters


def _select_all(connection: Connection, source: Table) -> Select[Any]:
    schema, name = table_name(source.name)
    inspector = inspect(connection)
    if not (inspector.has_table(name, schema=schema) or name in inspector.get_view_names(schema=schema)):
        raise DatasetNotFoundError(f"{source}: the database has no such table; correct the name")
    columns: list[ColumnClause[Any]] = [column(item["name"]) for item in inspector.get_columns(name, schema=schema)]
    key = inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]
    connection.rollback()  # looking it up has begun a transaction
    return select(*columns).select_from(table(name, schema=schema)).order_by(*map(column, key))


def _bound(source: Query) -> TextClause:
    statement = text(source.text)
    wanted, given = set(statement._bindparams), set(source.parameters)
    if wanted != given:
        raise UserErrorException(
            f"{source}: has places for the parameters {sorted(wanted)!r}, {sorted(given)!r} were given; give each of"
            " its own, and write a colon that begins none as '\\:'"
        )
    return statement
