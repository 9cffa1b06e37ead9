"""
Lakes (ADLS Gen2): registered as in v1, signed in to by a service principal, read and written as blobs.

Azurite has no hierarchical name space; the marks that such an account lists for its folders are put there by hand.
"""

import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from servers.entra import CLIENT, SECRET, TENANT

from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.exceptions import AuthenticationException, NotSupportedError, UserErrorException
from airflow_ml.execution.stores import Stores
from airflow_ml.storage.factory import StoreContext, open_store

pytestmark = pytest.mark.azurite


@pytest.fixture
def workspace(home, tmp_path, monkeypatch):
    """A workspace of the test's own, in an empty folder."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Workspace.create("w")


@pytest.fixture
def register(workspace, secure_azurite, entra):
    """Function that registers a file system that is there as the lake `lake`."""
    with secure_azurite.new_store() as made:

        def register(secret=SECRET, **more):
            filesystem = made.client.address.container
            who = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": secret, "authority_url": entra.authority}
            return Datastore.register_azure_data_lake_gen2(
                workspace, "lake", filesystem, made.client.address.account, **who, endpoint=secure_azurite.endpoint
            )

        yield register


@pytest.fixture
def lake(register, workspace):
    """The store of a registered lake."""
    register()
    return Stores(workspace.registry())("lake")


def mark(store, *folders):
    """Make what the Blob interface shows of folders."""
    for folder in folders:
        store.make_folder(folder)


def test_a_lake_takes_and_gives_files(register, workspace, tmp_path):
    """Upload and download by datasets, as in v1 (lakes have no calls of their own); marked folders are no files."""
    datastore = register()
    (tmp_path / "work/src/sub").mkdir(parents=True)
    (tmp_path / "work/src/sub/a.txt").write_text("a")
    Dataset.File.upload_directory("src", (datastore, "raw"), show_progress=False)
    mark(Stores(workspace.registry())("lake"), "raw", "raw/sub", "raw/empty")

    found = Dataset.File.from_files((Datastore(workspace, "lake"), "raw"))
    assert found.to_path() == ["/sub/a.txt"]
    assert [Path(place).read_text() for place in found.download("copies")] == ["a"]


def test_listings_have_files_alone_in_their_order(lake):
    """Marks are left out, and what lies in their folders is where its path belongs."""
    mark(lake, "d", "d/e", "d/empty")
    names = ["d-", "d/e/x", "d/e-", "z"]
    for name in names:
        lake.write(name, b"x")

    assert [info.path for info in lake.list()] == sorted(names)
    assert [info.path for info in lake.list("d")] == ["d/e-", "d/e/x"]
    assert [info.path for info in lake.list("d", recursive=False)] == ["d/e-"]


def test_a_marked_folder_is_there_when_it_is_empty(lake):
    """It is a folder and no file, and gone when it is deleted; one that is made is there, however often."""
    mark(lake, "d", "d/empty")
    for _ in range(2):
        lake.make_folder("made/below")

    known = ("d", "d/empty", "made", "made/below", "nothing")
    assert [lake.is_folder(path) for path in known] == [True, True, True, True, False]
    assert not lake.exists("d/empty")
    assert list(lake.list("d/empty")) == []
    lake.delete("d/empty", recursive=True)
    assert [lake.is_folder(path) for path in ("d", "d/empty")] == [True, False]


def test_a_folder_is_deleted_from_below(lake, monkeypatch):
    """A hierarchical name space deletes no folder that holds anything."""
    mark(lake, "d", "d/e", "d/e/f")
    lake.write("d/e/x", b"x")
    lake.write("de", b"x")
    deleted = []
    delete = lake.blobs.delete
    monkeypatch.setattr(lake.blobs, "delete", lambda name, *more: (deleted.append(name), delete(name, *more)))

    lake.delete("d", recursive=True)

    assert deleted == ["d/e/x", "d/e/f", "d/e", "d"]
    assert [info.path for info in lake.list()] == ["de"]


def test_a_token_for_reading_alone_is_made_for_other_programs(lake, secure_azurite):
    """The service gives the identity a key for that; what it signs lists and reads this container alone."""
    lake.write("a", b"content")

    container, settings = lake.for_rclone()

    address = urlsplit(settings["sas_url"])
    reading = open_store(
        secure_azurite.settings(container, auth="sas"),
        StoreContext("reading", credentials=lambda: {"sas_token": address.query}),
    )
    assert address.path == f"/{secure_azurite.account}/{container}"
    assert [info.path for info in reading.list()] == ["a"]
    assert reading.open_read("a").read() == b"content"
    with pytest.raises((UserErrorException, AuthenticationException)):
        reading.write("b", b"")
    assert SECRET not in settings["sas_url"]


def test_a_wrong_secret_is_told_at_the_first_use(register, workspace):
    """Registering a lake looks at nothing, as in v1."""
    secret = f"wrong {uuid.uuid4().hex}"
    register(secret=secret)

    with pytest.raises(AuthenticationException, match=r"'lake': signing in to Azure failed") as caught:
        Stores(workspace.registry())("lake").stat("a")
    assert secret not in str(caught.value)


def test_the_first_generation_is_refused_with_its_end(workspace):
    """Microsoft switched it off; the sentence says when, and what to register."""
    with pytest.raises(NotSupportedError, match=r"switched off by Microsoft on 29 February 2024; register the Gen2"):
        Datastore.register_azure_data_lake(workspace, "old", "store")
