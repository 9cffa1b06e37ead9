"""A container behind a proxy that has faults, and files to send through it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from servers.azurite import Azurite
from servers.fault_proxy import FaultProxy, running_proxy

from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.azure.client import AzureClient
from airflow_ml.storage.azure.wire import Wire
from airflow_ml.storage.retrying import RetryPolicy
from airflow_ml.storage.transfer import TransferMemory, parts

#: Of parts in these tests; a file of a few of them is sent in a moment.
PART = 64 << 10


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make parts small, so that files of a megabyte are large ones."""
    for module in ("parts", "sending", "fetching", "copying"):
        monkeypatch.setattr(f"airflow_ml.storage.transfer.{module}.PART_SIZE", PART)
    assert parts.part_size_for(PART * 3) == PART
    return PART


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultProxy]:
    """Start a proxy before Azurite."""
    with running_proxy(azurite.port) as proxy:
        yield proxy


@pytest.fixture
def far_store(azurite: Azurite, blob_store: BlobStore, proxy: FaultProxy) -> BlobStore:
    """The container of `blob_store` through the proxy, by a client that soon gives up."""
    container = blob_store.client.address.container
    opened = replace(azurite, port=proxy.port).open(container)
    address = opened.client.address
    retries, wire = RetryPolicy(tries=4, first_pause=0.01), Wire(address, stall=1.0)
    return BlobStore(AzureClient(address, opened.client.credentials, name="blobs", retries=retries, wire=wire))


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Function that writes a local file of random bytes."""

    def make(name: str, size: int, *, seed: int = 0) -> Path:
        place = tmp_path / "files" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        random = Random(seed)
        with place.open("wb") as stream:
            for start in range(0, size, 1 << 20):
                stream.write(random.randbytes(min(1 << 20, size - start)))
        return place

    return make


@pytest.fixture
def memory(tmp_path: Path) -> TransferMemory:
    """An empty memory of transfers."""
    return TransferMemory(tmp_path / "memory")
