"""Copies that the service makes by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest
from servers.azurite import ACCOUNT, KEY, OTHER_ACCOUNT

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.azure import blob_copying
from airflow_ml.storage.azure.signing import sign_container
from airflow_ml.storage.factory import StoreContext, open_store
from airflow_ml.storage.local import LocalStore

pytestmark = pytest.mark.azurite

NAME = "d/source + %20"


@pytest.fixture
def other_account(azurite):
    """A container of another account on the same server."""
    with replace(azurite, account=OTHER_ACCOUNT).new_store() as store:
        yield store


@pytest.fixture
def other_container(azurite):
    """Another container of the same account."""
    with azurite.new_store() as store:
        yield store


@pytest.fixture(params=["other_container", "other_account"])
def target(request):
    """A store that is copied to."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("content", [b"", b"content" * 100])
def test_a_blob_is_copied_without_passing_through_here(blob_store, target, content):
    """Between containers and between accounts, with its digest."""
    source = blob_store.write(NAME, content)

    info = target.copy_from(blob_store, NAME, "copy", etag=source.etag)

    assert target.open_read("copy").read() == content
    assert (info.size, info.digest) == (len(content), source.digest)
    assert target.stat("copy") == info


def test_a_blob_is_copied_in_ranges(blob_store, other_account, monkeypatch):
    """What is too large for one request becomes a blob of many blocks."""
    monkeypatch.setattr(blob_copying, "_RANGE", 1000)
    content = bytes(range(256)) * 20
    source = blob_store.write(NAME, content)

    other_account.copy_from(blob_store, NAME, "copy", etag=source.etag)

    assert other_account.open_read("copy").read() == content


def test_a_token_is_enough_to_read_from(azurite, blob_store, target):
    """The source may be known by a token alone."""
    container = blob_store.client.address.container
    token = sign_container(ACCOUNT, KEY, container, permissions="r", lifetime=timedelta(hours=1))
    source = open_store(
        azurite.settings(container, auth="sas"), StoreContext("s", credentials=lambda: {"sas_token": token})
    )
    etag = blob_store.write(NAME, b"x").etag

    assert target.copy_from(source, NAME, "copy", etag=etag).size == 1


def test_another_file_than_was_meant_is_not_copied(blob_store, target):
    """The source was replaced since it was looked at."""
    old = blob_store.write(NAME, b"old")
    blob_store.write(NAME, b"new")

    with pytest.raises(ServiceException, match="changed meanwhile"):
        target.copy_from(blob_store, NAME, "copy", etag=old.etag)
    assert not target.exists("copy")


def test_a_copy_can_be_made_conditional(blob_store, target):
    """Without `overwrite` what is there stays."""
    source = blob_store.write(NAME, b"new")
    target.write("copy", b"old")

    with pytest.raises(FileExistsError):
        target.copy_from(blob_store, NAME, "copy", etag=source.etag, overwrite=False)
    assert target.open_read("copy").read() == b"old"
    assert target.copy_from(blob_store, NAME, "copy", etag=source.etag).size == 3


def test_a_source_that_is_not_there_is_told(blob_store, target):
    """Where a copy fails for another reason, the bytes can still pass through here; not so here."""
    with pytest.raises(FileNotFoundError, match="'no/file'"):
        target.copy_from(blob_store, "no/file", "copy", etag="0x1")


def test_where_the_service_cannot_reach_nothing_is_copied(blob_store, other_account, tmp_path):
    """A folder of this machine, or an account whose key is wrong: the bytes have to pass through here."""
    local = LocalStore(tmp_path)
    local.write("f", b"x")
    source = other_account.write("f", b"x")
    other_account.client.credentials._current = replace(other_account.client.credentials.current, key="d3Jvbmc=")

    assert blob_store.copy_from(local, "f", "copy", etag=local.stat("f").etag) is None
    assert blob_store.copy_from(other_account, "f", "copy", etag=source.etag) is None
