"""
Airflow connections that datastores name instead of secrets: looked up where a task runs, never kept.

In a task Airflow is asked (`use_connections`, which operators call), so that its secrets backends and its own
database count. Everywhere else the environment is read: `AIRFLOW_CONN_<ID>`, as a URI or as JSON, the way Airflow
reads it (Airflow's "Managing connections").
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["Connection", "connection_named", "settings_with", "use_connections"]


@dataclass(frozen=True)
class Connection:
    """
    What an Airflow connection says.

    Attributes:
        extra: the fields of its extra, without the prefix `extra__wasb__` that older forms put before them.
    """

    id: str
    host: str = field(default="", repr=False)
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    schema: str = field(default="", repr=False)
    port: int | None = None
    extra: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, name: str, given: Mapping[str, object]) -> Connection:
        """Make one from its fields as Airflow calls them; `extra` may be JSON text."""
        extra: Any = given.get("extra") or {}
        if isinstance(extra, str):
            extra = json.loads(extra)
        fields = {str(key).rpartition("__")[2]: item for key, item in extra.items()}
        port = given.get("port")
        texts = {key: str(given.get(key) or "") for key in ("host", "login", "password", "schema")}
        return cls(name, port=None if port in (None, "") else int(str(port)), extra=fields, **texts)

    def text(self, *names: str) -> str:
        """Return the first of these fields of the extra that says something, or ""."""
        return next((str(self.extra[name]) for name in names if self.extra.get(name)), "")


def _from_environment(name: str) -> Connection | None:
    text = os.environ.get(f"AIRFLOW_CONN_{name.upper()}")
    if not text:
        return None
    try:
        return Connection.of(name, json.loads(text) if text.lstrip().startswith("{") else _of_uri(text))
    except (ValueError, TypeError, AttributeError):
        # Not chained: the error repeats the text, and that holds the secret.
        raise UserErrorException(
            f"connection {name!r}: AIRFLOW_CONN_{name.upper()} is neither a URI nor JSON as Airflow takes them; "
            "write it as `airflow connections get` shows it"
        ) from None


def _of_uri(text: str) -> dict[str, object]:
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError("a URI begins with the connection's type")
    extra: object = dict(parse_qsl(parts.query, keep_blank_values=True))
    if isinstance(extra, dict) and [*extra] == ["__extra__"]:
        extra = extra["__extra__"]
    return {
        "host": unquote(parts.hostname or ""),
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "schema": unquote(parts.path[1:]),
        "port": parts.port,
        "extra": extra,
    }


_look_up: Callable[[str], Connection | None] = _from_environment


def use_connections(look_up: Callable[[str], Connection | None]) -> None:
    """Have this process look connections up like this; None from it means that there is none of that id."""
    global _look_up
    _look_up = look_up


def connection_named(name: str, *, where: str) -> Connection:
    """
    Return a connection as it is now.

    Raises:
        UserErrorException: there is none of that id.
    """
    found = _look_up(name)
    if found is None:
        raise UserErrorException(
            f"{where}: Airflow connection {name!r} is not there; create it in Airflow, or set AIRFLOW_CONN_"
            f"{name.upper()} where the data is used"
        )
    return found


def settings_with(settings: Mapping[str, Json], connection: Connection) -> tuple[Mapping[str, Json], Mapping[str, str]]:
    """Return a datastore's settings completed by its connection, and the secrets; settings that say more win."""
    kind = settings.get("kind")
    found, secrets = _of_database(connection) if kind in _DATABASES else _of_storage(connection)
    stated = {key: value for key, value in settings.items() if value not in (None, "")}
    return {**found, **stated}, {name: value for name, value in secrets.items() if value}


_DATABASES = ("azure_sql", "mysql", "postgres")


def _of_database(connection: Connection) -> tuple[dict[str, Json], dict[str, str]]:
    """Read a connection of type `postgres`, `mysql` or `mssql`."""
    found: dict[str, Json] = {
        "server": connection.host,
        "database": connection.schema,
        "port": connection.port,
        "user": connection.login,
        "auth": "password",
    }
    tenant = connection.text("tenant_id")
    if tenant:
        found |= {"auth": "service_principal", "tenant_id": tenant, "client_id": connection.login}
        return found, {"client_secret": connection.password}
    return found, {"password": connection.password}


def _of_storage(connection: Connection) -> tuple[dict[str, Json], dict[str, str]]:
    """
    Read a connection of type `wasb` or `adls`, in the order in which the provider's hooks try what is in it.

    The account is the datastore's own; with a tenant the login is the client. A connection that holds nothing stands
    for the identity of the machine, as in those hooks.
    """
    text = connection.text("connection_string")
    if text:
        return {"auth": "connection_string"}, {"connection_string": text}
    tenant, token = connection.text("tenant_id"), connection.text("sas_token")
    key = connection.text("account_key", "shared_access_key")
    if token:
        return {"auth": "sas"}, {"sas_token": token}
    if tenant:
        who: dict[str, Json] = {"auth": "service_principal", "tenant_id": tenant, "client_id": connection.login}
        return who, {"client_secret": connection.password}
    if key or connection.password:
        return {"auth": "account_key"}, {"account_key": key or connection.password}
    return {"auth": "managed_identity", "client_id": connection.text("managed_identity_client_id")}, {}
