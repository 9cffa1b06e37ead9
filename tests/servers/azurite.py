"""Azurite, Microsoft's emulator of Azure Blob, as a process of the tests' own."""

import base64
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers.absent import skip_without

from airflow_ml.core import Datastore, Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.factory import StoreContext, open_store

__all__ = ["ACCOUNT", "KEY", "OTHER_ACCOUNT", "Azurite", "azurite_command", "free_port", "running_azurite"]

PROGRAM = Path(__file__).parents[2] / ".ci/node/node_modules/azurite/dist/src/blob/main.js"

#: The accounts of every server that is started here; the keys are as secret as this file.
ACCOUNT, OTHER_ACCOUNT = "devstoreaccount1", "devstoreaccount2"
KEY = base64.b64encode(b"the key of the accounts of tests, 64 bytes long like a real one.").decode()

START_SECONDS = 60


@dataclass(frozen=True)
class Azurite:
    """
    A running server.

    Attributes:
        port: on 127.0.0.1.
        scheme: `http`, or `https` for a server that takes tokens.
    """

    port: int
    scheme: str = "http"
    account: str = ACCOUNT
    key: str = KEY

    @property
    def endpoint(self) -> str:
        """The server's address as datastores' settings take it."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def connection_string(self) -> str:
        """What the SDK and Airflow's connections take."""
        return (
            f"DefaultEndpointsProtocol={self.scheme};AccountName={self.account};AccountKey={self.key};"
            f"BlobEndpoint={self.endpoint}/{self.account};"
        )

    def settings(self, container: str, **more: object) -> dict[str, object]:
        """Return a datastore's settings for a container here."""
        where = {"account": self.account, "container": container, "endpoint": self.endpoint}
        return {"kind": "azure_blob", **where, "auth": "account_key", **more}

    def open(self, container: str, *, create: bool = False, **more: object) -> BlobStore:
        """Return the store of a container, opened as datastores are."""
        context = StoreContext("blobs", credentials=lambda: {"account_key": self.key})
        store = open_store(self.settings(container, **more), context)
        assert isinstance(store, BlobStore)
        if create:
            store.create_container()
        return store

    @contextmanager
    def new_store(self, **more: object) -> Iterator[BlobStore]:
        """Give the store of a container of its own; dropping one whole is quick, deleting its blobs is not."""
        store = self.open(f"test-{uuid.uuid4().hex}", create=True, **more)
        yield store
        store.delete_container()

    @contextmanager
    def default_datastore(self, workspace: Workspace) -> Iterator[AzureBlobDatastore]:
        """Give a container of its own as a workspace's default datastore, `blobs`."""
        datastore = Datastore.register_azure_blob_container(
            workspace,
            "blobs",
            f"test-{uuid.uuid4().hex}",
            self.account,
            account_key=self.key,
            endpoint=self.endpoint,
            create_if_not_exists=True,
        )
        datastore.set_as_default()
        yield datastore
        self.open(str(datastore.container_name)).delete_container()


def azurite_command() -> list[str]:
    """Return the program, or skip: what cannot be tested must not fail on a machine without it, but fails in CI."""
    node = shutil.which("node")
    if node is None or not PROGRAM.exists():
        reason = "Azurite is not installed; run .ci/system-packages"
        skip_without(reason)
    return [node, str(PROGRAM)]


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_azurite(*options: str, folder: Path | None = None, port: int = 0) -> Iterator[Azurite]:
    """
    Start a server and end it with the block.

    Args:
        options: of the command line.
        folder: where the data lies; a temporary one otherwise.
        port: of 127.0.0.1; any that is free otherwise.
    """
    command = azurite_command()
    place = folder or Path(tempfile.mkdtemp(prefix="aml-azurite-"))
    port = port or free_port()
    # It would phone home otherwise, and refuses the newest API versions although it knows what they are used for.
    fixed = ["--disableTelemetry", "--skipApiVersionCheck", "--silent", "--location", str(place)]
    accounts = f"{ACCOUNT}:{KEY};{OTHER_ACCOUNT}:{KEY}"
    with (place / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *fixed, "--blobPort", str(port), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place,
            env={**os.environ, "AZURITE_ACCOUNTS": accounts},
        )
    try:
        _wait(server, port, place)
        yield Azurite(port, "https" if "--cert" in options else "http")
    finally:
        server.kill()
        server.wait()
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], port: int, place: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if server.poll() is not None:
                pytest.fail(f"Azurite ended at its start: {(place / 'server.log').read_text()}")
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"Azurite did not listen on port {port} within {START_SECONDS} s")
