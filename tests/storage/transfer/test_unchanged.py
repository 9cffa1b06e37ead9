"""What is unchanged is not moved again."""

import pytest

from airflow_ml.storage.protocol import Upload
from airflow_ml.storage.transfer import TransferMemory, fetch_files, get_tree, put_tree, upload

pytestmark = pytest.mark.azurite


def writes(proxy):
    """Return how many requests have carried content up."""
    return sum(request.method == "PUT" for request in proxy.requests)


def test_an_unchanged_tree_is_one_listing(far_store, proxy, memory, write_tree, tmp_path, monkeypatch):
    """With a memory of what was equal nothing is read; without one the digests are compared."""
    monkeypatch.setattr("airflow_ml.hashing.stat_cache.GRANULARITY_NS", 0)
    source = write_tree(tmp_path / "source", {f"d/f{number}": str(number) for number in range(20)})
    put_tree(far_store, source, "up", memory=memory)

    for known in (memory, TransferMemory(tmp_path / "memory"), None):
        proxy.reset()
        assert put_tree(far_store, source, "up", overwrite=True, memory=known) == 20
        assert (writes(proxy), proxy.up) == (0, 0)
        assert len(proxy.requests) <= 2


def test_what_was_changed_is_sent(far_store, blob_store, proxy, memory, write_tree, tmp_path):
    """On either side, with the same size or another."""
    source = write_tree(tmp_path / "source", {f"f{number}": "x" for number in range(20)})
    put_tree(far_store, source, "up", memory=memory)
    (source / "f1").write_text("y")
    (source / "f2").write_text("longer")
    blob_store.write("up/f3", b"z")
    blob_store.delete("up/f4")
    proxy.reset()

    assert put_tree(far_store, source, "up", overwrite=True, memory=memory) == 20
    assert writes(proxy) == 4
    assert {info.path: blob_store.open_read(info.path).read() for info in blob_store.list("up")} == {
        f"up/{place.name}": place.read_bytes() for place in source.iterdir()
    }


def test_what_was_downloaded_is_not_downloaded_again(far_store, blob_store, proxy, memory, tmp_path):
    """Only what has changed since, here or there."""
    for number in range(5):
        blob_store.write(f"d/f{number}", b"x")
    get_tree(far_store, "d", tmp_path / "to", memory=memory)
    (tmp_path / "to/f1").write_text("y")
    blob_store.write("d/f2", b"z")
    (tmp_path / "to/f3").unlink()
    proxy.reset()

    assert get_tree(far_store, "d", tmp_path / "to", memory=memory) == 5
    # The listing, the three, and nothing for the others.
    assert len(proxy.requests) == 4
    assert [(tmp_path / f"to/f{number}").read_bytes() for number in range(5)] == [b"x", b"x", b"z", b"x", b"x"]


def test_an_equal_local_file_is_known_by_its_digest(far_store, blob_store, proxy, memory, tmp_path):
    """A memory that knows nothing costs reading the local file."""
    info = blob_store.write("f", b"x")
    (tmp_path / "f").write_bytes(b"x")

    fetch_files(far_store, [(info, tmp_path / "f")], memory=memory)

    assert proxy.requests == []


def test_one_source_for_each_path(blob_store, tmp_path, write_tree):
    """Of two files for one path the last counts where files are replaced, the first where they stay."""
    source = write_tree(tmp_path / "s", {"a": "a", "b": "b"})
    both = [Upload(source / "a", "x"), Upload(source / "b", "./x")]

    upload(blob_store, both)
    assert blob_store.open_read("x").read() == b"a"
    upload(blob_store, both, overwrite=True)
    assert blob_store.open_read("x").read() == b"b"
