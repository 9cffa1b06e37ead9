"""Every test of the registry runs on both databases, each in a workspace of its own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import Registry, open_registry

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
    return WorkspaceRef("fresh", registry_url=request.getfixturevalue("postgres_url") if request.param == "postgres" else None)


@pytest.fixture
def registry(ref: WorkspaceRef) -> Iterator[Registry]:
    """Open a new workspace."""
    with open_registry(ref) as opened:
        yield opened
