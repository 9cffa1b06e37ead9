"""Workspaces: found by file, made, and what they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.core.authentication import InteractiveLoginAuthentication
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from airflow_ml.exceptions import NotSupportedError, UserErrorException, WorkspaceException
from airflow_ml.graph import WorkspaceRef

CONFIG = {"subscription_id": "s", "resource_group": "g", "workspace_name": "ml"}


def _write(path: Path, **changes: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**CONFIG, **changes}))


@pytest.mark.parametrize("place", [".azureml/config.json", "aml_config/config.json", "config.json"])
def test_config_is_found_in_v1s_places_and_above(work: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """The file may lie in the folder or in any parent; only it is read."""
    _write(work / place)
    (work / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(work / "a" / "b")

    workspace = Workspace.from_config(auth=InteractiveLoginAuthentication())

    assert workspace.ref == WorkspaceRef("ml", "s", "g")


def test_azureml_folder_wins(work: Path) -> None:
    """Of several files in one folder `.azureml/config.json` is taken."""
    _write(work / "config.json", workspace_name="other")
    _write(work / ".azureml" / "config.json")

    assert Workspace.from_config().name == "ml"


def test_path_is_a_file_or_a_folder(work: Path) -> None:
    """`path` names the file itself or where to start; `_file_name` another name."""
    _write(work / "x" / "mine.json")

    assert Workspace.from_config(path="x/mine.json").name == "ml"
    assert Workspace.from_config(path="x", _file_name="mine.json").name == "ml"


def test_reading_the_file_opens_nothing(work: Path, home: Path) -> None:
    """from_config makes neither folder nor database."""
    _write(work / "config.json", registry_url="postgresql://nowhere.invalid/db")

    assert Workspace.from_config().ref.registry_url == "postgresql://nowhere.invalid/db"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"workspace_name": 5}', '{"workspace_name": "w", "registry_url": "postgresql://u:p@h/d"}'],
)
def test_bad_file_is_a_users_error(work: Path, text: str) -> None:
    """No file, no JSON, no name, or a password in it raise UserErrorException."""
    with pytest.raises(UserErrorException, match=r"no 'config\.json'"):
        Workspace.from_config()
    (work / "config.json").write_text(text)
    with pytest.raises(UserErrorException, match="workspace configuration"):
        Workspace.from_config()


def test_write_config_is_found_again(workspace: Workspace) -> None:
    """write_config writes what from_config reads."""
    workspace.write_config()

    assert Path(".azureml/config.json").is_file()
    assert Workspace.from_config() == workspace


def test_create_refuses_what_is_there(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """A second create needs exist_ok; Azure's resources are refused."""
    with pytest.raises(WorkspaceException, match="exist_ok"):
        Workspace.create("ml")
    assert Workspace.create("ml", exist_ok=True).name == "ml"
    assert "ml" in capsys.readouterr().out
    with pytest.raises(UserErrorException, match="storage_account"):
        Workspace.create("other", storage_account="x")


def test_get_and_list_know_what_was_made(workspace: Workspace, home: Path) -> None:
    """An unknown name raises WorkspaceException and makes nothing."""
    assert Workspace.get("ml").name == "ml"
    with pytest.raises(WorkspaceException, match=r"Workspace\.create"):
        Workspace.get("other")
    assert list(Workspace.list("sub")) == ["ml"]
    assert not (home / "other").exists()


def test_fresh_workspace_has_v1s_datastores(workspace: Workspace) -> None:
    """The article's snippet gives the default store, the blob store and the file store."""
    default = workspace.get_default_datastore()
    blob = Datastore(workspace, "workspaceblobstore")
    share = Datastore(workspace, "workspacefilestore")

    assert default == blob == Datastore(workspace)
    assert (type(blob), blob.datastore_type) == (AzureBlobDatastore, "AzureBlob")
    assert (type(share), share.datastore_type) == (AzureFileDatastore, "AzureFile")
    assert {"workspaceartifactstore", "workspaceworkingdirectory"} < set(workspace.datastores)


def test_missing_datastore_is_a_users_error(workspace: Workspace) -> None:
    """An unknown store raises UserErrorException."""
    with pytest.raises(UserErrorException):
        Datastore.get(workspace, "nothing")


def test_collections_are_read_when_they_are_used(workspace: Workspace) -> None:
    """A collection taken before something was registered finds it afterwards."""
    datasets = workspace.datasets

    Dataset.File.from_files((workspace.get_default_datastore(), "a")).register(workspace, "d")

    assert "d" in datasets
    assert [name for name, _ in datasets.items()] == ["d"]
    assert datasets.get("other") is None


def test_details_have_v1s_keys(workspace: Workspace) -> None:
    """get_details tells what is known."""
    details = workspace.get_details()

    assert (details["name"], details["subscriptionId"], details["resourceGroup"]) == ("ml", "sub", "group")
    assert details["workspaceid"]


def test_default_datastore_can_be_set(workspace: Workspace) -> None:
    """set_default_datastore changes it for all objects."""
    workspace.set_default_datastore("workspacefilestore")

    assert Workspace.get("ml").get_default_datastore().name == "workspacefilestore"


def test_azures_side_names_the_way_out(workspace: Workspace) -> None:
    """Networks, keys and services raise NotSupportedError."""
    for call in (workspace.list_keys, workspace.sync_keys, workspace.get_mlflow_tracking_uri):
        with pytest.raises(NotSupportedError, match="workspace 'ml'"):
            call()


def test_what_is_said_of_a_workspace_is_kept(work: Path) -> None:
    """Location, tags and names of create and update are there for every later object."""
    Workspace.create("ml", location="here", tags={"a": "b"}, friendly_name="Mine", show_output=False)

    assert (Workspace.get("ml").location, Workspace.get("ml").tags) == ("here", {"a": "b"})
    details = Workspace.get("ml").update(description="for tests", tags={"c": "d"})
    assert (details["friendlyName"], details["description"], details["tags"]) == ("Mine", "for tests", {"c": "d"})
    assert Workspace.get("ml").tags == {"c": "d"}
    assert Workspace.create("ml", location="there", exist_ok=True, show_output=False).location == "here"


def test_update_refuses_what_concerns_azure(workspace: Workspace) -> None:
    """The argument is named, and what can be changed."""
    with pytest.raises(NotSupportedError, match=r"image_build_compute.*tags can be changed"):
        workspace.update(image_build_compute="cpu")


def test_default_computes_are_made_when_asked_for(work: Path) -> None:
    """v1's ready-made configurations make its two clusters, which are found by type."""
    workspace = Workspace.create(
        "ml", default_cpu_compute_target=Workspace.DEFAULT_CPU_CLUSTER_CONFIGURATION, show_output=False
    )

    cpu = workspace.get_default_compute_target("CPU")
    assert cpu is not None
    assert (cpu.name, cpu.vm_size, cpu.scale_settings.maximum_node_count) == ("cpu-cluster", "STANDARD_DS2_V2", 2)
    assert workspace.get_default_compute_target("GPU") is None
    with pytest.raises(UserErrorException, match="'TPU' is not 'CPU' or 'GPU'"):
        workspace.get_default_compute_target("TPU")


def test_the_key_vault_reads_the_environment(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is a variable of this process; nothing is kept, and the error shows no value."""
    monkeypatch.setenv("AIRFLOW_ML_SECRET_MY_TOKEN", "hunter1")
    vault = workspace.get_default_keyvault()

    assert vault.get_secret("my-token") == "hunter1"
    assert vault.get_secrets(["my-token", "other"]) == {"my-token": "hunter1", "other": None}
    with pytest.raises(UserErrorException, match=r"'other'.*AIRFLOW_ML_SECRET_OTHER"):
        vault.get_secret("other")
    with pytest.raises(NotSupportedError) as caught:
        vault.set_secret("token", "hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("files", [False, True])
def test_a_deleted_workspace_is_gone(workspace: Workspace, home: Path, files: bool) -> None:
    """Its records go; its files only if they are named. The name can be used again."""
    Dataset.File.from_files((workspace.get_default_datastore(), "a")).register(workspace, "d")
    (home / "ml" / "stores").mkdir(exist_ok=True)

    workspace.delete(delete_dependent_resources=files)

    with pytest.raises(WorkspaceException):
        Workspace.get("ml")
    assert (home / "ml" / "stores").exists() is not files
    assert list(Workspace.create("ml", show_output=False).datasets) == []


def test_a_workspace_with_a_run_is_not_deleted(workspace: Workspace) -> None:
    """What is running would lose its records."""
    workspace.registry().runs.create("e", "r", kind="interactive", status="Running")

    with pytest.raises(UserErrorException, match="a run is Running"):
        workspace.delete()


def test_collections_are_dicts(workspace: Workspace) -> None:
    """v1's are dicts, and code asks whether they are; nothing can be put in."""
    stores = workspace.datastores

    assert isinstance(stores, dict)
    assert dict(stores) == {**stores} == stores == stores.copy()
    assert stores
    assert stores.get("nothing") is None
    assert list(stores) == list(stores.keys()) == [store.name for store in stores.values()]
    with pytest.raises(UserErrorException, match="only shows what the workspace has"):
        stores["mine"] = stores["workspaceblobstore"]
