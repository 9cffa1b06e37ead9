"""Transfers to and from a file share over a network that fails; those of containers are in `test_faults.py`."""

import time
from collections import Counter

import pytest
from servers.fault_proxy import Answered, CutDown, CutUp, LostAnswer, Stalled, running_proxy
from servers.file_share import ACCOUNT, KEY

from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.storage.azure.share_client import FileShare
from airflow_ml.storage.azure.share_store import FileShareStore
from airflow_ml.storage.factory import StoreContext, open_store
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.protocol import TEMPORARY_PREFIX
from airflow_ml.storage.retrying import RetryPolicy
from airflow_ml.storage.transfer import StoreCopy, copy_files, download, get_tree, put_file, put_tree

pytestmark = pytest.mark.usefixtures("small_parts")

PARTS = 10


@pytest.fixture
def proxy(share_server):
    """A proxy before the share's server."""
    with running_proxy(int(share_server.url.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
def hasty(monkeypatch):
    """
    Clients that give a connection up after five seconds without a byte.

    Only where one stalls: on a busy machine an answer may take as long, and what is sent twice cannot be counted.
    """
    monkeypatch.setattr("airflow_ml.storage.azure.share_client._TIMEOUT_SECONDS", 5)


@pytest.fixture
def far_share(share_store, proxy):
    """The share through the proxy, by a client that tries a request four times."""
    settings = {"kind": "azure_file", "account": ACCOUNT, "share": "data", "protocol": "http", "auth": "account_key"}
    context = StoreContext("files", credentials=lambda: {"account_key": KEY})
    opened = open_store({**settings, "endpoint": f"127.0.0.1:{proxy.port}"}, context)._share
    retries = RetryPolicy(tries=4, first_pause=0.01)
    return FileShareStore(FileShare(opened.address, opened._credentials, "files", retries=retries))


def is_range(request):
    """Tell whether a request carries a part of a file upwards."""
    return request.method == "PUT" and "comp=range" in request.target


def once(is_so, fault):
    """Have a fault when others have come through, at most half a minute later."""

    def decide():
        until = time.monotonic() + 30
        while not is_so() and time.monotonic() < until:
            time.sleep(0.005)
        return fault

    return decide


def visible(store):
    """Return the paths that users of a store see."""
    return [info.path for info in store.list()]


@pytest.mark.parametrize("tenth", range(10))
def test_an_upload_that_is_cut_once_is_whole(far_share, share_store, proxy, make_file, small_parts, tenth):
    """Whatever the byte, the caller notices nothing."""
    source, met = make_file("big", PARTS * small_parts), []
    position = tenth * source.stat().st_size // 10 + 1000

    def cut_once(request):
        if met or proxy.up + request.size <= position:
            return None
        met.append(request)
        return CutUp(max(position - proxy.up, 0))

    proxy.fault = cut_once

    assert put_file(far_share, source, "big")
    assert met
    assert share_store.open_read("big").read() == source.read_bytes()


@pytest.mark.parametrize("tenth", range(10))
def test_an_upload_that_is_cut_goes_on(far_share, share_store, share_server, proxy, make_file, small_parts, tenth):
    """What is seen is what was there before; the next call sends the parts that have not arrived."""
    source = make_file("big", PARTS * small_parts)
    share_store.write("big", b"old")
    before, number = len(share_server.requests), []

    def arrived():
        return sum(what == "range" for _, _, what in share_server.requests[before:])

    def cut(request):
        if is_range(request):
            number.append(request)
        return once(lambda: arrived() >= tenth, CutUp(1000)) if len(number) > tenth else None

    proxy.fault = cut
    with pytest.raises(ServiceException, match="big"):
        put_file(far_share, source, "big", overwrite=True)
    assert share_store.open_read("big").read() == b"old"
    proxy.reset()

    assert put_file(far_share, source, "big", overwrite=True)
    assert share_store.open_read("big").read() == source.read_bytes()
    assert sum(map(is_range, proxy.requests)) == PARTS - tenth
    assert visible(share_store) == ["big"]


@pytest.mark.parametrize("tenth", range(10))
def test_a_download_that_is_cut_for_good_goes_on(
    far_share, share_store, proxy, make_file, small_parts, tenth, tmp_path
):
    """Nothing is seen under the file's name, and parts that have come are not fetched again."""
    source = make_file("big", PARTS * small_parts)
    put_file(share_store, source, "big")
    number = []

    def cut(request):
        if request.method == "GET" and "comp=list" not in request.target:
            number.append(request)
        return once(lambda: proxy.down >= tenth * small_parts, CutDown(1000)) if len(number) > tenth else None

    proxy.fault = cut
    with pytest.raises(ServiceException, match="big"):
        download(far_share, "big", tmp_path / "to")
    assert all(place.name.startswith(TEMPORARY_PREFIX) for place in (tmp_path / "to").glob("*"))
    proxy.reset()

    assert download(far_share, "big", tmp_path / "to") == 1
    assert (tmp_path / "to/big").read_bytes() == source.read_bytes()
    assert proxy.down <= (PARTS - tenth) * small_parts + 10_000


@pytest.mark.parametrize("status", [429, 503])
def test_storms_of_refusals_are_sat_out(far_share, share_store, proxy, write_tree, tmp_path, status):
    """Each request is refused twice, and all files arrive both ways."""
    files = {f"d{number % 3}/f{number}": str(number) for number in range(12)}
    source, refused = write_tree(tmp_path / "source", files), Counter()

    def refuse_twice(request):
        refused[request.method, request.target] += 1
        return Answered(status, "ServerBusy", "0") if refused[request.method, request.target] <= 2 else None

    proxy.fault = refuse_twice

    assert put_tree(far_share, source, "up") == 12
    assert get_tree(far_share, "up", tmp_path / "back") == 12
    assert all((tmp_path / "back" / path).read_text() == text for path, text in files.items())


@pytest.mark.usefixtures("hasty")
def test_a_stall_is_a_cut(far_share, share_store, proxy, make_file, small_parts):
    """A connection on which nothing comes is given up, and the part is sent again."""
    source, stalled = make_file("big", 3 * small_parts), []

    def stall_once(request):
        if is_range(request) and not stalled:
            stalled.append(request)
            return Stalled()
        return None

    proxy.fault = stall_once

    assert put_file(far_share, source, "big")
    assert share_store.open_read("big").read() == source.read_bytes()


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("size", [10, 3 << 16], ids=["small", "in parts"])
def test_answers_that_are_lost_do_nothing_twice(far_share, share_store, proxy, make_file, size, overwrite):
    """Each kind of request is done and its first answer lost; the file is there, and nothing else."""
    source, lost = make_file("big", size), set()

    def lose_once(request):
        kind = request.method, request.target.partition("?")[2]
        if kind in lost:
            return None
        lost.add(kind)
        return LostAnswer()

    proxy.fault = lose_once

    assert put_file(far_share, source, "folder/big", overwrite=overwrite)
    assert share_store.open_read("folder/big").read() == source.read_bytes()
    assert visible(share_store) == ["folder/big"]
    assert list(share_store.list(".airflow_ml")) == []


def test_a_copy_between_a_share_and_a_folder_goes_on(far_share, share_store, proxy, make_file, small_parts, tmp_path):
    """Both ways: what is cut leaves nothing seen, and the next try moves the rest."""
    source, folder = make_file("big", PARTS * small_parts), LocalStore(tmp_path / "folder")
    put_file(share_store, source, "big")
    proxy.fault = lambda request: CutDown(1000) if request.number > 5 else None

    with pytest.raises(ServiceException):
        copy_files(far_share, folder, [StoreCopy(share_store.stat("big"), "copied")])
    assert visible(folder) == []
    proxy.reset()
    assert copy_files(far_share, folder, [StoreCopy(share_store.stat("big"), "copied")]) == 1
    assert folder.open_read("copied").read() == source.read_bytes()
    proxy.fault = lambda request: CutUp(1000) if is_range(request) and request.number > 8 else None
    with pytest.raises(ServiceException):
        copy_files(folder, far_share, [StoreCopy(folder.stat("copied"), "back")])
    assert visible(share_store) == ["big"]
    proxy.reset()
    assert copy_files(folder, far_share, [StoreCopy(folder.stat("copied"), "back")]) == 1
    assert share_store.open_read("back").read() == source.read_bytes()


def test_a_secret_that_is_refused_for_good_is_told_once(far_share, share_store, proxy, make_file):
    """Nothing is seen, and the error says what to do and not what was sent."""
    proxy.fault = lambda request: Answered(403, "AuthenticationFailed")

    with pytest.raises(AzureMLException, match="403 AuthenticationFailed") as caught:
        put_file(far_share, make_file("big", 10), "big")
    assert KEY not in str(caught.value)
    assert len(proxy.requests) <= 2
    assert visible(share_store) == []
