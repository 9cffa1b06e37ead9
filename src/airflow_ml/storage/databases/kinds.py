"""What the kinds of databases differ in, and how their settings become a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Executable
    from sqlalchemy.exc import DBAPIError

    from airflow_ml.graph.model import Json
    from airflow_ml.storage.databases.failures import Failure
    from airflow_ml.storage.databases.sources import Procedure

__all__ = ["CONNECT_SECONDS", "DatabaseKind", "Place", "name_in_text"]

#: Seconds that a server has to take a connection.
CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Place:
    """
    Where a database is and who reads it; holds no secret.

    Attributes:
        server: a host's name or address; a path that begins with `/` is a socket of this machine.
        auth: `password`; for Azure SQL also `service_principal` and `managed_identity`.
    """

    server: str
    database: str
    port: int | None
    user: str | None
    auth: str
    enforce_ssl: bool
    tenant_id: str | None = None
    client_id: str | None = None
    authority_url: str | None = None
    resource_url: str | None = None

    @classmethod
    def of(cls, name: str, settings: Mapping[str, Json], *, enforce_ssl: bool) -> Place:
        """
        Read a datastore's settings.

        Args:
            name: of the datastore, for errors.
            enforce_ssl: what holds where the settings say nothing.
        """
        missing = [key for key in ("server", "database") if not settings.get(key)]
        if missing:
            raise UserErrorException(f"datastore {name!r}: its settings name no {missing[0]}; register it again")
        server, endpoint = str(settings["server"]), settings.get("endpoint")
        if endpoint and not server.startswith("/") and "." not in server:
            server = f"{server}.{endpoint}"
        port = settings.get("port")
        try:
            number = None if port in (None, "") else int(str(port))
        except ValueError as error:
            raise UserErrorException(f"datastore {name!r}: port {port!r} is no number; register it again") from error
        enforced = settings.get("enforce_ssl")
        texts = {key: _text(settings.get(key)) for key in _TEXTS}
        return cls(
            server=server,
            database=str(settings["database"]),
            port=number,
            auth=str(settings.get("auth") or "password"),
            enforce_ssl=enforce_ssl if enforced in (None, "") else str(enforced).lower() == "true",
            **texts,
        )


_TEXTS = ("user", "tenant_id", "client_id", "authority_url", "resource_url")


def _text(value: Json) -> str | None:
    return None if value in (None, "") else str(value)


def name_in_text(connection: Connection, *parts: str | None) -> str:
    """Return a quoted name as SQLAlchemy's `text` takes it, in which colons and percent signs mean themselves."""
    quote = connection.dialect.identifier_preparer.quote
    quoted = [quote(part).replace("%%", "%").replace(":", "\\:") for part in parts if part is not None]
    return ".".join(quoted)


class DatabaseKind(Protocol):
    """One kind of database: its driver, and what it does in ways of its own."""

    #: For people.
    title: str
    #: SQLAlchemy's name of dialect and driver.
    driver: str
    #: The module that must be there, and the extra of airflow-ml that brings it.
    module: str
    extra: str
    #: Whether connections are encrypted where the settings say nothing.
    enforce_ssl: bool

    def connect_options(self, place: Place, secrets: Mapping[str, str], timeout: float | None) -> dict[str, Any]:
        """Return the driver's arguments of a connection, secrets included."""
        ...

    def engine_options(self) -> dict[str, Any]:
        """Return what SQLAlchemy's engine needs."""
        ...

    def begin_reading(self, connection: Connection, timeout: float | None, *, is_read_only: bool) -> int | None:
        """
        Prepare a transaction for a read that is given up after so many seconds.

        Returns:
            What `stop` needs; None where the server gives up by itself.
        """
        ...

    def stop(self, connection: Connection, session: int) -> None:
        """Over another connection, have the server end what it does for a client that has given up."""
        ...

    def begin_writing(self, connection: Connection, timeout: float | None) -> str | None:
        """Prepare a transaction in which no value is changed to fit; return its name, if the server will know it."""
        ...

    def is_committed(self, connection: Connection, transaction: str) -> bool | None:
        """Tell what became of a transaction; None if the server does not know."""
        ...

    def call(self, connection: Connection, procedure: Procedure) -> tuple[Executable | str, Mapping[str, object]]:
        """Return the statement that runs a stored procedure, and its parameters."""
        ...

    def types(self, cursor: Any) -> Sequence[pa.DataType | None]:
        """Return the Arrow types of a result's columns; None where the driver does not tell."""
        ...

    def abandon(self, cursor: Any) -> None:
        """Have the driver not fetch what is left of a result whose connection is about to be closed."""
        ...

    def failure(self, error: DBAPIError) -> Failure:
        """Say what kind of failure the server reports."""
        ...
