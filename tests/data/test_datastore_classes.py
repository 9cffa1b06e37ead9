"""The classes of datastores: v1's module paths, constructors and properties."""

from __future__ import annotations

import pytest

from airflow_ml.core import Datastore, Workspace
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.azure_data_lake_datastore import AzureDataLakeDatastore, AzureDataLakeGen2Datastore
from airflow_ml.data.azure_my_sql_datastore import AzureMySqlDatastore
from airflow_ml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
from airflow_ml.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from airflow_ml.data.dbfs_datastore import DBFSDatastore
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.data.stored_procedure_parameter import StoredProcedureParameter, StoredProcedureParameterType
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.storage.databases import Procedure, ProcedureParameter, Query, Table, source_of

_WORKSPACE = Workspace("s", "g", "w")
_STORES: list[tuple[str, AbstractDatastore]] = [
    ("AzureBlob", AzureBlobDatastore(_WORKSPACE, "n", "container", "account", account_key="secret")),
    ("AzureFile", AzureFileDatastore(_WORKSPACE, "n", "share", "account", account_key="secret")),
    ("AzureDataLake", AzureDataLakeDatastore(_WORKSPACE, "n", "store", "t", "c", "secret", subscription_id="s")),
    ("AzureDataLakeGen2", AzureDataLakeGen2Datastore(_WORKSPACE, "n", "files", "account", "t", "c", "secret")),
    ("AzureSqlDatabase", AzureSqlDatabaseDatastore(_WORKSPACE, "n", "server", "db", username="u", password="secret")),
    ("AzurePostgreSql", AzurePostgreSqlDatastore(_WORKSPACE, "n", "server", "db", "u", "secret")),
    ("AzureMySql", AzureMySqlDatastore(_WORKSPACE, "n", "server", "db", "u", "secret")),
    ("DBFS", DBFSDatastore(_WORKSPACE, "n")),
]


@pytest.mark.parametrize(("kind", "store"), _STORES, ids=[kind for kind, _ in _STORES])
def test_stores_show_their_kind_and_keep_no_secret(kind: str, store: AbstractDatastore) -> None:
    """datastore_type is v1's word, and no credential is held by the object."""
    assert (store.name, store.datastore_type, store.workspace.name) == ("n", kind, "w")
    assert "secret" not in vars(store).values()


def test_properties_can_be_set_as_in_v1() -> None:
    """name, workspace and datastore_type have setters."""
    store = DBFSDatastore(_WORKSPACE, "n")

    store.name, store.datastore_type, store.workspace = "m", "Other", Workspace("s", "g", "v")

    assert (store.name, store.datastore_type, store.workspace.name) == ("m", "Other", "v")


def test_storage_shows_where_it_is() -> None:
    """Container, account and protocol are kept; a signature shows as is_sas."""
    store = AzureBlobDatastore(_WORKSPACE, "n", "c", "a", sas_token="t", protocol="https", endpoint="e")

    assert (store.container_name, store.account_name, store.protocol, store.endpoint) == ("c", "a", "https", "e")
    assert store.is_sas
    assert not AzureBlobDatastore(_WORKSPACE, "n", "c", "a").is_sas


def test_folders_have_no_container(workspace: Workspace) -> None:
    """The embedded stores are folders of this machine behind v1's classes."""
    store = Datastore.get_default(workspace)

    assert isinstance(store, AzureBlobDatastore)
    assert (store.container_name, store.account_name) == (None, None)


def test_sql_reference_holds_what_it_was_given() -> None:
    """A table, query or procedure of a database; v1's text form."""
    store = AzurePostgreSqlDatastore(_WORKSPACE, "db", "server", "database", "u", "p")
    parameter = StoredProcedureParameter("since", "2020-01-01", StoredProcedureParameterType.Date)

    reference = SqlDataReference(store, "rows", sql_stored_procedure="p", sql_stored_procedure_params=[parameter])

    assert str(reference) == "$AZUREML_DATAREFERENCE_rows"
    assert (reference.sql_stored_procedure, reference.sql_query) == ("p", None)
    assert StoredProcedureParameter("n", "v").type is StoredProcedureParameterType.String


def test_sql_reference_names_one_source() -> None:
    """Exactly one of table, query and procedure is read; parameters belong to a procedure."""
    store = AzurePostgreSqlDatastore(_WORKSPACE, "db", "server", "database", "u", "p")
    parameters = [StoredProcedureParameter("since", "2020-01-01", StoredProcedureParameterType.Date)]

    reference = SqlDataReference(store, sql_stored_procedure="p", sql_stored_procedure_params=parameters)

    assert source_of(reference.sql_source) == Procedure("p", (ProcedureParameter("since", "2020-01-01", "Date"),))
    assert source_of(SqlDataReference(store, sql_table="t").sql_source) == Table("t")
    assert source_of(SqlDataReference(store, sql_query="SELECT 1").sql_source) == Query("SELECT 1")
    for wrong in (
        SqlDataReference(store, "rows"),
        SqlDataReference(store, "rows", sql_table="t", sql_query="SELECT 1"),
        SqlDataReference(store, "rows", sql_table="t", sql_stored_procedure_params=parameters),
        SqlDataReference(store, "rows", sql_stored_procedure="p", sql_stored_procedure_params=["x"]),  # type: ignore[list-item]
    ):
        with pytest.raises(UserErrorException, match="'rows'"):
            wrong.sql_source  # noqa: B018 - the access raises


@pytest.mark.parametrize("call", ["path", "as_mount", "as_download", "as_upload", "to_config"])
def test_sql_reference_is_no_file(call: str) -> None:
    """v1 raises NotImplementedError there, and so do we; as an input of a script's step it is refused too."""
    reference = SqlDataReference(AzureMySqlDatastore(_WORKSPACE, "db", "s", "d", "u", "p"), "rows", sql_table="t")

    with pytest.raises(NotImplementedError, match="database"):
        getattr(reference, call)()
    with pytest.raises(NotSupportedError, match="database"):
        raise reference.refused_in_scripts()
