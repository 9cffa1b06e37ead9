"""Transfers over a network that fails: complete, or one clear error, nothing half seen, and nothing sent twice."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.storage.blob import generate_container_sas
from servers.fault_proxy import Answered, CutDown, CutUp, Forgotten, LostAnswer, Stalled

from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.storage.factory import StoreContext, open_store
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.protocol import TEMPORARY_PREFIX
from airflow_ml.storage.transfer import StoreCopy, copy_files, download, get_tree, put_file, put_tree

pytestmark = [pytest.mark.azurite, pytest.mark.usefixtures("small_parts")]

PARTS = 10


def is_body(request):
    """Tell whether a request carries a part of a file upwards."""
    return request.method == "PUT" and "comp=block&" in request.target + "&"


def at_byte(proxy, position, fault, *, once):
    """Have the fault where that many bytes have come up, once or for everything from there on."""
    met = []

    def decide(request):
        if (met and once) or proxy.up + request.size <= position:
            return None
        met.append(request)
        return fault(max(position - proxy.up, 0))

    return decide


def names(folder):
    """Return the names in a folder, hidden ones too."""
    return sorted(place.name for place in folder.iterdir())


def visible(folder):
    """Return the names that a user sees in a folder."""
    return [name for name in names(folder) if not name.startswith(TEMPORARY_PREFIX)]


@pytest.mark.parametrize("tenth", range(10))
def test_an_upload_that_is_cut_once_is_whole(far_store, blob_store, proxy, make_file, small_parts, tenth):
    """Whatever the byte, the caller notices nothing."""
    source = make_file("big", PARTS * small_parts)
    proxy.fault = at_byte(proxy, tenth * small_parts + 100, CutUp, once=True)

    assert put_file(far_store, source, "big")
    assert blob_store.open_read("big").read() == source.read_bytes()


@pytest.mark.parametrize("tenth", range(10))
def test_an_upload_that_stays_cut_is_not_seen_and_goes_on(far_store, blob_store, proxy, make_file, small_parts, tenth):
    """The next try sends what is missing alone, and the file has the digest of the whole."""
    source = make_file("big", PARTS * small_parts)
    proxy.fault = at_byte(proxy, tenth * small_parts + 100, CutUp, once=False)

    with pytest.raises(ServiceException, match="big"):
        put_file(far_store, source, "big")
    assert not blob_store.exists("big")
    arrived = sum(blob_store.blobs.uncommitted("big").values())
    proxy.reset()
    assert put_file(far_store, source, "big")
    assert sum(request.size for request in proxy.requests if is_body(request)) == source.stat().st_size - arrived
    assert blob_store.open_read("big").read() == source.read_bytes()
    assert blob_store.stat("big").digest.startswith("sha256:")


@pytest.mark.parametrize("tenth", range(10))
def test_a_download_that_is_cut_once_is_whole(far_store, blob_store, proxy, make_file, small_parts, tmp_path, tenth):
    """Whatever the byte, the caller notices nothing."""
    source = make_file("big", PARTS * small_parts)
    put_file(blob_store, source, "big")
    proxy.fault = lambda request: CutDown(1000 * tenth) if request.number == tenth + 1 else None

    assert download(far_store, "big", tmp_path / "to") == 1
    assert (tmp_path / "to/big").read_bytes() == source.read_bytes()
    assert names(tmp_path / "to") == ["big"]


@pytest.mark.parametrize("tenth", range(10))
def test_a_download_that_stays_cut_is_not_seen_and_goes_on(
    far_store, blob_store, proxy, make_file, small_parts, tmp_path, tenth
):
    """The next try asks for what is missing alone."""
    source = make_file("big", PARTS * small_parts)
    put_file(blob_store, source, "big")
    proxy.fault = lambda request: CutDown(1000) if request.number > tenth else None

    with pytest.raises(ServiceException, match="big"):
        download(far_store, "big", tmp_path / "to")
    assert not (tmp_path / "to").exists() or visible(tmp_path / "to") == []
    proxy.reset()
    assert download(far_store, "big", tmp_path / "to") == 1
    assert (tmp_path / "to/big").read_bytes() == source.read_bytes()
    # One request lists; all others but those of the cut parts have got through.
    assert len(proxy.requests) == 1 + PARTS - tenth
    assert names(tmp_path / "to") == ["big"]


@pytest.mark.parametrize("status", [429, 503])
def test_storms_of_refusals_are_sat_out(far_store, blob_store, proxy, write_tree, tmp_path, status):
    """Each request is refused twice, and all files arrive both ways."""
    files = {f"d{number % 3}/f{number}": str(number) for number in range(40)}
    source, refused = write_tree(tmp_path / "source", files), Counter()

    def refuse_twice(request):
        refused[request.method, request.target] += 1
        return Answered(status, "ServerBusy", "0") if refused[request.method, request.target] <= 2 else None

    proxy.fault = refuse_twice

    assert put_tree(far_store, source, "up") == 40
    assert get_tree(far_store, "up", tmp_path / "back") == 40
    assert {info.path for info in blob_store.list("up")} == {f"up/{path}" for path in files}
    assert all((tmp_path / "back" / path).read_text() == text for path, text in files.items())


def test_a_storm_that_does_not_end_is_one_error_with_the_count(far_store, blob_store, proxy, write_tree, tmp_path):
    """It says how many files have arrived, and the next call sends the others."""
    source = write_tree(tmp_path / "source", {f"f+{number:02}": "x" for number in range(40)})
    proxy.fault = lambda request: Answered(503, "ServerBusy") if request.number > 20 else None

    with pytest.raises(ServiceException, match=r"upload of 40 files: .*busy.*; \d+ of 40 files have arrived"):
        put_tree(far_store, source, "up")
    arrived = len(list(blob_store.list("up")))
    assert 0 < arrived < 40
    proxy.reset()
    assert put_tree(far_store, source, "up") == 40 - arrived
    assert len(list(blob_store.list("up"))) == 40


def test_a_stall_is_a_cut(far_store, blob_store, proxy, make_file, small_parts):
    """A connection on which nothing comes is given up, and the part is sent again."""
    source = make_file("big", 3 * small_parts)
    proxy.fault = lambda request: Stalled() if request.number == 2 else None

    assert put_file(far_store, source, "big")
    assert blob_store.open_read("big").read() == source.read_bytes()


@pytest.mark.parametrize("size", [10, 3 << 16], ids=["small", "in parts"])
def test_a_file_that_was_acknowledged_and_is_absent_is_sent_again(far_store, blob_store, proxy, make_file, size):
    """All that was sent is looked for in the end."""
    source, forgotten = make_file("with+sign", size), []

    def forget_once(request):
        is_last = request.method == "PUT" and not is_body(request)
        if is_last and not forgotten:
            forgotten.append(request)
            return Forgotten()
        return None

    proxy.fault = forget_once

    assert put_file(far_store, source, "with+sign", overwrite=True)
    assert blob_store.open_read("with+sign").read() == source.read_bytes()


def test_a_store_that_keeps_forgetting_is_told(far_store, blob_store, proxy, make_file):
    """Success that is none is an error."""
    proxy.fault = lambda request: Forgotten() if request.method == "PUT" else None

    with pytest.raises(ServiceException, match=r"acknowledged 1 of them and has them not, for instance 'with\+sign'"):
        put_file(far_store, make_file("with+sign", 10), "with+sign")
    assert list(blob_store.list()) == []


def test_a_file_whose_last_answer_is_lost_is_there_once(far_store, blob_store, proxy, make_file, small_parts):
    """Making it again of the same parts is making it once."""
    source, lost = make_file("big", 3 * small_parts), []

    def lose_once(request):
        if "comp=blocklist" in request.target and request.method == "PUT" and not lost:
            lost.append(request)
            return LostAnswer()
        return None

    proxy.fault = lose_once

    assert put_file(far_store, source, "big")
    assert blob_store.open_read("big").read() == source.read_bytes()


def test_content_that_was_damaged_in_the_store_is_not_given_out(
    far_store, blob_store, make_file, small_parts, tmp_path
):
    """What came is compared with the digest that was noted, also when it came in parts."""
    source = make_file("big", 3 * small_parts)
    put_file(blob_store, source, "big")
    noted = blob_store.stat("big")
    assert noted.digest.startswith("sha256:")
    headers = {"x-ms-meta-airflow_ml_digest": f"{'0' * 64} {noted.size}"}
    blob_store.blobs._send("PUT", "big", "test", query={"comp": "metadata"}, headers=headers)

    with pytest.raises(ServiceException, match="damaged"):
        download(blob_store, "big", tmp_path / "to")
    assert names(tmp_path / "to") == []


def test_a_copy_between_stores_that_is_cut_goes_on(far_store, blob_store, proxy, make_file, small_parts, tmp_path):
    """From a container into a folder, and back: parts that have arrived are not sent again."""
    source = make_file("big", PARTS * small_parts)
    put_file(blob_store, source, "big")
    folder = LocalStore(tmp_path / "folder")
    proxy.fault = lambda request: CutDown(1000) if request.number > 5 else None

    with pytest.raises(ServiceException):
        copy_files(far_store, folder, [StoreCopy(blob_store.stat("big"), "copied")])
    assert list(folder.list()) == []
    proxy.reset()
    assert copy_files(far_store, folder, [StoreCopy(blob_store.stat("big"), "copied")]) == 1
    assert proxy.down <= 7 * small_parts
    assert folder.open_read("copied").read() == source.read_bytes()


def container_sas(server, container, hours):
    """Return a token for a container."""
    return generate_container_sas(
        server.account,
        container,
        account_key=server.key,
        permission="racwdl",
        expiry=datetime.now(timezone.utc) + timedelta(hours=hours),
    )


@pytest.mark.parametrize("is_renewed", [True, False])
def test_a_token_that_expires_in_the_middle(azurite, blob_store, proxy, make_file, small_parts, is_renewed):
    """The datastore's token as it is by then is used; without a new one it is told, and nothing is seen."""
    container, source = blob_store.client.address.container, make_file("big", PARTS * small_parts)
    first, second = (container_sas(azurite, container, hours) for hours in (1, 2))
    tokens = iter([first, *[second if is_renewed else first] * 100])
    first_end = parse_qs(first)["se"]

    def expire(request):
        is_first = parse_qs(urlsplit(request.target).query).get("se") == first_end
        return Answered(403, "AuthenticationFailed") if is_first and request.number > 6 else None

    proxy.fault = expire
    settings = replace(azurite, port=proxy.port).settings(container, auth="sas")
    store = open_store(settings, StoreContext("blobs", credentials=lambda: {"sas_token": next(tokens)}))

    if is_renewed:
        assert put_file(store, source, "big")
        assert blob_store.open_read("big").read() == source.read_bytes()
    else:
        with pytest.raises(AzureMLException, match=r"403 AuthenticationFailed") as caught:
            put_file(store, source, "big")
        assert parse_qs(first)["sig"][0] not in str(caught.value)
        assert not blob_store.exists("big")
