"""Datastores: paths, uploads and downloads by v1's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Datastore, Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.exceptions import UserErrorException


def test_upload_skips_what_is_there_unless_overwritten(blob: AzureBlobDatastore) -> None:
    """An existing file stays as it is without overwrite."""
    Path("raw/note.txt").write_text("changed")

    blob.upload("raw", "raw", show_progress=False)
    blob.download("first", "raw/note.txt", show_progress=False)
    blob.upload("raw", "raw", overwrite=True, show_progress=False)
    blob.download("second", "raw/note.txt", show_progress=False)

    assert Path("first/raw/note.txt").read_text() == "hello"
    assert Path("second/raw/note.txt").read_text() == "changed"


def test_upload_files_are_named_from_their_common_folder(blob: AzureBlobDatastore) -> None:
    """Names on the store are relative to what the files share, or to relative_root."""
    reference = blob.upload_files(["raw/a.csv", "raw/b/c.csv"], target_path="common", show_progress=False)
    blob.upload_files(["raw/b/c.csv"], relative_root=".", target_path="rooted", show_progress=False)

    assert blob.download("out", "common", show_progress=False) == 2
    assert Path("out/common/b/c.csv").is_file()
    assert blob.download("out", "rooted", show_progress=False) == 1
    assert Path("out/rooted/raw/b/c.csv").is_file()
    assert reference.path_on_datastore == "common"


def test_file_outside_of_relative_root_is_an_error(blob: AzureBlobDatastore) -> None:
    """A file that relative_root does not hold has no name on the store."""
    with pytest.raises(UserErrorException, match="relative_root"):
        blob.upload_files(["raw/note.txt"], relative_root="raw/b")


def test_download_takes_a_prefix_of_the_text(blob: AzureBlobDatastore) -> None:
    """On a blob store `raw` finds `raw2/...` too; on a file share it is a folder."""
    share = Datastore(blob.workspace, "workspacefilestore")
    for store in (blob, share):
        store.upload_files(["raw/note.txt"], target_path="raw", show_progress=False)
        store.upload_files(["raw/note.txt"], target_path="raw2", show_progress=False)

    assert blob.download("out-blob", "raw", show_progress=False) == 4
    assert share.download("out-share", "raw", show_progress=False) == 1


def test_download_skips_and_does_not_count_local_files(blob: AzureBlobDatastore) -> None:
    """Files that are there are left, unless overwritten."""
    assert blob.download("out", show_progress=False) == 3
    assert blob.download("out", show_progress=False) == 0
    assert blob.download("out", overwrite=True, show_progress=False) == 3


def test_missing_folder_is_an_error(blob: AzureBlobDatastore) -> None:
    """Uploading nothing raises UserErrorException."""
    with pytest.raises(UserErrorException):
        blob.upload("nowhere", show_progress=False)


def test_default_store_can_be_changed_and_forgotten(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """set_as_default and unregister go to the workspace."""
    share = Datastore(workspace, "workspacefilestore")

    share.set_as_default()

    assert workspace.get_default_datastore() == share
    Datastore(workspace, "workspaceworkingdirectory").unregister()
    assert "workspaceworkingdirectory" not in workspace.datastores
