"""A container of Azure Blob as a store, against Azurite."""

import hashlib
import io

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.azure.blob_entries import digest_metadata
from airflow_ml.storage.azure.blobs import ANY
from airflow_ml.storage.azure.blocks import BLOCK_SIZE
from airflow_ml.storage.azure.client import content_md5

pytestmark = pytest.mark.azurite

NAMES = [
    "plain/name-1.txt",
    "with space",
    "100%",
    "%20",
    "a%2Fb",
    "hash#tag",
    "plus+plus",
    "what?",
    "this&that=1",
    "emoji 😀/zażółć",
    "back\\slash",
    "full\uff3cwidth and \u201bquoted\u201b\uff3c",
    "dot.",
    "dots./deep.",
    "~tilde'quote\"<>|*",
    "k" * 1000,
    "Case",
    "case",
    "tab\tand newline\n",
]


def without_time(info):
    """Return what is known of a file but for the time, which a write may take from this machine's clock."""
    return info.path, info.size, info.etag, info.digest


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_literally(blob_store, name):
    """Whatever a name consists of, writing, listing, reading, copying and deleting mean the same file."""
    written = blob_store.write(f"d/{name}", b"content")

    assert [without_time(info) for info in (*blob_store.list("d"), blob_store.stat(f"d/{name}"))] == [
        without_time(written)
    ] * 2
    assert blob_store.open_read(f"d/{name}").read() == b"content"
    assert blob_store.copy(f"d/{name}", f"copy/{name}").digest == written.digest
    blob_store.delete(f"d/{name}")
    assert [info.path for info in blob_store.list()] == [f"copy/{name}"]


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) < 100])
def test_a_folder_may_have_such_a_name(blob_store, name):
    """It is found, listed and deleted with what is in it, and nothing else is."""
    blob_store.write(f"{name}/file", b"x")
    blob_store.write("other", b"x")

    assert blob_store.is_folder(name)
    assert [info.path for info in blob_store.list(name)] == [f"{name}/file"]
    blob_store.delete(name, recursive=True)
    assert [info.path for info in blob_store.list()] == ["other"]


def test_names_that_differ_in_case_are_two_files(blob_store):
    """As on Linux, and unlike Windows."""
    blob_store.write("Data", b"1")
    blob_store.write("data", b"2")

    assert [blob_store.open_read(info.path).read() for info in blob_store.list()] == [b"1", b"2"]


def test_listings_are_in_the_order_of_code_points(blob_store):
    """The service has emoji before other late characters, and backslashes late; whoever merges needs one order."""
    names = ["a\\b", "a]", "a b", "😀", "\ufffd", "z"]
    for name in names:
        blob_store.write(name, b"")

    assert [info.path for info in blob_store.list()] == sorted(names)


def test_a_name_that_is_too_long_is_refused(blob_store):
    """The service's limit is told before anything is sent."""
    with pytest.raises(UserErrorException, match="has 1025 characters, Azure takes 1024"):
        blob_store.write("k" * 1025, b"")


@pytest.mark.parametrize("name", ["a//b", "/a", "a/./b", "a/"])
def test_a_blob_that_no_path_means_stops_a_listing(blob_store, name):
    """Such a blob of another tool could not be read; leaving it out would go unnoticed."""
    blob_store.blobs.put(name, b"x", {}, ANY)

    with pytest.raises(UserErrorException, match="rename it, or use a folder that it is not in"):
        list(blob_store.list())


def test_marks_of_folders_are_no_files(blob_store):
    """Portals and tools make blobs that only stand for a folder; they are deleted with it."""
    blob_store.blobs.put("marked/", b"", {}, ANY)
    blob_store.blobs.put("marked/sub", b"", {"x-ms-meta-hdi_isfolder": "true"}, ANY)
    blob_store.write("marked/sub/file", b"x")

    assert [info.path for info in blob_store.list("marked")] == ["marked/sub/file"]
    assert not blob_store.exists("marked/sub")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        blob_store.open_read("marked/sub")
    blob_store.delete("marked", recursive=True)
    assert not blob_store.is_folder("marked")


def test_folders_are_there_when_files_are(blob_store):
    """There are no empty folders; listings enter folders only when they are asked to."""
    blob_store.make_folder("empty")
    blob_store.write("d/a", b"")
    blob_store.write("d/e/b", b"")
    blob_store.write("de", b"")

    assert [blob_store.is_folder(path) for path in ("", "d", "d/e", "empty", "d/a")] == [True, True, True, False, False]
    assert [info.path for info in blob_store.list("d")] == ["d/a", "d/e/b"]
    assert [info.path for info in blob_store.list("d", recursive=False)] == ["d/a"]
    assert list(blob_store.list("empty")) == []


def test_our_own_files_are_listed_only_when_asked_for(blob_store):
    """Manifests are no data."""
    blob_store.write(".airflow_ml/manifests/r/o.json", b"{}")
    blob_store.write("data", b"")

    assert [info.path for info in blob_store.list()] == ["data"]
    assert [info.path for info in blob_store.list(".airflow_ml")] == [".airflow_ml/manifests/r/o.json"]


CONTENTS = {"empty": b"", "small": b"x" * 20_000, "in blocks": bytes(range(256)) * (BLOCK_SIZE // 200)}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("form", [bytes, io.BytesIO, "path"])
def test_content_comes_back_as_it_was(blob_store, tmp_path, content, form):
    """From bytes, a stream or a file, in one request or in blocks, read as a stream or copied to a file."""
    (tmp_path / "source").write_bytes(content)

    info = blob_store.write("f", tmp_path / "source" if form == "path" else form(content))

    assert (info.size, info.digest) == (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")
    assert without_time(blob_store.stat("f")) == without_time(info)
    with blob_store.open_read("f") as stream:
        assert stream.read() == content
    blob_store.get("f", tmp_path / "target", etag=info.etag)
    assert (tmp_path / "target").read_bytes() == content
    assert blob_store.read_range("f", 5, 7, etag=info.etag) == content[5:12]


def test_a_blob_can_be_read_from_anywhere(blob_store):
    """Positions, lines and what is behind the end are as with a file."""
    content = b"".join(b"line %07d\n" % number for number in range(200_000))
    blob_store.write("f", content)

    with blob_store.open_read("f") as stream:
        assert stream.seek(-13, io.SEEK_END) == len(content) - 13
        assert stream.read() == content[-13:]
        stream.seek(1_300_000)
        assert (stream.readline(), stream.tell()) == (b"line 0100000\n", 1_300_013)
        stream.seek(len(content) + 5)
        assert stream.read() == b""


def test_a_file_that_changes_is_not_mixed(blob_store, tmp_path):
    """Reading goes on under the ETag that it began with, or fails."""
    old = blob_store.write("f", b"old" * 200_000)
    stream = blob_store.open_read("f")
    blob_store.write("f", b"new" * 200_000)

    with pytest.raises(ServiceException, match="changed meanwhile"):
        stream.read()
    with pytest.raises(ServiceException, match="changed meanwhile"):
        blob_store.get("f", tmp_path / "f", etag=old.etag)
    with pytest.raises(ServiceException, match="changed meanwhile"):
        blob_store.read_range("f", 0, 1, etag=old.etag)
    assert not (tmp_path / "f").exists()


def test_what_is_not_there_is_told(blob_store, tmp_path):
    """Missing files are FileNotFoundError wherever they are asked for; deleting them needs nothing."""
    for read in (blob_store.stat, blob_store.open_read, lambda path: blob_store.get(path, tmp_path / "f")):
        with pytest.raises(FileNotFoundError, match=r"datastore 'blobs', container .*'no/file'"):
            read("no/file")
    with pytest.raises(FileNotFoundError):
        blob_store.copy("no/file", "other")
    assert not blob_store.exists("no/file")
    blob_store.delete("no/file")


@pytest.mark.parametrize("content", [b"new", b"n" * (BLOCK_SIZE + 1)], ids=["small", "in blocks"])
def test_a_path_is_created_once(blob_store, content):
    """Without `overwrite` the service itself decides who was first; with it the file is replaced."""
    blob_store.write("f", b"old")
    with pytest.raises(FileExistsError, match="'f'"):
        blob_store.write("f", content, overwrite=False)
    with pytest.raises(FileExistsError):
        blob_store.copy("f", "f", overwrite=False)

    assert blob_store.open_read("f").read() == b"old"
    assert blob_store.write("f", content).size == len(content)


def test_the_note_of_another_content_is_not_believed(blob_store):
    """Tools that change the content and keep the metadata leave an MD5 that does not fit the note any more."""
    sha256 = hashlib.sha256(b"old").hexdigest()
    for stale in (digest_metadata(sha256, size=3, md5=content_md5(b"old")), digest_metadata(sha256, size=3)):
        blob_store.blobs.put("f", b"new", stale, ANY)

        assert blob_store.stat("f").digest == f"md5:{hashlib.md5(b'new').hexdigest()}"
        assert blob_store.stat("f") == next(blob_store.list())


def test_the_identity_tells_containers_apart_and_holds_no_secret(azurite):
    """The same text in every process, for the same container only."""
    one, other = azurite.open("one"), azurite.open("other")

    assert one.identity == f"azure_blob:{azurite.endpoint}/devstoreaccount1/one" != other.identity
    assert azurite.key not in f"{one!r}{one.client.credentials!r}{one.client.credentials.current!r}"
