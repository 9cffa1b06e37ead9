"""A workspace of the test's own, as decisions about reuse see it, and fingerprints of single steps."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.web import KnownStores

from airflow_ml.graph import Graph, InputPort, Source, Step, WorkspaceRef
from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.registry import Home, Registry, open_registry
from airflow_ml.reuse.fingerprint import StepFacts, fingerprint_step
from airflow_ml.reuse.input_identity import Identity, InputIdentities
from airflow_ml.reuse.model import Fingerprint, ReuseContext
from airflow_ml.storage.local import LocalStore

#: Names of datastores that `stores` below has; the first is the workspace's default.
DATASTORES = ("workspaceblobstore", "workspaceartifactstore", "blobs", "other")


def make_context(root: Path, registry: Registry) -> ReuseContext:
    """Return a workspace of local stores below a folder."""
    stores = {name: LocalStore(root / "stores" / name) for name in DATASTORES}
    home = Home(root / "home")
    return ReuseContext(registry, KnownStores(stores), stores["workspaceartifactstore"], home, StatCache(home.digests))


@pytest.fixture(scope="module")
def steady_context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReuseContext]:
    """Open a workspace that all tests of a module share, which nothing but their fixtures may change."""
    root = tmp_path_factory.mktemp("workspace")
    with open_registry(WorkspaceRef("w"), home=Home(root)) as registry:
        yield make_context(root, registry)


@pytest.fixture
def context(home: Path) -> Iterator[ReuseContext]:
    """Open a new workspace with an empty cache of digests."""
    with open_registry(WorkspaceRef("w")) as registry:
        yield make_context(home, registry)


@pytest.fixture
def put(context: ReuseContext) -> Callable[..., Path]:
    """Return a function that writes a file of a datastore and returns where it lies."""

    def write(path: str, text: str = "text", datastore: str = "blobs") -> Path:
        context.store(datastore).write(path, text.encode())
        return Path(str(context.store(datastore).local_path(path)))

    return write


@pytest.fixture
def fingerprint(context: ReuseContext) -> Callable[..., Fingerprint]:
    """Return a function that gives a step's fingerprint as everything is now; facts by name."""

    def find(step: Step, graph: Graph | None = None, **facts: object) -> Fingerprint:
        graph = graph or Graph("p", WorkspaceRef("w"), (step,))
        return fingerprint_step(step, graph, StepFacts(**facts), InputIdentities(context))

    return find


@pytest.fixture
def identity(context: ReuseContext) -> Callable[..., Identity]:
    """Return a function that gives the identity of an input as it is now."""
    graph = Graph("p", WorkspaceRef("w"), ())

    def find(
        source: Source, *, rule: str = "content", mode: str = "mount", identities: InputIdentities | None = None
    ) -> Identity:
        identities = identities or InputIdentities(context)
        return identities.of(InputPort("raw", source, mode=mode), graph, StepFacts(), rule)

    return find


@pytest.fixture
def value(identity: Callable[..., Identity]) -> Callable[..., object]:
    """Return a function that gives what counts of an input."""
    return lambda source, **options: identity(source, **options).value
