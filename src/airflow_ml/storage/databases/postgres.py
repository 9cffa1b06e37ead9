"""PostgreSQL, by psycopg2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.storage.databases.failures import Failure, FailureKind
from airflow_ml.storage.databases.kinds import CONNECT_SECONDS, Place, name_in_text
from airflow_ml.storage.databases.sources import Procedure, table_name

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Executable
    from sqlalchemy.exc import DBAPIError

__all__ = ["PostgresKind"]

#: By SQLSTATE, or its first two signs.
_FAILURES: Mapping[str, FailureKind] = {
    "08": "lost",
    "22": "data",
    "23": "data",
    "28": "login",
    "3D": "missing",
    "3F": "missing",
    "40": "lost",
    "53": "lost",
    "57": "lost",
    "57014": "timeout",
    "58": "lost",
    "XX": "lost",
    "42501": "right",
    "42P01": "missing",
    "42703": "missing",
    "42883": "missing",
}

_LOGIN = ("authentication failed", "no password supplied", "pg_hba.conf", "role ")

#: The type's number in PostgreSQL's catalogue.
_INTERVAL = 1186

#: Digits that a Decimal column of Arrow can hold.
_DIGITS = 76

#: How often a transaction is looked at that the server still works on, a tenth of a second apart.
_LOOKS = 100


class PostgresKind:
    """How PostgreSQL does things; see `DatabaseKind`."""

    title = "PostgreSQL"
    driver = "postgresql+psycopg2"
    module = "psycopg2"
    extra = "postgres"
    enforce_ssl = True

    def connect_options(self, place: Place, secrets: Mapping[str, str], _timeout: float | None) -> dict[str, Any]:
        """Return psycopg2's arguments; a server that vanished is noticed within two minutes."""
        return {
            "host": place.server,
            "port": place.port or 5432,
            "dbname": place.database,
            "user": place.user,
            "password": secrets.get("password"),
            # libpq's word for "encrypted or not at all"; who the server is, is not checked, as in v1.
            "sslmode": "require" if place.enforce_ssl else "prefer",
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "airflow-ml",
            "keepalives_idle": 30,
            "keepalives_interval": 15,
            "keepalives_count": 6,
            "tcp_user_timeout": 120_000,
        }

    def engine_options(self) -> dict[str, Any]:
        """Leave JSON as the text that the database gives."""
        return {"json_deserializer": str}

    def begin_reading(self, connection: Connection, timeout: float | None, *, is_read_only: bool) -> int | None:
        """The limit holds for each portion of rows, as that of v1's driver does."""
        if is_read_only:
            connection.execute(text("SET TRANSACTION READ ONLY"))
        _limit(connection, timeout)
        _leave_intervals(connection)
        return None

    def stop(self, connection: Connection, session: int) -> None:
        """Not needed: the server gives up by itself."""

    def begin_writing(self, connection: Connection, timeout: float | None) -> str | None:
        """PostgreSQL changes no value to fit, and remembers what became of a transaction."""
        _limit(connection, timeout)
        return str(connection.execute(text("SELECT txid_current()")).scalar_one())

    def is_committed(self, connection: Connection, transaction: str) -> bool | None:
        """Ask; the server may need a moment to notice that a connection is gone."""
        query = text("SELECT txid_status(CAST(:id AS bigint))")
        for _ in range(_LOOKS):
            status = connection.execute(query, {"id": transaction}).scalar()
            if status != "in progress":
                return None if status is None else status == "committed"
            connection.execute(text("SELECT pg_sleep(0.1)"))
        return None

    def call(self, connection: Connection, procedure: Procedure) -> tuple[Executable | str, Mapping[str, object]]:
        """Read from a function that returns rows: PostgreSQL's procedures return none."""
        schema, name = table_name(procedure.name, what="stored procedure")
        found = connection.execute(
            text(
                "SELECT p.prokind FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
                " WHERE p.proname = :name"
                " AND (n.nspname = :schema OR (:schema IS NULL AND pg_function_is_visible(p.oid)))"
            ),
            {"name": name, "schema": schema},
        ).scalars()
        kinds = {str(kind) for kind in found}
        if not kinds:
            raise DatasetNotFoundError(f"{procedure}: the database has no such function; correct the name")
        if kinds == {"p"}:
            raise UserErrorException(
                f"{procedure}: in PostgreSQL a procedure returns no rows; make it a function that RETURNS TABLE"
            )
        place = name_in_text(connection, schema, name)
        given = {f"p{number}": item for number, item in enumerate(procedure.parameters)}
        listed = ", ".join(f"{name_in_text(connection, item.name)} => :{key}" for key, item in given.items())
        # Names alone are part of the text, quoted by SQLAlchemy; values are bound.
        statement = f"SELECT * FROM {place}({listed})"  # noqa: S608
        return text(statement), {key: item.bound() for key, item in given.items()}

    def types(self, cursor: Any) -> Sequence[pa.DataType | None]:
        """By the types' numbers in PostgreSQL's catalogue; what is not among them is text."""
        import pyarrow as pa

        known = {
            16: pa.bool_(),
            17: pa.binary(),
            20: pa.int64(),
            21: pa.int64(),
            23: pa.int64(),
            26: pa.int64(),
            700: pa.float64(),
            701: pa.float64(),
            1082: pa.date32(),
            1083: pa.time64("us"),
            1114: pa.timestamp("us"),
            1184: pa.timestamp("us", tz="UTC"),
        }
        return [
            _decimal(column.precision, column.scale)
            if column.type_code == 1700
            else known.get(column.type_code, pa.string())
            for column in cursor.description
        ]

    def abandon(self, cursor: Any) -> None:
        """The driver lets go by itself."""

    def failure(self, error: DBAPIError) -> Failure:
        """By SQLSTATE; of the server's words the first line, because the others can hold values of whole rows."""
        import psycopg2

        cause = error.orig
        code = getattr(cause, "pgcode", None)
        if code is None:
            words = str(cause)
            is_lost = isinstance(cause, (psycopg2.OperationalError, psycopg2.InterfaceError))
            if is_lost and any(sign in words for sign in _LOGIN):
                return Failure("login", words)
            if is_lost and "does not exist" in words:
                return Failure("missing", words)
            is_lost = is_lost or error.connection_invalidated
            return Failure("lost" if is_lost else "data", words)
        primary = getattr(getattr(cause, "diag", None), "message_primary", None)
        kind = _FAILURES.get(code) or _FAILURES.get(code[:2]) or "statement"
        return Failure(kind, str(primary or cause))


def _limit(connection: Connection, timeout: float | None) -> None:
    limit = "0" if timeout is None else str(max(1, round(timeout * 1000)))
    connection.execute(text("SELECT set_config('statement_timeout', :limit, true)"), {"limit": limit})


def _leave_intervals(connection: Connection) -> None:
    """Have intervals be the server's text: as durations they would lose their months."""
    import psycopg2.extensions

    as_text = psycopg2.extensions.new_type((_INTERVAL,), "interval", lambda value, _cursor: value)
    psycopg2.extensions.register_type(as_text, connection.connection.dbapi_connection)


def _decimal(precision: int | None, scale: int | None) -> pa.DataType:
    import pyarrow as pa

    from airflow_ml.storage.databases.rows import UNLIMITED

    if precision is None or scale is None or not 0 < precision <= _DIGITS or not 0 <= scale <= precision:
        return UNLIMITED
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
