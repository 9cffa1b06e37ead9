"""What can be known of Azure SQL without a server: statements, connections, tokens and errors."""

import struct

import pyarrow as pa
import pymssql
import pytest
import sqlalchemy as sa
from servers.entra import CLIENT, SECRET, TENANT, make_certificate, running_entra
from sqlalchemy.dialects import mssql

from airflow_ml.exceptions import AuthenticationException, ServiceException, UserErrorException
from airflow_ml.storage.databases import Procedure, ProcedureParameter, open_database
from airflow_ml.storage.databases.azure_sql import AzureSqlKind, AzureSqlTokenKind
from airflow_ml.storage.databases.kinds import Place
from airflow_ml.storage.databases.rows import batch_of, schema_of
from airflow_ml.storage.databases.sources import Table
from airflow_ml.storage.factory import StoreContext

SETTINGS = {"kind": "azure_sql", "server": "sales", "endpoint": "database.windows.net", "database": "d", "user": "u"}


class Speaker:
    """What a connection to SQL Server quotes names with."""

    dialect = mssql.dialect()


@pytest.fixture
def entra(tmp_path, monkeypatch):
    """A stand-in for Entra ID, which this process trusts."""
    certificate = make_certificate(tmp_path)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate[0]))
    with running_entra(*certificate) as server:
        yield server


@pytest.fixture
def principal(entra):
    """The place of a database that a service principal reads."""
    who = {"tenant_id": TENANT, "client_id": CLIENT, "authority_url": entra.authority, "auth": "service_principal"}
    return Place.of("sales", {**SETTINGS, **who}, enforce_ssl=True)


def test_a_password_goes_to_pymssql():
    """The server's name is completed; the time limit is the connection's."""
    place = Place.of("sales", SETTINGS, enforce_ssl=True)
    options = AzureSqlKind().connect_options(place, {"password": "secret"}, 2.2)
    assert (options["server"], options["port"], options["timeout"]) == ("sales.database.windows.net", "1433", 2)
    assert "secret" not in repr(place)


def test_a_service_principal_signs_in_with_a_token(principal, entra):
    """The ODBC driver gets a token of the database's own resource, and neither user nor secret."""
    options = AzureSqlTokenKind().connect_options(principal, {"client_secret": SECRET}, None)
    [(attribute, packed)] = options.pop("attrs_before").items()
    (length,) = struct.unpack("<I", packed[:4])
    assert attribute == 1256
    assert len(packed) == 4 + length
    assert packed[4:].decode("utf-16-le").count(".") == 2
    assert entra.resources == {"https://database.windows.net"}
    assert options["server"] == "tcp:sales.database.windows.net,1433"
    assert SECRET not in repr(options)


def test_a_service_principal_that_is_refused(entra, monkeypatch):
    """A wrong secret is the user's error, which does not hold it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: True)
    who = {"tenant_id": TENANT, "client_id": CLIENT, "authority_url": entra.authority, "auth": "service_principal"}
    database = open_database(
        {**SETTINGS, **who}, StoreContext("sales", credentials=lambda: {"client_secret": "wrong secret"})
    )
    with pytest.raises(AuthenticationException, match="AADSTS7000215") as caught:
        database._options(None)
    assert "wrong secret" not in str(caught.value)


def test_a_service_principal_without_its_parts(principal):
    """What is missing is named."""
    with pytest.raises(UserErrorException, match="client_secret is not there"):
        AzureSqlTokenKind().connect_options(principal, {}, None)


def test_procedures_are_called_by_name():
    """Values are bound, names are quoted or refused."""
    procedure = Procedure("dbo.find it", (ProcedureParameter("@since", "2020-01-01", "Date"),))
    statement, values = AzureSqlKind().call(Speaker(), procedure)
    assert str(statement) == "EXEC dbo.[find it] @since = :p0"
    assert [str(value) for value in values.values()] == ["2020-01-01"]
    with pytest.raises(UserErrorException, match="is no name of a parameter"):
        AzureSqlKind().call(Speaker(), Procedure("p", (ProcedureParameter("a = 1; --", "1"),)))


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (pymssql.OperationalError((18456, b"Login failed for user 'u'.")), "login"),
        (pymssql.ProgrammingError((208, b"Invalid object name 'x'.")), "missing"),
        (pymssql.ProgrammingError((102, b"Incorrect syntax near 'x'.")), "statement"),
        (pymssql.OperationalError((1205, b"Transaction was deadlocked")), "lost"),
        (pymssql.OperationalError((40613, b"Database is not currently available")), "lost"),
        (pymssql.OperationalError((20003, b"DB-Lib error message 20003")), "timeout"),
        (pymssql.OperationalError((20009, b"Unable to connect")), "lost"),
        (pymssql.IntegrityError((2627, b"Violation of PRIMARY KEY constraint")), "data"),
        (Exception("42S02", "[42S02] [Microsoft] Invalid object name 'x'. (208) (SQLExecDirectW)"), "missing"),
        (Exception("HYT00", "[HYT00] [Microsoft] Login timeout expired (0) (SQLDriverConnect)"), "timeout"),
    ],
)
def test_errors_by_their_numbers(cause, kind):
    """What the server or the driver says becomes one of our kinds of failures."""
    assert AzureSqlKind().failure(sa.exc.DBAPIError("", {}, cause)).kind == kind


def test_a_server_that_is_not_there():
    """The real driver's error of a port that nobody listens on can be tried again."""
    settings = {**SETTINGS, "server": "127.0.0.1", "port": 1}
    with pytest.raises(ServiceException, match="cannot be reached"):
        open_database(settings, StoreContext("sales", credentials=lambda: {"password": "secret"})).check()


def test_types_by_values():
    """Where the driver names no types the first value that is there does."""
    rows = [(None, 1, None), (2.5, 2, None)]
    schema = schema_of(["a", "b", "c"], [None] * 3, rows)
    assert schema.types == [pa.float64(), pa.int64(), pa.string()]
    assert batch_of(rows, schema, Table("t")).num_rows == 2
