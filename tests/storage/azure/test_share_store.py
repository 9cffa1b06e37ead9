"""A file share as a store, against a stand-in of the service; rules of every store are in `test_every_store.py`."""

import hashlib

import pytest
from servers.file_share import ACCOUNT

from airflow_ml.exceptions import AuthenticationException, ServiceException, UserErrorException
from airflow_ml.storage.azure import share_parts, share_store
from airflow_ml.storage.factory import StoreContext, open_store


@pytest.fixture
def small_ranges(monkeypatch):
    """Ranges of four bytes, so that small files have many."""
    monkeypatch.setattr(share_parts, "RANGE_SIZE", 4)
    monkeypatch.setattr(share_store, "RANGE_SIZE", 4)


def shares_seen(server):
    """Return the files of the share that are not on their way."""
    root = server.root / "data"
    return sorted(
        str(place.relative_to(root))
        for place in root.rglob("*")
        if place.is_file() and ".airflow_ml" not in place.parts
    )


def with_token(server, tokens):
    """Return a store that is opened by tokens, one after the other as it asks."""
    settings = {"kind": "azure_file", "account": ACCOUNT, "share": "data", "protocol": "http", "auth": "sas"}
    context = StoreContext("files", credentials=lambda: {"sas_token": f"sv=2025-01-05&sig={tokens.pop(0)}"})
    return open_store({**settings, "endpoint": server.url}, context)


def test_a_file_goes_and_comes_in_ranges(share_store, share_server, small_ranges, tmp_path):
    """It is whole at its path or absent, its MD5 is kept, and both ways go range by range."""
    info = share_store.write("folder/sub/a.txt", b"0123456789")

    assert (info.size, info.digest) == (10, f"md5:{hashlib.md5(b'0123456789').hexdigest()}")
    share_store.get("folder/sub/a.txt", tmp_path / "a", etag=info.etag)
    assert (tmp_path / "a").read_bytes() == share_store.open_read("folder/sub/a.txt").read() == b"0123456789"
    assert sum(comp == "range" for _, _, comp in share_server.requests) == 3
    assert [item.etag for item in share_store.list("folder")] == [info.etag]


def test_a_stream_that_is_read_whole_is_few_requests(share_store, share_server):
    """Whoever reads a file to its end does not ask for it in pieces of a few kilobytes."""
    share_store.write("a", bytes(1 << 20))
    share_server.requests.clear()

    assert len(share_store.open_read("a").read()) == 1 << 20
    assert len(share_server.requests) <= 4


def test_parts_that_have_arrived_are_not_sent_again(share_store, share_server, small_ranges):
    """A try under the same token goes on where the last one was cut; nothing is seen before all is there."""
    first = share_store.begin("big", size=18, part_size=8, token="t")
    first.put(1, b"89abcdef")
    with pytest.raises(ServiceException, match="2 parts have not arrived"):
        first.finish()
    assert shares_seen(share_server) == []

    second = share_store.begin("big", size=18, part_size=8, token="t")
    assert second.arrived == {1}
    second.put(0, b"01234567")
    second.put(2, b"gh")
    second.finish(overwrite=False)

    assert share_store.open_read("big").read() == b"0123456789abcdefgh"
    assert share_store.begin("big", size=18, part_size=8, token="other").arrived == set()


def test_two_writers_of_one_file_lose_nothing(share_store, share_server, small_ranges, monkeypatch):
    """Whoever begins in the same moment goes on with what the other one sends, instead of beginning over it."""
    real, others = share_store._share.rename, []

    def rename(source, target, *, overwrite):
        if not others:
            others.append("begins now")
            others[0] = share_store.begin("big", size=8, part_size=4, token="t")
            others[0].put(0, b"0123")
        real(source, target, overwrite=overwrite)

    monkeypatch.setattr(share_store._share, "rename", rename)
    second = share_store.begin("big", size=8, part_size=4, token="t")

    assert second.arrived == {0}
    second.put(1, b"4567")
    second.finish()
    assert share_store.open_read("big").read() == b"01234567"


def test_a_cut_write_leaves_nothing(share_store, share_server, small_ranges):
    """A service that refuses in the middle leaves the old file as it was, and nothing on its way."""
    share_store.write("a", b"old")

    def cut():
        yield b"0123"
        share_server.failures.append((400, "InvalidInput"))
        yield b"4567"

    pieces = cut()

    class Stream:
        def read(self, size):
            return next(pieces, b"")

    with pytest.raises(UserErrorException, match=r"datastore 'files': write of 'a': refused \(400 InvalidInput\)"):
        share_store.write("a", Stream())

    assert share_store.open_read("a").read() == b"old"
    assert [place for place in (share_server.root / "data").rglob("*") if place.is_file()] == [
        share_server.root / "data" / "a"
    ]


def test_a_file_is_created_once(share_store):
    """Without overwriting, a path that is taken is an error and its file is left alone."""
    share_store.write("a", b"old")

    with pytest.raises(FileExistsError, match="the path is taken"):
        share_store.write("a", b"new", overwrite=False)
    writer = share_store.begin("a", size=3, part_size=3, token="t")
    writer.put(0, b"new")
    with pytest.raises(FileExistsError, match="the path is taken"):
        writer.finish(overwrite=False)
    assert share_store.open_read("a").read() == b"old"


def test_a_changed_file_is_noticed(share_store):
    """Bytes of two contents never end up in one file."""
    info = share_store.write("a", b"one")
    share_store.write("a", b"two")

    with pytest.raises(ServiceException, match="was changed while it was read"):
        share_store.read_range("a", 0, 3, etag=info.etag)


def test_an_expired_token_is_asked_for_again(share_store, share_server):
    """A token that is refused in the middle is replaced by the one that the datastore has now; it is in no error."""
    share_store.write("a", b"x")
    store = with_token(share_server, ["good", "fresh"])
    assert store.exists("a")

    share_server.allowed = {"fresh"}
    assert store.open_read("a").read() == b"x"
    share_server.allowed = set()
    with pytest.raises(AuthenticationException, match="has expired; register") as error:
        with_token(share_server, ["s3cret", "s3cret"]).stat("a")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("failure", "error", "said"),
    [
        ((404, "ShareNotFound"), UserErrorException, "the share is not there; create it"),
        ((403, "AuthorizationFailure"), AuthenticationException, "register the datastore with a new one"),
        ((400, "InvalidUri"), UserErrorException, "does not take this"),
    ],
)
def test_refusals_say_what_to_do(share_store, share_server, failure, error, said):
    """An error names the datastore, the path, the service's code and the way out."""
    share_server.failures = [failure] * 3

    with pytest.raises(error, match=said) as found:
        share_store.stat("folder/a")
    assert "datastore 'files'" in str(found.value)
    assert "'folder/a'" in str(found.value)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a:b", "a|b", "a<b", "a*b", "a?b", "a\nb", "k" * 256])
def test_names_that_shares_do_not_take_are_told_before(share_store, share_server, name):
    """The service's rules for names are known here, so that nothing is sent."""
    share_server.requests.clear()

    with pytest.raises(UserErrorException, match=r"take[s]? "):
        share_store.write(f"d/{name}", b"")
    assert share_server.requests == []
