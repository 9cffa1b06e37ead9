"""Blobs in parts: any order, several tries, nothing seen before the end."""

import hashlib

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException

pytestmark = pytest.mark.azurite

CONTENT = bytes(range(250)) * 10
TOKEN = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def begin(blob_store):
    """Function that begins the blob `f`, of three parts unless told."""

    def begin(**changed):
        return blob_store.begin("f", **{"size": len(CONTENT), "part_size": 1000, "token": TOKEN, **changed})

    return begin


def put(writer, *indexes):
    """Send parts."""
    for index in indexes:
        writer.put(index, memoryview(CONTENT)[index * 1000 : (index + 1) * 1000])


def test_parts_may_come_in_any_order(blob_store, begin):
    """The blob is there at the end, with the digest that the token names."""
    writer = begin()
    put(writer, 2, 0)
    assert not blob_store.exists("f")
    put(writer, 1)

    info = writer.finish()

    assert blob_store.open_read("f").read() == CONTENT
    assert (info.size, info.digest) == (len(CONTENT), TOKEN)
    assert blob_store.stat("f") == info


def test_a_later_try_goes_on(blob_store, begin):
    """Parts of the same content that have arrived need not be sent again."""
    put(begin(), 0, 2)

    again = begin()

    assert again.arrived == {0, 2}
    put(again, 1)
    again.finish()
    assert blob_store.open_read("f").read() == CONTENT


@pytest.mark.parametrize("changed", [{"token": "other"}, {"part_size": 500}, {"size": len(CONTENT) - 1}])
def test_parts_of_another_content_do_not_count(begin, changed):
    """Another token, size or size of the parts begins anew."""
    put(begin(), 0, 1, 2)

    assert begin(**changed).arrived == frozenset()


def test_missing_parts_are_told(begin):
    """A blob is never made of some of its parts."""
    writer = begin()
    put(writer, 1)

    with pytest.raises(ServiceException, match="2 of 3 parts have not arrived"):
        writer.finish()


def test_the_end_can_be_made_conditional(blob_store, begin):
    """Without `overwrite` another writer's file stays; with it, it is replaced by the same parts."""
    writer = begin()
    put(writer, 0, 1, 2)
    other = begin(token="other")
    blob_store.write("g", b"")
    put(other, 0, 1, 2)
    other.finish(overwrite=False)

    with pytest.raises((FileExistsError, ServiceException)):
        writer.finish(overwrite=False)
    with pytest.raises(ServiceException, match="another writer has finished the file meanwhile"):
        writer.finish()


def test_finishing_twice_is_finishing_once(blob_store, begin):
    """A lost answer makes the same call come again."""
    writer = begin()
    put(writer, 0, 1, 2)
    writer.finish()

    assert writer.finish().size == len(CONTENT)


def test_too_many_parts_are_refused_before_any_is_sent(begin):
    """The service makes a blob of 50,000 blocks at most."""
    with pytest.raises(UserErrorException, match=r"is 50,001 parts of 1 bytes, Azure takes 50,000"):
        begin(size=50_001, part_size=1)
