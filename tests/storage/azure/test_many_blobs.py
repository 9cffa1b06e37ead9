"""Containers with many blobs, and with those of other tools."""

import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.azure.blobs import ANY

pytestmark = pytest.mark.azurite

IS_SOAK = bool(os.environ.get("AIRFLOW_ML_SOAK"))
COUNT, PAGE = (100_000, 5_000) if IS_SOAK else (600, 100)


@pytest.fixture
def pages(monkeypatch):
    """Make the pages of listings as many as those of a large container, unless the container is a large one."""
    monkeypatch.setattr("airflow_ml.storage.azure.blob_listing.PAGE", PAGE)


def write(store, names):
    """Write a blob for each name, several at once."""
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda name: store.write(name, name.encode()), names):
            pass


@pytest.mark.soak
def test_a_listing_of_many_pages_is_whole_and_takes_little_memory(blob_store, pages):
    """Each blob once, in order; memory does not grow with their number."""
    names = [f"d/{number % 10}/{number:06}" for number in range(COUNT)]
    write(blob_store, names)

    tracemalloc.start()
    count, last = 0, ""
    for info in blob_store.list("d"):
        assert info.path > last
        count, last = count + 1, info.path
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (count, last) == (COUNT, max(names))
    assert peak < 40_000_000
    assert sum(1 for _ in blob_store.list("d/7")) == COUNT // 10
    assert blob_store.is_folder("d/9")


def test_late_characters_in_a_later_page_are_put_in_order(blob_store, pages):
    """From the first emoji on the rest is sorted, wherever its page is."""
    names = [*(f"{number:03}" for number in range(150)), "😀/a", "\uff21", "😁"]
    write(blob_store, names)

    assert [info.path for info in blob_store.list()] == sorted(names)


def test_containers_with_marks_of_folders_are_listed_in_order(blob_store, pages):
    """As accounts with a hierarchical name space have them, in more pages than one and with all there is."""
    for mark in ("d", "d/e", "d/e-f"):
        blob_store.blobs.put(mark, b"", {"x-ms-meta-hdi_isfolder": "true"}, ANY)
    blob_store.blobs.put("d/", b"", {}, ANY)
    names = [*(f"d/e/{number:03}" for number in range(120)), "d-", "d/e-", "d/e-f/x", "d/unmarked/y", "z"]
    write(blob_store, names)

    assert [info.path for info in blob_store.list()] == sorted(names)
    assert [info.path for info in blob_store.list("d/e", recursive=False)] == names[:120]
    assert [info.path for info in blob_store.list("d", recursive=False)] == ["d/e-"]


def test_marks_of_folders_in_a_later_page_are_put_in_order(blob_store, pages):
    """A lake's listing may begin with any number of files; each is given once."""
    blob_store.blobs.put("d", b"", {"x-ms-meta-hdi_isfolder": "true"}, ANY)
    names = [*(f"a{number:03}" for number in range(150)), "d-", "d/x", "d/y/z", "e"]
    write(blob_store, names)

    assert [info.path for info in blob_store.list()] == sorted(names)


def test_a_backslash_that_comes_too_late_is_told(blob_store, pages):
    """Sorting a listing of any length would take any memory; unsorted, whoever merges would miss files."""
    write(blob_store, [*(f"az{number:03}" for number in range(150)), "a\\b"])

    with pytest.raises(UserErrorException, match=r"'a\\\\b': is out of its order .* put such files into a folder"):
        list(blob_store.list())


def test_a_large_folder_is_deleted_whole(blob_store, pages):
    """Page after page, with what only stands for a folder."""
    write(blob_store, [*(f"d/{number}" for number in range(250)), "de"])

    blob_store.delete("d", recursive=True)

    assert [info.path for info in blob_store.list()] == ["de"]


NAMES = ["plain", "with space", "%20", "a+b", "#?&", "emoji 😀", "dot.", "d/e./f", "zażółć"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_those_of_azures_own_library(azurite, blob_store, name):
    """What the one writes the other reads, under the same name, with the MD5."""
    from azure.storage.blob import ContainerClient

    container = blob_store.client.address.container
    theirs = ContainerClient.from_connection_string(azurite.connection_string, container)
    theirs.upload_blob(f"theirs/{name}", b"theirs")
    ours = blob_store.write(f"ours/{name}", b"ours")

    assert blob_store.open_read(f"theirs/{name}").read() == b"theirs"
    assert blob_store.stat(f"theirs/{name}").digest.startswith("md5:")
    (listed,) = theirs.list_blobs("ours/")
    assert (listed.name, listed.size, listed.etag.strip('"')) == (ours.path, 4, ours.etag)
    assert theirs.download_blob(ours.path).readall() == b"ours"
