"""
What every kind of store has in common, as `airflow_ml.storage.protocol` says it.

A new kind enters `KINDS` with the name of a fixture that gives an empty store.
"""

import hashlib
import os

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.azure.share_store import FileShareStore
from airflow_ml.storage.protocol import StoredFile, Upload

KINDS = ["store", "share_store", pytest.param("blob_store", marks=pytest.mark.azurite)]


@pytest.fixture(params=KINDS)
def any_kind(request):
    """An empty store of each kind."""
    return request.getfixturevalue(request.param)


def paths(store, folder="", **options):
    """Return the paths of a listing."""
    return [info.path for info in store.list(folder, **options)]


@pytest.mark.parametrize(
    "name",
    ["with space", "100%", "%20", "a#b", "a+b", "what?", "a&b=c", "😀 zażółć", "a\\b", "dot.", ".hidden", "k" * 250],
)
def test_names_are_taken_literally(any_kind, name):
    """Whatever a name consists of, it is the same file for every operation."""
    if isinstance(any_kind, FileShareStore) and set(name) & {"?", "\\"}:
        with pytest.raises(UserErrorException, match="which Azure file shares take in no name"):
            any_kind.write(f"d/{name}", b"content")
        return
    any_kind.write(f"d/{name}", b"content")

    assert paths(any_kind, "d") == [f"d/{name}"]
    assert any_kind.open_read(f"d/{name}").read() == b"content"
    assert any_kind.copy(f"d/{name}", f"copy/{name}").size == any_kind.stat(f"copy/{name}").size == 7
    any_kind.delete(f"d/{name}")
    assert paths(any_kind) == [f"copy/{name}"]


@pytest.mark.parametrize("path", ["/absolute", "../out", "a/../b", "nul\0", ".aml-tmp-x"])
def test_what_is_no_path_is_refused_everywhere(any_kind, path):
    """Before anything is looked at."""
    for use in (any_kind.stat, any_kind.open_read, any_kind.delete, lambda path: any_kind.write(path, b"")):
        with pytest.raises(UserErrorException, match="path "):
            use(path)


def test_the_root_is_no_file(any_kind):
    """It cannot be written, read or deleted."""
    for use in (any_kind.open_read, any_kind.delete, lambda path: any_kind.write(path, b"")):
        with pytest.raises((UserErrorException, FileNotFoundError)):
            use("")


def test_listings_are_in_order_and_hide_what_is_ours(any_kind):
    """By whole paths; folders are entered unless told otherwise; `.airflow_ml` shows only when asked for."""
    for path in ("b", "a/c", "a/b/d", "a-", ".airflow_ml/manifests/x.json"):
        any_kind.write(path, b"")

    assert paths(any_kind) == ["a-", "a/b/d", "a/c", "b"]
    assert paths(any_kind, recursive=False) == ["a-", "b"]
    assert paths(any_kind, "a") == ["a/b/d", "a/c"]
    assert paths(any_kind, "nothing") == []
    assert paths(any_kind, ".airflow_ml/manifests") == [".airflow_ml/manifests/x.json"]
    assert [any_kind.is_folder(path) for path in ("a", "a/b", "b", "nothing")] == [True, True, False, False]


def test_a_file_is_read_from_anywhere(any_kind):
    """What is opened can be gone through in any order, as parquet's readers do, and read whole."""
    content = bytes(range(256)) * 2000
    any_kind.write("f", content)
    any_kind.write("empty", b"")

    with any_kind.open_read("f") as stream:
        stream.seek(-10, os.SEEK_END)
        assert stream.read() == content[-10:]
        stream.seek(300_000)
        assert stream.read(5) == content[300_000:300_005]
        stream.seek(0)
        assert stream.read() == content
    assert any_kind.open_read("empty").read() == b""


def test_an_etag_changes_with_the_content(any_kind, tmp_path):
    """It is the same for every look at the same file, and a copy under an old one fails."""
    first = any_kind.write("f", b"one")
    assert first.etag == any_kind.stat("f").etag == next(iter(any_kind.list())).etag
    second = any_kind.write("f", b"two")

    assert second.etag != first.etag
    with pytest.raises(ServiceException, match="changed"):
        any_kind.get("f", tmp_path / "f", etag=first.etag)
    any_kind.get("f", tmp_path / "f", etag=second.etag)
    assert (tmp_path / "f").read_bytes() == b"two"


def test_a_file_is_created_once(any_kind):
    """Without `overwrite`, what is there stays."""
    any_kind.write("f", b"old", overwrite=False)

    with pytest.raises(FileExistsError):
        any_kind.write("f", b"new", overwrite=False)
    with pytest.raises(FileExistsError):
        any_kind.copy("f", "f", overwrite=False)
    assert any_kind.open_read("f").read() == b"old"


def test_what_is_missing_is_told(any_kind, tmp_path):
    """By FileNotFoundError; deleting it is no error."""
    for use in (any_kind.stat, any_kind.open_read, lambda path: any_kind.get(path, tmp_path / "f")):
        with pytest.raises(FileNotFoundError, match="no/file"):
            use("no/file")
    with pytest.raises(FileNotFoundError):
        any_kind.copy("no/file", "f")
    assert not any_kind.exists("no/file")
    assert not (tmp_path / "f").exists()
    any_kind.delete("no/file")
    any_kind.delete("no", recursive=True)


def test_a_folder_is_deleted_whole_and_nothing_else(any_kind):
    """Names that only begin like it stay."""
    for path in ("d/a", "d/e/b", "de", "d.txt"):
        any_kind.write(path, b"x")

    any_kind.delete("d", recursive=True)

    assert paths(any_kind) == ["d.txt", "de"]


def test_many_files_replace_old_ones(any_kind, tmp_path):
    """What is told of each is what is there; others stay; nothing is left behind."""
    files = {"d/a": b"one", "d/sub/b": b"", "d/c d": b"three" * 1000}
    for path in ("d/a", "d/old"):
        any_kind.write(path, b"old")
    uploads = []
    for number, (path, content) in enumerate(files.items()):
        (tmp_path / f"source {number}").write_bytes(content)
        uploads.append(Upload(tmp_path / f"source {number}", path))

    stored = any_kind.put_files(uploads, token="t")

    expected = {**files, "d/old": b"old"}
    assert {path: any_kind.open_read(path).read() for path in paths(any_kind)} == expected
    assert stored == tuple(
        StoredFile(path, len(content), hashlib.sha256(content).hexdigest(), any_kind.stat(path).etag)
        for path, content in files.items()
    )
    assert paths(any_kind, ".airflow_ml") == []
    assert any_kind.put_files([], token="t") == ()
