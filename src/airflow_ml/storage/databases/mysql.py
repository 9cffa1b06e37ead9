"""MySQL and MariaDB, by PyMySQL."""

from __future__ import annotations

import socket
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

__all__ = ["MySqlKind"]

#: By the numbers of server and client errors.
_FAILURES: Mapping[int, FailureKind] = {
    1040: "lost",
    1044: "right",
    1045: "login",
    1049: "missing",
    1053: "lost",
    1054: "missing",
    1142: "right",
    1143: "right",
    1146: "missing",
    1205: "lost",
    1213: "lost",
    1305: "missing",
    1317: "timeout",
    1698: "login",
    1927: "lost",
    1969: "timeout",
    3024: "timeout",
    3159: "login",
}

#: Client errors: no connection, or none any more.
_CLIENT = range(2000, 3000)

#: MySQL's own strictness; without it a value that does not fit is cut, or becomes 0.
_STRICT = "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"

#: Numbers of types in MySQL's protocol.
_INTEGERS, _FLOATS, _DECIMALS = (1, 2, 3, 8, 9, 13), (4, 5), (0, 246)
_TIMES, _DATES = (7, 12), (10, 14)
_BIT, _UNSIGNED, _BINARY = 16, 32, 63

#: Digits that a Decimal column of Arrow can hold.
_DIGITS = 76


class MySqlKind:
    """How MySQL and MariaDB do things; see `DatabaseKind`."""

    title = "MySQL"
    driver = "mysql+pymysql"
    module = "pymysql"
    extra = "mysql"
    enforce_ssl = False

    def connect_options(self, place: Place, secrets: Mapping[str, str], timeout: float | None) -> dict[str, Any]:
        """
        Return PyMySQL's arguments; the time limit is that of one answer's next bytes.

        PyMySQL encrypts where the server can, and goes on without where it cannot, unless it is enforced.
        """
        from pymysql import constants, converters

        # Times are durations in MySQL: as text they are what the server says.
        conversions = {key: way for key, way in converters.conversions.items() if key != constants.FIELD_TYPE.TIME}
        options: dict[str, Any] = {
            "user": place.user,
            "password": secrets.get("password") or "",
            "database": place.database,
            "charset": "utf8mb4",
            "conv": conversions,
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": timeout,
        }
        if place.enforce_ssl:
            import ssl

            # Encrypted or not at all; who the server is, is not checked, as in v1.
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            options["ssl"] = context
        if place.server.startswith("/"):
            return {**options, "unix_socket": place.server}
        return {**options, "host": place.server, "port": place.port or 3306}

    def engine_options(self) -> dict[str, Any]:
        """Nothing of its own."""
        return {}

    def begin_reading(self, connection: Connection, _timeout: float | None, *, is_read_only: bool) -> int | None:
        """Begin anew, because the transaction that SQLAlchemy took for granted has not begun for the server."""
        if is_read_only:
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            connection.rollback()
        return _session(connection)

    def stop(self, connection: Connection, session: int) -> None:
        """The server would go on until it has something to send."""
        connection.execute(text("KILL :session"), {"session": session})

    def begin_writing(self, connection: Connection, _timeout: float | None) -> str | None:
        """Have the server refuse values that do not fit; what became of a transaction it does not remember."""
        connection.execute(text("SET SESSION sql_mode = :mode"), {"mode": _STRICT})
        _session(connection)
        return None

    def is_committed(self, _connection: Connection, _transaction: str) -> bool | None:
        """Not asked: no transaction has a name."""
        return None

    def call(self, connection: Connection, procedure: Procedure) -> tuple[Executable | str, Mapping[str, object]]:
        """Put the parameters into the procedure's own order: MySQL knows them by that alone."""
        schema, name = table_name(procedure.name, what="stored procedure")
        rows = connection.execute(
            text(
                "SELECT r.routine_name, p.parameter_name FROM information_schema.routines r"
                " LEFT JOIN information_schema.parameters p ON p.specific_schema = r.routine_schema"
                " AND p.specific_name = r.specific_name AND p.parameter_mode IS NOT NULL"
                " WHERE r.routine_type = 'PROCEDURE' AND r.routine_schema = coalesce(:schema, database())"
                " AND r.routine_name = :name ORDER BY p.ordinal_position"
            ),
            {"schema": schema, "name": name},
        ).all()
        if not rows:
            raise DatasetNotFoundError(f"{procedure}: the database has no such procedure; correct the name")
        wanted = [row[1] for row in rows if row[1] is not None]
        given = {item.name.lstrip("@").lower(): item for item in procedure.parameters}
        if sorted(given) != sorted(name.lower() for name in wanted):
            raise UserErrorException(
                f"{procedure}: has the parameters {wanted!r}, {[item.name for item in procedure.parameters]!r} were"
                " given; give each of its own"
            )
        place = name_in_text(connection, schema, name)
        values = {f"p{number}": given[name.lower()].bound() for number, name in enumerate(wanted)}
        return text(f"CALL {place}({', '.join(f':{key}' for key in values)})"), values

    def types(self, cursor: Any) -> Sequence[pa.DataType | None]:
        """By the columns that the server described; PyMySQL keeps signs and character sets in its result alone."""
        return [_type(field) for field in cursor._result.fields]

    def abandon(self, cursor: Any) -> None:
        """PyMySQL reads a result to its end before it lets go of it, however long that is."""
        result = getattr(cursor, "_result", None)
        if result is not None:
            result.unbuffered_active = False

    def failure(self, error: DBAPIError) -> Failure:
        """By the error's number."""
        cause = error.orig
        arguments: tuple[object, ...] = getattr(cause, "args", ())
        code = arguments[0] if arguments and isinstance(arguments[0], int) else 0
        words = str(arguments[1]) if len(arguments) > 1 else str(cause)
        if code == 2013 and "timed out" in words:
            return Failure("timeout", words)
        if code in _CLIENT or (code == 0 and error.connection_invalidated):
            return Failure("lost", words)
        name = type(cause).__name__
        otherwise: FailureKind = "data" if name in ("DataError", "IntegrityError") else "statement"
        return Failure(_FAILURES.get(code, otherwise), words)


def _session(connection: Connection) -> int:
    """Have the kernel notice within two minutes that the server vanished, and return the connection's number."""
    raw: Any = connection.connection.dbapi_connection
    if raw._sock.family in (socket.AF_INET, socket.AF_INET6):
        for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 6)):
            if hasattr(socket, option):  # not everywhere under these names
                raw._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return int(raw.thread_id())


def _type(field: Any) -> pa.DataType:
    import pyarrow as pa

    code = field.type_code
    if code in _INTEGERS:
        return pa.uint64() if field.flags & _UNSIGNED else pa.int64()
    if code in _DECIMALS:
        return _decimal(field)
    for codes, type_ in (
        (_FLOATS, pa.float64()),
        (_TIMES, pa.timestamp("us")),
        (_DATES, pa.date32()),
        ((_BIT,), pa.binary()),
    ):
        if code in codes:
            return type_
    return pa.binary() if field.charsetnr == _BINARY and _is_bytes(code) else pa.string()


def _is_bytes(code: int) -> bool:
    return 249 <= code <= 255  # blobs and strings; times and JSON have the binary character set too


def _decimal(field: Any) -> pa.DataType:
    """Return a type that surely holds the column: its length is that of the longest text, sign and point included."""
    import pyarrow as pa

    precision = min(max(field.length - (1 if field.scale else 0), field.scale, 1), _DIGITS)
    return pa.decimal128(precision, field.scale) if precision <= 38 else pa.decimal256(precision, field.scale)
