"""Commits that are killed anywhere: the next one finishes them."""

import subprocess
import sys

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.commit import commit_output, verify
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.manifests import read_manifest

WHERE = {"run_id": "run1", "output": "model", "datastore": "blobs"}

DYING = """
import os, signal, sys
from pathlib import Path
from airflow_ml.storage.commit import commit_output
from airflow_ml.storage.local import LocalStore

class Dying(LocalStore):
    left = int(sys.argv[4])
    def _die(self):
        Dying.left -= 1
        if Dying.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    def adopts(self, source):
        return sys.argv[3] == "rename"
    def adopt(self, source, path):
        self._die()
        return super().adopt(source, path)
    def write(self, path, content, *, overwrite=True):
        self._die()
        return super().write(path, content, overwrite=overwrite)
    def _gather(self, target, upload):
        self._die()
        return super()._gather(target, upload)
    def _put_in_place(self, gathered, path):
        self._die()
        return super()._put_in_place(gathered, path)
    def delete(self, path, *, recursive=False):
        self._die()
        return super().delete(path, recursive=recursive)

store = Dying(Path(sys.argv[1]))
commit_output(store, Path(sys.argv[2]), destination="d", run_id="run1", output="model", datastore="blobs")
"""


@pytest.mark.parametrize("way", ["rename", "copy"])
def test_a_commit_killed_anywhere_is_finished_by_the_next(tmp_path, write_tree, way):
    """SIGKILL before each single operation: never a manifest over half an output, and a second call completes it."""
    files = {"a": "one", "b": "two", "sub/c": "three"}
    expected = {f"d/{path}": text for path, text in {**files, "link": "one"}.items()}
    for operation in range(100):
        store = LocalStore(tmp_path / f"store {operation}")
        source = write_tree(tmp_path / f"run {operation}", files)
        (source / "link").symlink_to("a")
        died = subprocess.run([sys.executable, "-c", DYING, store.root, source, way, str(operation)])
        seen = read_manifest(store, "run1", "model")
        if seen is not None:
            assert verify(store, seen) == []

        manifest = commit_output(store, source, destination="d", **WHERE)

        texts = {info.path: store.open_read(info.path).read().decode() for info in store.list("")}
        assert texts == expected
        assert len(manifest.files) == 4
        ours = {place.name for place in (store.root / ".airflow_ml").rglob("*") if place.is_file()}
        assert ours == {"model.json"}
        assert not store.exists(".airflow_ml/commits/run1/model.json")
        if died.returncode == 0:
            break
    assert operation >= 8


def test_what_was_lost_between_two_tries_is_told(store, output, write_tree):
    """If a file is neither where it was nor where it goes, there is no output and an error that names it."""
    write_tree(output, {"a": "x", "b": "y"})
    subprocess.run([sys.executable, "-c", DYING, store.root, output, "rename", "2"])
    (output / "b").unlink()

    with pytest.raises(ServiceException, match=r"'b' is neither at .* run the step again"):
        commit_output(store, output, destination="d", **WHERE)
    assert read_manifest(store, "run1", "model") is None
