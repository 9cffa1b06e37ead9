"""Outputs that are taken off a store."""

import subprocess
import sys

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.commit import commit_output
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.manifests import COMMITS_FOLDER, Manifest, ManifestFile, manifest_path, read_manifest
from airflow_ml.storage.removal import REMOVALS_FOLDER, Removed, finish_removal, places_in, remove_output

FILES = {"a": "one", "sub/b": "two"}


@pytest.fixture
def commit(store, tmp_path, write_tree):
    """Function that commits files as the output `model` of a run."""

    def commit(files=FILES, *, run_id="run1", destination="azureml/run1/model"):
        source = write_tree(tmp_path / f"written by {run_id}", files)
        return commit_output(store, source, destination=destination, run_id=run_id, output="model", datastore="s")

    return commit


def everything(store):
    """Return the paths of all that is in a store's folder, folders too."""
    return {place.relative_to(store.root).as_posix() for place in store.root.rglob("*")}


def test_an_output_goes_with_all_that_told_of_it(store, commit):
    """Files, manifest and the folders of the run are gone; those of other runs stay."""
    commit()
    other = commit(run_id="run2", destination="azureml/run2/model")

    assert remove_output(store, "run1", "model") == Removed(files=2, size=6)

    assert not {path for path in everything(store) if "run1" in path}
    assert read_manifest(store, "run2", "model") == other
    assert store.exists("azureml/run2/model/sub/b")


def test_removing_what_is_not_there_is_nothing(store, commit):
    """Removing twice, or an output that never was, is no error."""
    commit()
    remove_output(store, "run1", "model")

    assert remove_output(store, "run1", "model") == remove_output(store, "run9", "model") == Removed()


def test_files_that_others_put_into_the_folder_stay(store, commit):
    """Only what the manifest lists is deleted."""
    commit()
    store.write("azureml/run1/model/sub/mine", b"x")

    remove_output(store, "run1", "model")

    assert [info.path for info in store.list()] == ["azureml/run1/model/sub/mine"]


def test_in_a_shared_destination_only_what_is_still_the_runs_own_goes(store, commit):
    """A file that another run, or somebody by hand, has replaced since is not touched."""
    commit({"a": "one", "b": "two", "c": "six"}, destination="shared")
    commit({"b": "TWO"}, run_id="run2", destination="shared")
    store.write("shared/c", b"by hand")

    assert remove_output(store, "run1", "model") == Removed(files=1, size=3, kept=2)

    assert [info.path for info in store.list()] == ["shared/b", "shared/c"]


def test_what_is_reached_through_a_link_stays(store, commit, tmp_path):
    """A folder that was replaced by a link to another one does not lead the deletion there."""
    commit()
    commit(run_id="run2", destination="azureml/run2/model")
    store.delete("azureml/run1/model", recursive=True)
    (store.root / "azureml/run1/model").symlink_to("../run2/model")

    assert remove_output(store, "run1", "model").files == 0

    assert store.exists("azureml/run2/model/a")


@pytest.mark.parametrize("path", ["../run2/a", "/etc/passwd", "a/../../b", "./a"])
def test_a_manifest_cannot_lead_elsewhere(store, path):
    """Paths that no commit writes stop the removal before a file is touched."""
    manifest = Manifest("run1", "model", "s", "azureml/run1/model", is_file=False, files=(ManifestFile(path, 1, "x"),))
    store.write(manifest_path("run1", "model"), manifest.to_json().encode())
    store.write("azureml/run2/a", b"x")

    with pytest.raises(UserErrorException):
        remove_output(store, "run1", "model")
    assert store.exists("azureml/run2/a")


@pytest.mark.parametrize(("run_id", "path"), [("run2", "d/run2"), ("run1", ".airflow_ml/manifests")])
def test_a_manifest_in_a_wrong_place_is_refused(store, run_id, path):
    """One that is another run's, or lists our own files, was put there by something else."""
    manifest = Manifest(run_id, "model", "s", path, is_file=False, files=(ManifestFile("a", 1, "x"),))
    store.write(manifest_path("run1", "model"), manifest.to_json().encode())

    with pytest.raises(UserErrorException, match="delete it by hand"):
        remove_output(store, "run1", "model")


def test_what_a_cut_commit_left_is_removed_by_its_plan(store, tmp_path, write_tree):
    """Files that were moved before the manifest was written are found by the plan."""
    source = write_tree(tmp_path / "written", FILES)

    class Cut(LocalStore):
        def list(self, folder="", *, recursive=True):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit_output(Cut(store.root), source, destination="d/run1", run_id="run1", output="model", datastore="s")
    assert list(places_in(store, COMMITS_FOLDER)) == [("run1", "model")]

    assert remove_output(store, "run1", "model") == Removed(files=2, size=6)
    assert everything(store) <= {
        ".airflow_ml",
        ".airflow_ml/commits",
        ".airflow_ml/removals",
        ".airflow_ml/staging",
        "d",
    }


DYING = """
import os, signal, sys
from pathlib import Path
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.removal import remove_output

class Dying(LocalStore):
    left = int(sys.argv[2])
    def _die(self):
        Dying.left -= 1
        if Dying.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def write(self, path, content, *, overwrite=True):
        self._die()
        return super().write(path, content, overwrite=overwrite)
    def delete(self, path, *, recursive=False):
        self._die()
        return super().delete(path, recursive=recursive)

remove_output(Dying(Path(sys.argv[1])), "run1", "model")
"""


def test_a_removal_killed_anywhere_is_finished_by_the_next(tmp_path, write_tree):
    """SIGKILL before each single operation: whole, or no output any more and its files still known."""
    for operation in range(20):
        store = LocalStore(tmp_path / f"store {operation}")
        source = write_tree(tmp_path / f"run {operation}", FILES)
        commit_output(store, source, destination="d/run1", run_id="run1", output="model", datastore="s")
        died = subprocess.run([sys.executable, "-c", DYING, store.root, str(operation)])
        if read_manifest(store, "run1", "model") is None:
            left = list(store.list())
            assert not left or list(places_in(store, REMOVALS_FOLDER)) == [("run1", "model")]
            finish_removal(store, "run1", "model")
        else:
            remove_output(store, "run1", "model")

        assert not [path for path in everything(store) if "run1" in path]
        if died.returncode == 0:
            break
    assert operation >= 6


def test_files_that_are_gone_already_are_not_counted(store, commit):
    """Somebody else removed them."""
    commit()
    store.delete("azureml/run1/model/a")

    assert remove_output(store, "run1", "model") == Removed(files=1, size=3)
