"""Every test of the registry runs on both databases, each in a workspace of its own."""

import multiprocessing
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import NewResult, OutputRecord, Registry, RunRecord, open_registry
from airflow_ml.registry.values import utc_now

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
def begin(registry: Registry) -> Callable[..., RunRecord]:
    """Record a running step of a new pipeline run, or of the one that is given."""

    def begin_step(name: str = "train", *, pipeline: RunRecord | None = None) -> RunRecord:
        pipeline = pipeline or registry.runs.create("digits", "digits", kind="pipeline", status="Running")
        return registry.runs.create("digits", name, kind="step", parent_id=pipeline.id, node_id=name, status="Running")

    return begin_step


@pytest.fixture
def compute(registry: Registry, begin: Callable[..., RunRecord]) -> Callable[..., RunRecord]:
    """Run a step to its end, with one output and a result of that fingerprint; its pipeline run ends too."""

    def compute_step(fingerprint: str = "f", name: str = "train", *, pipeline_name: str = "digits") -> RunRecord:
        run = begin(name)
        output = OutputRecord(
            run_id=run.id,
            name="model",
            kind="pipeline_data",
            datastore="workspaceblobstore",
            path=f"azureml/{run.id}/model",
            is_file=False,
            digest="d" * 64,
            manifest_path=f".airflow_ml/manifests/{run.id}/model.json",
            files=3,
            size=100,
            committed_at=utc_now(),
            identity="i" * 64,
        )
        result = NewResult(fingerprint, name, pipeline_name, [["script", "", "train.py", None]])
        ended = registry.runs.finish_step(run.id, status="Completed", outputs=[output], result=result)
        registry.runs.set_status(run.root_id, "Completed")
        return ended

    return compute_step


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
