"""Registering datastores: what v1's calls do, what is kept, and that no secret is kept in plain text."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from plain_text import files_with
from servers import file_share
from servers.azurite import Azurite
from servers.databases import Served
from servers.file_share import running_share_server

from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.execution.stores import Stores

SECRET = "bWFya2VkLXNlY3JldA=="


@pytest.fixture
def container(azurite: Azurite) -> Iterator[str]:
    """Make a container of the test's own."""
    name = f"face-{uuid.uuid4().hex}"
    store = azurite.open(name, create=True)
    yield name
    store.delete_container()


@pytest.fixture
def where(azurite: Azurite) -> dict[str, str]:
    """Where the emulator is, as v1's calls take it."""
    return {"account_name": azurite.account, "protocol": "http", "endpoint": f"127.0.0.1:{azurite.port}"}


def settings_of(workspace: Workspace, name: str) -> dict[str, object]:
    """Return what the registry holds in plain text."""
    return dict(workspace.registry().datastores.get(name).settings)


def register_postgres(workspace: Workspace, name: str = "db", **more: object) -> AbstractDatastore:
    """Register a database that is never opened."""
    given = {"server_name": "server", "database_name": "d", "user_id": "u", "user_password": SECRET, **more}
    return Datastore.register_azure_postgre_sql(workspace, name, **given)  # type: ignore[arg-type]


def test_container_is_registered_and_used(
    workspace: Workspace, azurite: Azurite, where: dict[str, str], container: str, work: Path
) -> None:
    """A registered container is found by every later object, with v1's attributes, and takes and gives files."""
    made = Datastore.register_azure_blob_container(workspace, "lake", container, account_key=azurite.key, **where)
    (work / "a.txt").write_text("a")
    made.upload_files(["a.txt"], target_path="raw", show_progress=False)

    found = Datastore(workspace, "lake")

    assert isinstance(found, AzureBlobDatastore)
    assert (found.datastore_type, found.container_name, found.account_name) == ("AzureBlob", container, azurite.account)
    assert (found.protocol, found.endpoint, found.is_sas) == ("http", where["endpoint"], False)
    assert found.download("copies", prefix="raw", show_progress=False) == 1
    assert (work / "copies" / "raw" / "a.txt").read_text() == "a"


def test_example_of_the_docs_runs(workspace: Workspace, azurite: Azurite, container: str, work: Path) -> None:
    """The example of docs/data.md registers a container, fills it and makes it the default."""
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    example = next(text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "register_azure" in text)
    (work / "data").mkdir()
    (work / "data" / "a.txt").write_text("a")

    given = {"account_name": azurite.account, "account_key": azurite.key, "endpoint": azurite.endpoint}
    exec(example, {"Datastore": Datastore, "workspace": workspace, "container_name": container, **given})

    assert Stores(workspace.registry())(workspace.get_default_datastore().name).exists("raw/a.txt")


def test_secret_is_kept_encrypted(
    workspace: Workspace, azurite: Azurite, where: dict[str, str], container: str, home: Path
) -> None:
    """The key stands in no file of the home folder, and in none of the objects; the key that opens it is private."""
    made = Datastore.register_azure_blob_container(workspace, "lake", container, account_key=azurite.key, **where)

    assert files_with(home, azurite.key) == []
    assert azurite.key not in str(vars(made))
    assert (home / "fernet.key").stat().st_mode & 0o777 == 0o600


def test_default_datastore_moves_to_the_cloud(
    workspace: Workspace, azurite: Azurite, where: dict[str, str], container: str
) -> None:
    """The store of a fresh workspace can be registered anew as a container, and any store becomes the default."""
    key = azurite.key
    blob = Datastore.register_azure_blob_container(
        workspace, "workspaceblobstore", container, account_key=key, overwrite=True, **where
    )
    assert workspace.get_default_datastore() == blob
    assert workspace.get_default_datastore().container_name == container

    Datastore.register_azure_blob_container(workspace, "other", container, account_key=key, **where).set_as_default()
    assert workspace.get_default_datastore().name == "other"


def test_container_is_made_when_asked(workspace: Workspace, azurite: Azurite, where: dict[str, str]) -> None:
    """create_if_not_exists makes the container; a second time it is there."""
    name = f"face-{uuid.uuid4().hex}"
    given = {"account_key": azurite.key, **where}
    with pytest.raises(UserErrorException, match="ContainerNotFound"):
        Datastore.register_azure_blob_container(workspace, "lake", name, **given)

    for _ in range(2):
        Datastore.register_azure_blob_container(
            workspace, "lake", name, create_if_not_exists=True, overwrite=True, **given
        )

    azurite.open(name).delete_container()


def test_wrong_key_is_told_at_once(
    workspace: Workspace, azurite: Azurite, where: dict[str, str], container: str
) -> None:
    """Registering looks at the container once; skip_validation registers unseen. The key is in no error."""
    with pytest.raises(UserErrorException, match="the key or token is not the right one") as raised:
        Datastore.register_azure_blob_container(workspace, "lake", container, account_key=SECRET, **where)
    assert SECRET not in str(raised.value)
    assert "lake" not in workspace.datastores

    Datastore.register_azure_blob_container(
        workspace, "lake", container, account_key=SECRET, skip_validation=True, **where
    )
    assert "lake" in workspace.datastores


def test_name_is_taken_once(workspace: Workspace) -> None:
    """A second registration needs overwrite=True, which replaces settings and secret; unregister frees the name."""
    register_postgres(workspace)
    with pytest.raises(UserErrorException, match="overwrite=True"):
        register_postgres(workspace)

    register_postgres(workspace, server_name="other", overwrite=True).unregister()

    assert "db" not in workspace.datastores


@pytest.mark.parametrize("name", ["", "a-b", "a b", "a" * 256])
def test_name_follows_v1s_rule(workspace: Workspace, name: str) -> None:
    """Names have letters, digits and underscores."""
    with pytest.raises(UserErrorException, match="letters, digits and underscores"):
        register_postgres(workspace, name)


def test_databases_are_registered(workspace: Workspace) -> None:
    """Databases keep where they are and who reads them; v1's bare server names get Azure's domain."""
    postgres = register_postgres(workspace, port_number="5433", enforce_ssl=False)
    mysql = Datastore.register_azure_my_sql(workspace, "my", "127.0.0.1", "d", "u", SECRET)
    azure = Datastore.register_azure_sql_database(workspace, "ms", "s", "d", username="u", password=SECRET)

    found = [Datastore(workspace, name) for name in ("db", "my", "ms")]

    assert found == [postgres, mysql, azure]
    assert [vars(item) for item in found] == [vars(item) for item in (postgres, mysql, azure)]
    assert [item.datastore_type for item in found] == ["AzurePostgreSql", "AzureMySql", "AzureSqlDatabase"]
    assert settings_of(workspace, "db")["endpoint"] == "postgres.database.azure.com"
    assert "endpoint" not in settings_of(workspace, "my")
    assert SECRET not in str([settings_of(workspace, name) for name in ("db", "my", "ms")])
    with pytest.raises(UserErrorException, match="neither user and password"):
        Datastore.register_azure_sql_database(workspace, "no", "s", "d", username="u")


def test_service_principals_are_registered(workspace: Workspace) -> None:
    """Tenant and client are settings, the secret is not; a database may have one instead of a user."""
    who = {"tenant_id": "t", "client_id": "c", "client_secret": SECRET}
    azure = Datastore.register_azure_sql_database(workspace, "ms", "s", "d", **who)
    assert (azure.tenant_id, azure.client_id, azure.auth_type) == ("t", "c", "ServicePrincipal")
    assert settings_of(workspace, "ms")["auth"] == "service_principal"
    assert Stores(workspace.registry())("ms") is not None
    assert SECRET not in str(settings_of(workspace, "ms"))

    lake = Datastore.register_azure_data_lake_gen2(workspace, "lake", "files", "account", **who)
    assert vars(Datastore(workspace, "lake")) == vars(lake)
    assert (lake.datastore_type, lake.container_name, lake.tenant_id) == ("AzureDataLakeGen2", "files", "t")
    with pytest.raises(UserErrorException, match="give all three"):
        Datastore.register_azure_data_lake_gen2(workspace, "no", "files", "account", client_secret=SECRET)


def test_file_share_is_registered_and_used(workspace: Workspace, work: Path, tmp_path: Path) -> None:
    """A share is made when asked, found by every later object, and takes and gives files."""
    (tmp_path / "shares").mkdir()
    with running_share_server(tmp_path / "shares") as server:
        given = {"account_name": file_share.ACCOUNT, "account_key": file_share.KEY, "protocol": "http"}
        Datastore.register_azure_file_share(
            workspace, "files", "share", endpoint=server.url, create_if_not_exists=True, **given
        )
        (work / "a.txt").write_text("a")

        found = Datastore(workspace, "files")

        assert isinstance(found, AzureFileDatastore)
        assert (found.datastore_type, found.container_name, found.is_sas) == ("AzureFile", "share", False)
        found.upload_files(["a.txt"], target_path="raw", show_progress=False)
        assert found.download("copies", prefix="raw", show_progress=False) == 1
        assert (work / "copies" / "raw" / "a.txt").read_text() == "a"


@pytest.mark.postgres
def test_database_is_registered_and_queried(
    workspace: Workspace, postgres: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registered PostgreSQL database answers queries, signed in to by password or by an Airflow connection."""
    postgres.run("CREATE TABLE people (id integer)", "INSERT INTO people VALUES (1), (2)")
    server, name = str(postgres.settings["server"]), str(postgres.settings["database"])
    monkeypatch.setenv("AIRFLOW_CONN_MY_DB", "postgres://postgres:x@")
    connected = {"connection": "my_db", "enforce_ssl": False}
    stores = [
        Datastore.register_azure_postgre_sql(workspace, "own", server, name, "postgres", "x", enforce_ssl=False),
        Datastore.register_azure_postgre_sql(workspace, "linked", server, name, "", "", **connected),
    ]

    for store in stores:
        table = Dataset.Tabular.from_sql_query((store, "SELECT id FROM people ORDER BY id"))
        assert table.to_pandas_dataframe()["id"].tolist() == [1, 2]


def test_connection_stands_for_secrets(
    workspace: Workspace, azurite: Azurite, where: dict[str, str], container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A datastore may name an Airflow connection, which is looked up when the data is used, each time anew."""
    store = Datastore.register_azure_blob_container(workspace, "lake", container, connection="my_blob", **where)
    with pytest.raises(UserErrorException, match="AIRFLOW_CONN_MY_BLOB"):
        store.download("copies", show_progress=False)

    monkeypatch.setenv("AIRFLOW_CONN_MY_BLOB", f'{{"conn_type": "wasb", "login": "x", "password": "{azurite.key}"}}')
    assert store.download("copies", show_progress=False) == 0

    assert workspace.registry().datastores.get("lake").secret is None
    with pytest.raises(UserErrorException, match="give one"):
        Datastore.register_azure_blob_container(
            workspace, "both", container, connection="my_blob", account_key=SECRET, **where
        )


def test_new_secret_counts_at_once(
    workspace: Workspace, azurite: Azurite, where: dict[str, str], container: str
) -> None:
    """A store that is open takes the secret of a later registration: a transfer under way goes on."""
    given = {"skip_validation": True, "overwrite": True, **where}
    Datastore.register_azure_blob_container(workspace, "lake", container, account_key=SECRET, **given)
    store = Stores(workspace.registry())("lake")
    with pytest.raises(UserErrorException, match="the right one"):
        store.exists("a")

    Datastore.register_azure_blob_container(workspace, "lake", container, account_key=azurite.key, **given)

    assert not store.exists("a")


def test_lost_key_is_explained(
    workspace: Workspace, azurite: Azurite, where: dict[str, str], container: str, home: Path
) -> None:
    """Secrets of another Fernet key are an error that names the way out."""
    key = azurite.key
    lake = Datastore.register_azure_blob_container(workspace, "lake", container, account_key=key, **where)
    (home / "fernet.key").unlink()

    with pytest.raises(UserErrorException, match="'lake': its secrets were encrypted with another Fernet key"):
        lake.download("copies", show_progress=False)


def test_places_that_are_gone_are_refused(workspace: Workspace) -> None:
    """Data Lake Gen1 is refused with the day it ended, Databricks and Hadoop with what to do."""
    with pytest.raises(NotSupportedError, match="29 February 2024"):
        Datastore.register_azure_data_lake(workspace, "d", "store", client_secret=SECRET)
    with pytest.raises(NotSupportedError, match="use a datastore of files"):
        Datastore.register_dbfs(workspace, "d")
    with pytest.raises(UserErrorException, match="neither account_key nor sas_token"):
        Datastore.register_azure_file_share(workspace, "d", "share", "account")
