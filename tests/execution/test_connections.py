"""Airflow connections of the environment, and what each type of them means for a datastore."""

from __future__ import annotations

import json

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.connections import Connection, connection_named, settings_with

BLOB = {"kind": "azure_blob", "account": "acc", "container": "c", "connection": "x"}
DATABASE = {"kind": "postgres", "server": "", "database": "d", "connection": "x"}


@pytest.mark.parametrize(
    "text",
    [
        "postgres://us%40er:p%2Fw@host.example:5433/base?sslmode=require",
        json.dumps(
            {
                "conn_type": "postgres",
                "host": "host.example",
                "login": "us@er",
                "password": "p/w",
                "schema": "base",
                "port": "5433",
                "extra": {"sslmode": "require"},
            }
        ),
        "postgres://us%40er:p%2Fw@host.example:5433/base?__extra__=%7B%22sslmode%22%3A+%22require%22%7D",
    ],
)
def test_connection_is_read_as_airflow_reads_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A URI and JSON in the environment say the same; Airflow's own URI form of a nested extra too."""
    monkeypatch.setenv("AIRFLOW_CONN_MY_DB", text)

    found = connection_named("my_db", where="datastore 'd'")

    expected = {"host": "host.example", "login": "us@er", "password": "p/w", "schema": "base", "port": 5433}
    assert found == Connection("my_db", **expected, extra={"sslmode": "require"})
    assert "p/w" not in repr(found)


@pytest.mark.parametrize("text", ["{broken SECRET", '{"extra": "SECRET"}', "x://h:SECRET/", '["SECRET"]'])
def test_broken_connection_is_not_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A connection that cannot be read is an error without its text, which holds the secret."""
    monkeypatch.setenv("AIRFLOW_CONN_X", text)

    with pytest.raises(UserErrorException, match="neither a URI nor JSON") as raised:
        connection_named("x", where="d")
    assert "SECRET" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_missing_connection_is_named() -> None:
    """The error says whose it is and where it can be put."""
    with pytest.raises(UserErrorException, match="datastore 'lake': Airflow connection 'nowhere' is not there"):
        connection_named("nowhere", where="datastore 'lake'")


@pytest.mark.parametrize(
    ("fields", "settings", "secrets"),
    [
        ({"login": "acc", "password": "k"}, {"auth": "account_key"}, {"account_key": "k"}),
        ({"extra": {"account_key": "k"}}, {"auth": "account_key"}, {"account_key": "k"}),
        ({"extra": '{"extra__wasb__sas_token": "s"}'}, {"auth": "sas"}, {"sas_token": "s"}),
        ({"extra": {"connection_string": "t"}}, {"auth": "connection_string"}, {"connection_string": "t"}),
        (
            {"login": "id", "password": "w", "extra": {"tenant_id": "t"}},
            {"auth": "service_principal", "tenant_id": "t", "client_id": "id"},
            {"client_secret": "w"},
        ),
        (
            {"extra": {"managed_identity_client_id": "id"}},
            {"auth": "managed_identity", "client_id": "id"},
            {},
        ),
    ],
)
def test_storage_connections(fields: dict[str, object], settings: dict[str, str], secrets: dict[str, str]) -> None:
    """Connections of types wasb and adls: key, token, connection string, service principal, the machine's identity."""
    assert settings_with(BLOB, Connection.of("x", fields)) == ({**BLOB, **settings}, secrets)


def test_database_connections() -> None:
    """Types postgres, mysql and mssql: what the datastore says itself wins over the connection."""
    connection = Connection.of("x", {"host": "h", "login": "u", "password": "w", "schema": "other", "port": 1})

    settings, secrets = settings_with(DATABASE, connection)

    expected = {"server": "h", "database": "d", "port": 1, "user": "u", "auth": "password"}
    assert {key: settings[key] for key in expected} == expected
    assert secrets == {"password": "w"}
