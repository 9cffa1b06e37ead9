"""Fixtures of all rooms: a home folder of the test's own, and real servers for those who ask for them."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.azurite import Azurite, running_azurite
from servers.databases import Served, served_mysql, served_postgres
from servers.docker_engine import DockerForTests, running_engine
from servers.mariadb import MariaDb, running_mariadb
from servers.postgres import running_postgres

from airflow_ml.registry.fernet_keys import CONFIG_VARIABLE, KEY_VARIABLES
from airflow_ml.storage.azure.blob_store import BlobStore

#: More than a tick of the clock that stamps files here.
FILE_CLOCK_NS = 20_000_000


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Run tests of real services last, and all of them in one worker: one machine has room for one service.

    Tests of containers share a worker as well: some of them restart the engine or look for what is left over in it.
    Long trials that have no small size (`soak(only=True)`) are left to `make soak`.
    """
    if not os.environ.get("AIRFLOW_ML_SOAK"):
        long = [item for item in items if any(mark.kwargs.get("only") for mark in item.iter_markers("soak"))]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    for item in items:
        if item.get_closest_marker("service"):
            item.add_marker(pytest.mark.xdist_group("service"))
        elif item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.xdist_group("docker"))
    items.sort(key=lambda item: item.get_closest_marker("service") is not None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the home of airflow-ml, for this process and those that it starts."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(tmp_path))
    for name in ("AIRFLOW_ML_REGISTRY", "AIRFLOW_ML_REGISTRY_PASSWORD", *KEY_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    # Airflow's own configuration on this machine, if there is one, has a key that no test may depend on.
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "no.cfg"))
    return tmp_path


@pytest.fixture
def settle(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """
    Return a function that lets the file clock pass the times of all files, after which their digests are remembered.

    For that the granularity is set from that of the coarsest file clock, two seconds, to that of this machine's.
    """
    monkeypatch.setattr("airflow_ml.hashing.stat_cache.GRANULARITY_NS", FILE_CLOCK_NS)
    clock = tmp_path_factory.mktemp("clock") / "clock"

    def pass_by() -> None:
        clock.touch()
        until = clock.stat().st_ctime_ns + FILE_CLOCK_NS
        while min(clock.stat().st_ctime_ns, time.time_ns()) <= until:
            clock.touch()

    return pass_by


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerForTests]:
    """Have a Docker engine with the base image of the tests; it stays when the session ends."""
    engine = running_engine()
    yield engine
    engine.client.close()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """Start an emulator of Azure Blob for the whole session."""
    with running_azurite() as server:
        yield server


@pytest.fixture
def blob_store(azurite: Azurite) -> Iterator[BlobStore]:
    """Make a container of the test's own in Azurite, and drop it."""
    with azurite.new_store() as store:
        yield store


@pytest.fixture(scope="session")
def new_postgres_url() -> Iterator[Callable[[], str]]:
    """Start a throw-away PostgreSQL server; each call makes an empty database in it and returns its URL."""
    with running_postgres() as make_database:
        yield make_database


@pytest.fixture
def postgres_url(new_postgres_url: Callable[[], str]) -> str:
    """Return the URL of an empty PostgreSQL database."""
    return new_postgres_url()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Served]:
    """Make an empty PostgreSQL database, to be used as a datastore."""
    with served_postgres(postgres_url) as served:
        yield served


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """Start a MariaDB server for the whole session."""
    with running_mariadb() as server:
        yield server


@pytest.fixture
def mysql(mariadb: MariaDb) -> Iterator[Served]:
    """Make an empty MariaDB database, to be used as a datastore."""
    with served_mysql(mariadb) as served:
        yield served
