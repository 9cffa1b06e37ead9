"""Trees between this machine and a store."""

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.protocol import Upload
from airflow_ml.storage.transfer import download, get_tree, put_file, put_tree, upload


def read_tree(root):
    """Return the texts of all files by relative path."""
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_tree_goes_up_and_comes_back(store, tmp_path, write_tree):
    """Relative paths and contents survive both ways."""
    files = {"a.txt": "1", "sub dir/b%20.txt": "2", ".hidden": "3"}
    source = write_tree(tmp_path / "source", files)

    assert put_tree(store, source, "up/here") == 3
    assert get_tree(store, "up/here", tmp_path / "back") == 3
    assert read_tree(tmp_path / "back") == files


def test_existing_files_are_skipped_without_overwrite(store, tmp_path, fill):
    """Without overwrite what is there stays, and does not count as written."""
    fill(store, {"a": "old"})
    (tmp_path / "a").write_text("new")

    assert not put_file(store, tmp_path / "a", "a")
    assert (store.root / "a").read_text() == "old"
    assert put_file(store, tmp_path / "a", "a", overwrite=True)
    assert (store.root / "a").read_text() == "new"


def test_download_keeps_whole_paths_and_takes_a_text_prefix(store, tmp_path, fill):
    """A download lands under the target with the store's whole path (v1)."""
    fill(store, {"x/ab/1": "1", "x/abc": "2", "y": "3"})

    assert download(store, "x/ab", tmp_path / "t") == 2
    assert read_tree(tmp_path / "t") == {"x/ab/1": "1", "x/abc": "2"}
    assert download(store, "x/ab", tmp_path / "t") == 0
    assert download(store, "x/ab", tmp_path / "t", overwrite=True) == 2


def test_missing_sources_are_named(store, tmp_path):
    """A file or folder that is not there is the caller's error."""
    with pytest.raises(UserErrorException, match=r"gone.*is not a file"):
        upload(store, [Upload(tmp_path / "gone", "x")])
    with pytest.raises(UserErrorException, match=r"gone.*is not a folder"):
        put_tree(store, tmp_path / "gone", "x")


def test_links_out_of_an_uploaded_tree_are_refused(store, tmp_path, write_tree):
    """A link to a file elsewhere does not smuggle it into the store."""
    source = write_tree(tmp_path / "source", {"a": "1"})
    (source / "b").symlink_to("/etc/hostname")

    with pytest.raises(UserErrorException, match="'b': is a link to '/etc/hostname', outside"):
        put_tree(store, source, "up")
    assert list(store.list()) == []
