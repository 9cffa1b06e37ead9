"""One database of a workspace: reading it in portions, exporting what was read, appending a file to a table."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import (
    AuthenticationException,
    AzureMLException,
    NotSupportedError,
    RunEnvironmentException,
    ServiceException,
    UserErrorException,
)
from airflow_ml.storage.databases.failures import database_errors, without_secrets
from airflow_ml.storage.databases.kinds import DatabaseKind, Place
from airflow_ml.storage.databases.sources import Exported, Source, TableFormat
from airflow_ml.storage.files import hash_file, replacing, storage_errors

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Engine

    from airflow_ml.graph.model import Json
    from airflow_ml.storage.factory import StoreContext

__all__ = ["Database", "open_database"]

#: Rows that are in memory at once, and in one row group of a parquet file.
CHUNK_ROWS = 10_000


def _ignore(_rows: int) -> None:
    """Tell nobody."""


class Database:
    """
    A database that a workspace knows as a datastore; safe for several threads.

    Each call has a connection of its own, and nothing is connected before the first one.

    All calls raise `UserErrorException` for what the caller can correct (a wrong password, a statement, a value),
    `DatasetNotFoundError` for a table or column that is not there, and `ServiceException` when the server cannot be
    reached, goes away, or takes too long. No text holds a secret.
    """

    def __init__(self, place: Place, kind: DatabaseKind, context: StoreContext) -> None:
        self.name = context.name
        self._place = place
        self._kind = kind
        self._credentials = context.credentials

    @property
    def identity(self) -> str:
        """Text that tells this database from every other one; holds no secret."""
        place = self._place
        port = "" if place.port is None else f":{place.port}"
        return f"{self._kind.driver.partition('+')[0]}://{place.server}{port}/{place.database}"

    def check(self) -> None:
        """Connect once: what registration does to validate its settings."""
        with self._connection("connecting"):
            pass

    def read(
        self, source: Source, *, timeout: float | None = None, limit: int | None = None, exact: bool = True
    ) -> Iterator[pa.RecordBatch]:
        """
        Yield rows in batches, at least one, as they come from the server; memory does not grow with their number.

        A table or a query is read in a transaction that cannot write, and that sees one state of the data.

        Args:
            timeout: seconds that the server may take for the next rows; None waits for ever.
            limit: read no more than so many rows.
            exact: keep decimals and dates; otherwise they become doubles and times, as in v1's tables.
        """
        import pyarrow as pa

        yield from self._read(source, pa.float64(), timeout=timeout, limit=limit, exact=exact)

    def _read(
        self, source: Source, unlimited: pa.DataType, *, timeout: float | None, limit: int | None, exact: bool
    ) -> Iterator[pa.RecordBatch]:
        """Do `read` with another type for numbers without limits."""
        from airflow_ml.storage.databases import reading

        where = f"datastore {self.name!r}: {source}"
        with self._connection(where, timeout=timeout) as connection:
            yield from reading.read(
                connection,
                self._kind,
                source,
                timeout=timeout,
                limit=limit,
                exact=exact,
                unlimited=unlimited,
                chunk_rows=CHUNK_ROWS,
            )

    def export(
        self,
        source: Source,
        target: Path,
        format_: TableFormat,
        *,
        timeout: float | None = None,
        limit: int | None = None,
        exact: bool = True,
        progress: Callable[[int], None] = _ignore,
    ) -> Exported:
        """
        Write rows to a local file, which is there whole or not at all.

        A delimited file is UTF-8 text with commas and a line of names; what is missing is empty, empty text is `""`;
        bytes are `0x` and hexadecimal digits.

        Args:
            timeout, limit, exact: as in `read`.
            progress: told the number of rows so far.
        """
        import pyarrow as pa

        from airflow_ml.storage.databases.table_files import writer

        # As text such numbers are exact; a column of text would be no use in parquet.
        unlimited = pa.string() if exact and format_ == "delimited" else pa.float64()
        batches = self._read(source, unlimited, timeout=timeout, limit=limit, exact=exact)
        rows, columns = 0, tuple[str, ...]()
        with storage_errors(f"export of {source} to {target.name!r}", target.parent), replacing(target) as stream:
            file = None
            try:
                for batch in batches:
                    if file is None:
                        file, columns = writer(format_, stream, batch.schema), tuple(batch.schema.names)
                    file.write(batch)
                    rows += batch.num_rows
                    progress(rows)
            finally:
                batches.close()  # type: ignore[attr-defined]
                if file is not None:
                    file.close()
        size, digest = hash_file(target)
        return Exported(rows, columns, size, digest)

    def append(
        self,
        table: str,
        source: Path,
        format_: TableFormat,
        *,
        timeout: float | None = None,
        progress: Callable[[int], None] = _ignore,
    ) -> int:
        """
        Add the rows of a local file to a table that is there, in one transaction: all of them, or none.

        The file's columns must be the table's, in any order; columns that the database fills by itself may be missing.

        Args:
            timeout: seconds that the server may take for one statement.
            progress: told the number of rows sent so far, of which none is there before the end.

        Returns:
            The number of rows.

        Raises:
            UserErrorException: the header or a value does not fit. Also if the connection broke in the very moment of
                the commit, where nobody can tell whether the rows are there: trying again might add them twice.
        """
        from airflow_ml.storage.databases import appending
        from airflow_ml.storage.databases.table_files import open_rows

        rows = 0
        where = f"datastore {self.name!r}: table {table!r}"
        with self._connection(where, timeout=timeout) as connection, open_rows(source, format_) as (header, batches):
            transaction = self._kind.begin_writing(connection, timeout)
            target = appending.target_of(connection, table, header, file=source.name)
            for part in appending.typed_rows(target, batches, file=source.name):
                if part:
                    connection.execute(target.statement, part)
                rows += len(part)
                progress(rows)
            self._commit(connection, transaction, where)
        return rows

    def count(self, table: str, *, settled: bool = False) -> int:
        """
        Return how many rows a table has now.

        Args:
            settled: wait for transactions that are adding rows: a server may be about to commit for a client that has
                died. Without the right to lock the table (PostgreSQL) it is counted as it is.

        Raises:
            DatasetNotFoundError: there is no such table.
        """
        from sqlalchemy import func, select
        from sqlalchemy import table as table_clause
        from sqlalchemy.exc import ProgrammingError

        from airflow_ml.storage.databases.sources import table_name

        schema, name = table_name(table)
        target = table_clause(name, schema=schema)
        counted = select(func.count()).select_from(target)
        with self._connection(f"datastore {self.name!r}: table {table!r}") as connection:
            if settled and connection.dialect.name == "postgresql":
                quoted = connection.dialect.identifier_preparer.format_table(target)
                with suppress(ProgrammingError), connection.begin_nested():
                    connection.exec_driver_sql(f"LOCK TABLE {quoted} IN SHARE MODE")
            elif settled and connection.dialect.name in ("mysql", "mariadb"):
                counted = counted.with_for_update(read=True)
            return int(connection.execute(counted).scalar_one())

    def _commit(self, connection: Connection, transaction: str | None, where: str) -> None:
        from sqlalchemy.exc import DBAPIError

        try:
            connection.commit()
        except DBAPIError as error:
            failure = self._kind.failure(error)
            if failure.kind not in ("lost", "timeout"):
                raise
            if (committed := self._is_committed(transaction, where)) is not None:
                if committed:
                    return
                raise
            text = without_secrets(" ".join(failure.text.split()), self._credentials())
            raise UserErrorException(
                f"{where}: the connection broke while the rows were committed ({text}), so nobody can tell whether they"
                " are there; look into the table before this is tried again"
            ) from None

    def _is_committed(self, transaction: str | None, where: str) -> bool | None:
        """Ask over another connection what became of a transaction; None if nobody can tell."""
        if transaction is None:
            return None
        with suppress(AzureMLException), self._connection(where) as connection:
            return self._kind.is_committed(connection, transaction)
        return None

    @contextmanager
    def _connection(self, where: str, *, timeout: float | None = None) -> Iterator[Connection]:
        self._check_driver()
        with database_errors(where, self._kind.failure, self._credentials, timeout=timeout):
            engine = self._engine(timeout)
            try:
                with engine.connect() as connection:
                    yield connection
            finally:
                engine.dispose()

    def _engine(self, timeout: float | None) -> Engine:
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        engine = create_engine(f"{self._kind.driver}://", poolclass=NullPool, **self._kind.engine_options())

        # Secrets are asked for when a connection is made, and are in no URL and no attribute.
        @event.listens_for(engine, "do_connect")
        def connect(_dialect: object, _record: object, args: list[Any], options: dict[str, Any]) -> None:
            args.clear()
            options.clear()
            options.update(self._options(timeout))

        return engine

    def _options(self, timeout: float | None) -> dict[str, Any]:
        secrets = self._credentials()
        try:
            options = self._kind.connect_options(self._place, secrets, timeout)
        except (ImportError, UserErrorException):
            raise
        except Exception as error:  # noqa: BLE001 - azure-identity's own, whose classes differ by what failed
            text = without_secrets(" ".join(str(error).split()), secrets)
            if type(error).__name__ == "ClientAuthenticationError":
                raise AuthenticationException(
                    f"datastore {self.name!r}: its identity was refused: {text}; register the datastore with the right"
                    " tenant_id, client_id and client_secret"
                ) from None
            raise ServiceException(f"datastore {self.name!r}: no token for the database: {text}") from None
        return {key: value for key, value in options.items() if value is not None}

    def _check_driver(self) -> None:
        for module, extra in ((self._kind.module, self._kind.extra), ("pyarrow", self._kind.extra)):
            if importlib.util.find_spec(module) is None:
                raise RunEnvironmentException(
                    f"datastore {self.name!r}: {self._kind.title} needs the package {module}, which is not installed;"
                    f" pip install 'airflow-ml[{extra}]' where tasks run"
                )


def open_database(settings: Mapping[str, Json], context: StoreContext) -> Database:
    """
    Open the database that a datastore's settings describe; touches no network.

    Args:
        settings: `kind` (`postgres`, `mysql`, `azure_sql`), `server`, `database`, and as needed `port`, `user`, `auth`
            (`password`, or for Azure SQL `managed_identity` and `service_principal` with `tenant_id`, `client_id`,
            `authority_url`, `resource_url`),
            `enforce_ssl`, `endpoint` (what completes a server's bare name).
        context: its name, and its secrets `password` and `client_secret`.

    Raises:
        NotSupportedError: another kind.
        UserErrorException: settings that name no server or database.
    """
    kind = _kind_of(str(settings.get("kind")), str(settings.get("auth") or "password"), context)
    return Database(Place.of(context.name, settings, enforce_ssl=kind.enforce_ssl), kind, context)


def _kind_of(name: str, auth: str, context: StoreContext) -> DatabaseKind:
    if name == "postgres":
        from airflow_ml.storage.databases.postgres import PostgresKind

        return PostgresKind()
    if name == "mysql":
        from airflow_ml.storage.databases.mysql import MySqlKind

        return MySqlKind()
    if name == "azure_sql":
        from airflow_ml.storage.databases.azure_sql import AzureSqlKind, AzureSqlTokenKind

        return AzureSqlKind() if auth == "password" else AzureSqlTokenKind()
    raise NotSupportedError(
        f"datastore {context.name!r}: kind {name!r} is no database; tables, queries and stored procedures are read from"
        " 'azure_sql', 'mysql' and 'postgres'"
    )
