"""Every test of the registry runs on both databases, each in a workspace of its own."""

import multiprocessing
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import Registry, open_registry

#: Children start where this process is, so that a race is not decided by who imports faster.
FORK = multiprocessing.get_context("fork")

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def shared_postgres_url(new_postgres_url: Callable[[], str]) -> str:
    """Return one PostgreSQL database for the tests that need no empty one."""
    return new_postgres_url()


@pytest.fixture(params=DATABASES)
def ref(request: pytest.FixtureRequest, home: Path) -> WorkspaceRef:
    """Name a workspace that is not there yet."""
    url = request.getfixturevalue("shared_postgres_url") if request.param == "postgres" else None
    return WorkspaceRef(f"w-{uuid.uuid4().hex}", registry_url=url)


@pytest.fixture(params=DATABASES)
def fresh_ref(request: pytest.FixtureRequest, home: Path) -> WorkspaceRef:
    """Name a workspace in a database that has no tables yet."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    return WorkspaceRef("fresh", registry_url=url)


@pytest.fixture
def registry(ref: WorkspaceRef) -> Iterator[Registry]:
    """Open a new workspace."""
    with open_registry(ref) as opened:
        yield opened


@pytest.fixture
def sqlite_registry(home: Path) -> Iterator[Registry]:
    """Open a new workspace of the embedded default."""
    with open_registry(WorkspaceRef("w")) as opened:
        yield opened


@pytest.fixture
def at_once() -> Callable[..., list[object]]:
    """Run a function in many processes that start together, each with its number, and return what they return."""

    def run(work: Callable[[int], object], count: int = 6) -> list[object]:
        gate, results = FORK.Barrier(count), FORK.SimpleQueue()

        def child(number: int) -> None:
            gate.wait(30)
            try:
                results.put(work(number))
            except BaseException as exc:  # noqa: BLE001 - raised again in the test's process
                results.put(exc)

        children = [FORK.Process(target=child, args=(number,), daemon=True) for number in range(count)]
        for started in children:
            started.start()
        returned = [results.get() for _ in children]
        for result in returned:
            if isinstance(result, BaseException):
                raise result
        return returned

    return run
