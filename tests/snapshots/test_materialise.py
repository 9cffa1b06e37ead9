"""Snapshots written back into a folder."""

import hashlib
import json

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.snapshots.capture import capture, hash_only
from airflow_ml.snapshots.materialise import materialise
from airflow_ml.snapshots.protocol import object_path, tree_path


def test_what_comes_back_is_what_went_in(store, source, tmp_path):
    """Contents and execute bits are restored: the copy's snapshot is the same."""
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    snapshot = capture(source, store)

    files = materialise(store, snapshot.id, tmp_path / "a/b")

    assert files == snapshot.files
    assert hash_only(tmp_path / "a/b") == snapshot


def test_a_second_try_replaces_what_a_cut_one_left(store, source, tmp_path):
    """Half files and even links in the way are replaced."""
    snapshot = capture(source, store)
    (tmp_path / "code").mkdir()
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "code/train.py").symlink_to(tmp_path / "precious")

    materialise(store, snapshot.id, tmp_path / "code")

    assert hash_only(tmp_path / "code") == snapshot
    assert (tmp_path / "precious").read_text() == "keep"


def test_an_unknown_snapshot_is_told(store, tmp_path):
    """An id that the store does not have says what to do."""
    with pytest.raises(ServiceException, match="snapshot 'abc': is not in the workspace's store"):
        materialise(store, "abc", tmp_path / "code")


def test_a_missing_object_names_the_file(store, source, tmp_path):
    """Content that was deleted is told with the path that needs it."""
    snapshot = capture(source, store)
    store.delete(object_path(snapshot.files[0].sha256))

    with pytest.raises(ServiceException, match=r"content of 'lib/model.py' .* is not in the workspace's store"):
        materialise(store, snapshot.id, tmp_path / "code")


def test_a_damaged_object_is_never_run(store, source, tmp_path):
    """Content that no longer fits its digest is refused, and its file is not left."""
    snapshot = capture(source, store)
    store.write(object_path(snapshot.files[1].sha256), b"print('evil')\n")

    with pytest.raises(ServiceException, match=r"'train.py' .* was damaged in the store"):
        materialise(store, snapshot.id, tmp_path / "code")
    assert not (tmp_path / "code/train.py").exists()


def test_a_damaged_tree_is_refused(store, source, tmp_path):
    """The list of files is checked against the id."""
    snapshot = capture(source, store)
    store.write(tree_path(snapshot.id), b'{"files":[],"version":1}')

    with pytest.raises(ServiceException, match="its list of files was damaged"):
        materialise(store, snapshot.id, tmp_path / "code")


@pytest.mark.parametrize("path", ["../out", "/tmp/out", "a/../../out"])
def test_a_made_up_tree_cannot_write_elsewhere(store, tmp_path, path):
    """Paths that lead out of the target are refused even if the digest fits."""
    text = json.dumps({"version": 1, "files": [[path, 1, "0" * 64, False]]}).encode()
    made_up = hashlib.sha256(text).hexdigest()
    store.write(tree_path(made_up), text)

    with pytest.raises(ServiceException, match="leads out of its folder"):
        materialise(store, made_up, tmp_path / "code")
