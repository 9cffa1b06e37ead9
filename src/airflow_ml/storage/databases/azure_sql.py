"""
Azure SQL, by pymssql with a password, by pyodbc with a service principal.

pymssql cannot log in with a token of Azure Active Directory; Microsoft's ODBC driver can. Neither was ever run against
a server by airflow-ml's own tests: SQL Server cannot be had among Debian's packages.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.databases.failures import Failure, FailureKind
from airflow_ml.storage.databases.kinds import CONNECT_SECONDS, Place, name_in_text
from airflow_ml.storage.databases.sources import Procedure, table_name

if TYPE_CHECKING:
    import pyarrow as pa
    from azure.core.credentials import TokenCredential
    from sqlalchemy import Connection, Executable
    from sqlalchemy.exc import DBAPIError

__all__ = ["AzureSqlKind", "AzureSqlTokenKind", "odbc_token"]

_ODBC_DRIVER = "ODBC Driver 18 for SQL Server"

#: SQL_COPT_SS_ACCESS_TOKEN of Microsoft's ODBC driver.
_ACCESS_TOKEN = 1256

_RESOURCE = "https://database.windows.net/"

#: By the numbers of SQL Server; from 20000 on those of FreeTDS.
_FAILURES: Mapping[int, FailureKind] = {
    207: "missing",
    208: "missing",
    229: "right",
    1205: "lost",
    2812: "missing",
    4060: "login",
    18456: "login",
    40197: "lost",
    40501: "lost",
    40613: "lost",
    49918: "lost",
    49919: "lost",
    49920: "lost",
}
_FREETDS = range(20000, 20100)
_FREETDS_TIMEOUT = 20003

#: Where pyodbc has the number: "... (208) (SQLExecDirectW)".
_ODBC_NUMBER = re.compile(r"\((\d+)\) \(SQL")


class AzureSqlKind:
    """How Azure SQL does things with a user and a password; see `DatabaseKind`."""

    title = "Azure SQL"
    driver = "mssql+pymssql"
    module = "pymssql"
    extra = "mssql"
    enforce_ssl = True

    def connect_options(self, place: Place, secrets: Mapping[str, str], timeout: float | None) -> dict[str, Any]:
        """Return pymssql's arguments; Azure SQL itself takes encrypted connections alone."""
        return {
            "server": place.server,
            "port": str(place.port or 1433),
            "database": place.database,
            "user": place.user,
            "password": secrets.get("password"),
            "timeout": 0 if timeout is None else max(1, round(timeout)),
            "login_timeout": CONNECT_SECONDS,
            "tds_version": "7.4",
            "charset": "UTF-8",
            "appname": "airflow-ml",
        }

    def engine_options(self) -> dict[str, Any]:
        """Nothing of its own."""
        return {}

    def begin_reading(self, connection: Connection, timeout: float | None, *, is_read_only: bool) -> int | None:
        """SQL Server has no transactions that only read; the limit is the connection's, which the driver tells it."""
        del connection, timeout, is_read_only
        return None

    def stop(self, connection: Connection, session: int) -> None:
        """Not needed: the drivers cancel what they give up."""

    def begin_writing(self, connection: Connection, _timeout: float | None) -> str | None:
        """Have the whole transaction end at the first error, and no value be cut."""
        connection.exec_driver_sql("SET XACT_ABORT ON")
        connection.exec_driver_sql("SET ANSI_WARNINGS ON")
        return None

    def is_committed(self, _connection: Connection, _transaction: str) -> bool | None:
        """Not asked: no transaction has a name."""
        return None

    def call(self, connection: Connection, procedure: Procedure) -> tuple[Executable | str, Mapping[str, object]]:
        """Run it with its parameters by name."""
        schema, name = table_name(procedure.name, what="stored procedure")
        place = name_in_text(connection, schema, name)
        given = {f"p{number}": item for number, item in enumerate(procedure.parameters)}
        names = [item.name.lstrip("@") for item in given.values()]
        for item in names:
            if not item.isidentifier():
                raise UserErrorException(f"{procedure}: {item!r} is no name of a parameter; correct it")
        listed = ", ".join(f"@{name} = :{key}" for name, key in zip(names, given, strict=True))
        return text(f"EXEC {place} {listed}".strip()), {key: item.bound() for key, item in given.items()}

    def types(self, cursor: Any) -> Sequence[pa.DataType | None]:
        """The driver names groups of types alone; the values tell the rest."""
        return [None] * len(cursor.description)

    def abandon(self, cursor: Any) -> None:
        """The driver lets go by itself."""

    def failure(self, error: DBAPIError) -> Failure:
        """By the error's number."""
        code, words = _code_and_words(error.orig)
        if code == _FREETDS_TIMEOUT or "timeout" in words.lower():
            return Failure("timeout", words)
        if code in _FREETDS or error.connection_invalidated:
            return Failure("lost", words)
        name = type(error.orig).__name__
        otherwise: FailureKind = "data" if name in ("DataError", "IntegrityError") else "statement"
        return Failure(_FAILURES.get(code, otherwise), words)


class AzureSqlTokenKind(AzureSqlKind):
    """How Azure SQL does things with a service principal or a managed identity."""

    driver = "mssql+pyodbc"
    module = "pyodbc"

    def connect_options(self, place: Place, secrets: Mapping[str, str], _timeout: float | None) -> dict[str, Any]:
        """Return pyodbc's arguments, with a token that Azure Active Directory has just given."""
        token = _credential(place, secrets).get_token(f"{(place.resource_url or _RESOURCE).rstrip('/')}/.default").token
        # With a token the driver takes neither a user nor a word about how to sign in.
        return {
            "driver": f"{{{_ODBC_DRIVER}}}",
            "server": f"tcp:{place.server},{place.port or 1433}",
            "database": "{" + place.database.replace("}", "}}") + "}",
            "encrypt": "yes",
            "app": "airflow-ml",
            "timeout": CONNECT_SECONDS,
            "attrs_before": {_ACCESS_TOKEN: odbc_token(token)},
        }

    def engine_options(self) -> dict[str, Any]:
        """Send many rows at once."""
        return {"fast_executemany": True}

    def begin_reading(self, connection: Connection, timeout: float | None, *, is_read_only: bool) -> int | None:
        """Set pyodbc's limit, which is the connection's."""
        del is_read_only
        raw: Any = connection.connection.dbapi_connection
        raw.timeout = 0 if timeout is None else max(1, round(timeout))
        return None


def _credential(place: Place, secrets: Mapping[str, str]) -> TokenCredential:
    from azure.identity import ClientSecretCredential, ManagedIdentityCredential

    if place.auth == "managed_identity":
        return ManagedIdentityCredential(client_id=place.client_id)
    missing = [name for name in ("tenant_id", "client_id") if not getattr(place, name)]
    if missing or not secrets.get("client_secret"):
        raise UserErrorException(
            f"database {place.database!r} on {place.server!r}: a service principal needs tenant_id, client_id and"
            f" client_secret; {(missing or ['client_secret'])[0]} is not there: register the datastore again"
        )
    # Another authority than Microsoft's own is taken at its word.
    more = {} if place.authority_url is None else {"authority": place.authority_url, "disable_instance_discovery": True}
    return ClientSecretCredential(str(place.tenant_id), str(place.client_id), secrets["client_secret"], **more)


def odbc_token(token: str) -> bytes:
    """Return a token as the ODBC driver takes it: two bytes for each sign, behind their number."""
    content = token.encode("utf-16-le")
    return struct.pack(f"<I{len(content)}s", len(content), content)


def _code_and_words(cause: BaseException | None) -> tuple[int, str]:
    """Return number and text of an error of either driver."""
    arguments: tuple[object, ...] = getattr(cause, "args", ())
    first = arguments[0] if arguments else ""
    if isinstance(first, tuple) and first:  # pymssql: ((number, bytes), ...)
        arguments, first = first, first[0]
    words = arguments[1] if len(arguments) > 1 else str(cause)
    words = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    if isinstance(first, int):
        return first, words
    number = _ODBC_NUMBER.search(words)
    return int(number[1]) if number else 0, words
