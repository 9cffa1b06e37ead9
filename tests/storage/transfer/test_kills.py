"""Processes that are killed or interrupted in the middle of a transfer."""

import signal
import subprocess
import sys
import time

import pytest
from servers.fault_proxy import Stalled

from airflow_ml.storage.protocol import TEMPORARY_PREFIX
from airflow_ml.storage.transfer import put_file
from airflow_ml.storage.transfer.parts import PART_SIZE

pytestmark = pytest.mark.azurite

PARTS = 6

PROGRAM = """
import sys
from pathlib import Path
from airflow_ml.storage import transfer
from airflow_ml.storage.factory import StoreContext, open_store
port, key, account, container, way, place = sys.argv[1:]
settings = {"kind": "azure_blob", "account": account, "container": container, "auth": "account_key"}
settings |= {"endpoint": f"http://127.0.0.1:{port}"}
store = open_store(settings, StoreContext("blobs", credentials=lambda: {"account_key": key}))
if way == "up":
    transfer.put_file(store, Path(place), "big")
else:
    transfer.download(store, "big", Path(place))
# The usage that the system tells of a process counts what the one that started it had.
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


@pytest.fixture
def start(azurite, blob_store, proxy):
    """Function that starts a process which moves the file `big` through the proxy."""
    started = []

    def start(way, place):
        container = blob_store.client.address.container
        arguments = [str(proxy.port), azurite.key, azurite.account, container, way, str(place)]
        started.append(subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def kill_when(has_arrived, processes, *, after):
    """Have a process killed when something has arrived; requests from that number on wait for it."""

    def kill():
        until = time.monotonic() + 20
        while not has_arrived() and time.monotonic() < until:
            time.sleep(0.005)
        processes[0].kill()

    return lambda request: kill if request.number > after else None


def test_an_upload_that_was_killed_goes_on(start, blob_store, proxy, make_file):
    """Nothing is seen before, and the parts that have arrived are not sent again."""
    source, processes = make_file("big", PARTS * PART_SIZE), []
    proxy.fault = kill_when(lambda: blob_store.blobs.uncommitted("big"), processes, after=4)
    processes.append(start("up", source))

    assert processes[0].wait() == -signal.SIGKILL
    assert not blob_store.exists("big")
    arrived = sum(blob_store.blobs.uncommitted("big").values())
    proxy.reset()
    assert start("up", source).wait() == 0
    assert arrived >= PART_SIZE
    assert sum(request.size for request in proxy.requests) <= source.stat().st_size - arrived + 10_000
    assert blob_store.open_read("big").read() == source.read_bytes()


def test_a_download_that_was_killed_goes_on(start, blob_store, proxy, make_file, tmp_path):
    """Nothing is seen before, and the parts that have arrived are not fetched again."""
    source, processes, folder = make_file("big", PARTS * PART_SIZE), [], tmp_path / "to"
    put_file(blob_store, source, "big")

    proxy.fault = kill_when(lambda: [p for p in folder.glob("*.parts") if p.read_bytes()], processes, after=2)
    processes.append(start("down", folder))

    assert processes[0].wait() == -signal.SIGKILL
    assert all(place.name.startswith(TEMPORARY_PREFIX) for place in folder.iterdir())
    proxy.reset()
    assert start("down", folder).wait() == 0
    # One of them lists.
    assert len(proxy.requests) < 1 + PARTS
    assert [place.name for place in folder.iterdir()] == ["big"]
    assert (folder / "big").read_bytes() == source.read_bytes()


def test_ctrl_c_ends_a_transfer_at_once(start, blob_store, proxy, make_file):
    """No thread holds the process, whatever it waits for, and nothing is seen."""
    processes = []

    def stall(request):
        if request.number == 3:
            processes[0].send_signal(signal.SIGINT)
        return Stalled() if request.number >= 3 else None

    proxy.fault = stall
    processes.append(start("up", make_file("big", PARTS * PART_SIZE)))

    _, told = processes[0].communicate(timeout=20)
    assert processes[0].returncode == -signal.SIGINT, told.decode()
    assert not blob_store.exists("big")


def test_memory_stays_flat(start, blob_store, make_file):
    """A file of many parts takes as much as the parts that are on their way at once."""
    source = make_file("big", 300_000_000)

    for way, place in (("up", source), ("down", source.parent / "back")):
        process = start(way, place)
        _, told = process.communicate()
        assert process.returncode == 0, told.decode()
        assert int(told.split()[-1]) < (200 + 60) * 1024, way
