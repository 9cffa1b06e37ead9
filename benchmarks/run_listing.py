"""
How much a page of runs, or of results that can be reused, costs in a long history, compared with a short one.

Fills two databases, with 1,000 and with 100,000 runs, and lists pages of 50 from both, turn by turn. Every fourth run
is a step with a result. Prints each
query's ratio of the medians, and the limit that it should stay under. SQLite in a folder that is thrown away, unless
the URL of a PostgreSQL server is given, where two databases are made for it and dropped again:

    python benchmarks/run_listing.py [postgresql://user@host/database]
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, make_url, text

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import Home, Registry, open_registry
from airflow_ml.registry.reuse_tables import Result
from airflow_ml.registry.tables import Output, Run, RunLabel, Workspace

SMALL, LARGE = 1_000, 100_000
LIMIT = 2.0
PAGE = 50
REPETITIONS = 60
BATCH = 5_000
STATUSES = ("Completed", "Completed", "Completed", "Failed")
START = datetime(2024, 1, 1, tzinfo=timezone.utc)

Query = Callable[[Registry], Sequence[object]]


def queries() -> dict[str, Query]:
    """Return the lists that are measured; each finds a whole page in the short history too."""
    return {
        "newest": lambda registry: registry.runs.list(),
        "with children": lambda registry: registry.runs.list(include_children=True),
        "experiment": lambda registry: registry.runs.list(experiment="experiment 1"),
        "status": lambda registry: registry.runs.list(status="Failed"),
        "tag": lambda registry: registry.runs.list(tags={"model": "model 3"}),
        "tag name": lambda registry: registry.runs.list(tags={"model": None}),
        "property": lambda registry: registry.runs.list(properties={"source": "source 1"}),
        "experiment, status": lambda registry: registry.runs.list(experiment="experiment 1", status="Failed"),
        "experiment, status, tag": lambda registry: registry.runs.list(
            experiment="experiment 1", status="Completed", tags={"model": "model 1"}
        ),
        "kind, with children": lambda registry: registry.runs.list(kind="step", include_children=True),
        "results": lambda registry: registry.results.list(),
        "results, fingerprint": lambda registry: registry.results.find("fingerprint 1", limit=PAGE),
        "results, step": lambda registry: registry.results.similar("step 1", limit=PAGE),
        "results, pipeline": lambda registry: registry.results.list(pipeline="pipeline 0"),
        "results, step, pipeline": lambda registry: registry.results.similar(
            "step 1", pipeline_name="pipeline 0", limit=PAGE
        ),
        "DAGs": lambda registry: registry.listings.dags(limit=PAGE),
        "runs of a DAG": lambda registry: registry.listings.pipeline_runs("dag 0", limit=PAGE),
        "step counts": lambda registry: [*registry.listings.step_counts(run.id for run in registry.runs.list())],
        "second page": lambda registry: registry.runs.list(before=registry.runs.list()[-1].sequence),
    }


def make_rows(workspace_id: int, experiments: list[int], count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield that many runs and their labels: every fourth one is a step of the run before it."""
    parent = ""
    numbers = dict.fromkeys(experiments, 0)
    for index in range(count):
        run_id = str(uuid.uuid4())
        is_step = index % 4 == 3
        experiment = experiments[(index // 4) % len(experiments)]
        parent = parent if is_step else run_id
        numbers[experiment] += not is_step
        yield (
            {
                "id": run_id,
                "workspace_id": workspace_id,
                "experiment_key": experiment,
                "kind": "step" if is_step else "pipeline",
                "name": f"run {index}",
                "number": None if is_step else numbers[experiment],
                "parent_id": parent if is_step else None,
                "root_id": parent,
                "node_id": "node" if is_step else None,
                "attempt": 1 if is_step else None,
                # Half of the runs are one DAG's.
                "dag_id": None if is_step else f"dag {index // 4 % 60 + 1 if index % 2 else 0}",
                "dag_run_id": None if is_step else run_id,
                "group_id": None if is_step else "",
                "status": STATUSES[(index // 7) % len(STATUSES)],
                "created_at": START + timedelta(minutes=index),
                "details": {"arguments": ["--rate", index]},
            },
            {"model": f"model {index % 5}", "source": f"source {index % 3}"},
        )


def make_results(workspace_id: int, steps: list[int], first: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield a result and an output for each of these step runs, which are numbered from the first."""
    for number, run_key in enumerate(steps, first):
        yield (
            {
                "run_key": run_key,
                "workspace_id": workspace_id,
                # Long ago, in a long history: an index that is read backwards must not pass all that came since.
                "fingerprint": f"fingerprint {number // PAGE}",
                "step_name": f"step {number // PAGE}",
                "pipeline_name": f"pipeline {number // PAGE // 2}",
                "records": [["argument", str(index), "value", None] for index in range(30)],
                "recorded_at": START,
            },
            {
                "run_key": run_key,
                "name": "model",
                "kind": "pipeline_data",
                "datastore": "workspaceblobstore",
                "path": f"azureml/{number}/model",
                "is_file": False,
                "digest": "d" * 64,
                "manifest_path": f"manifests/{number}",
                "files": 1,
                "size": 1,
                "committed_at": START,
            },
        )


def fill(registry: Registry, count: int) -> None:
    """Write that many runs past the repositories, which would take a transaction for each."""
    scope = registry.runs._scope
    experiments = [registry.experiments.get_or_create(f"experiment {number}").name for number in range(2)]
    with scope.database.write() as session:
        query = text("SELECT key FROM aml_experiments WHERE workspace_id = :workspace ORDER BY key")
        keys = [*session.scalars(query, {"workspace": scope.workspace_id})]
        assert len(keys) == len(experiments)
        rows = [*make_rows(session.get_one(Workspace, scope.workspace_id).key, keys, count)]
        for start in range(0, count, BATCH):
            batch = rows[start : start + BATCH]
            session.execute(insert(Run), [run for run, _ in batch])
            found = session.execute(
                text("SELECT id, key FROM aml_runs WHERE workspace_id = :workspace ORDER BY key DESC LIMIT :batch"),
                {"workspace": scope.workspace_id, "batch": BATCH},
            )
            run_keys = {row.id: row.key for row in found}
            session.execute(
                insert(RunLabel),
                [
                    {
                        "run_key": run_keys[run["id"]],
                        "workspace_id": scope.workspace_id,
                        "kind": "property" if name == "source" else "tag",
                        "name": name,
                        "value": value,
                        "value_digest": hashlib.sha256(value.encode()).hexdigest(),
                    }
                    for run, labels in batch
                    for name, value in labels.items()
                ],
            )
            steps = [run_keys[run["id"]] for run, _ in batch if run["kind"] == "step"]
            made = [*make_results(scope.workspace_id, steps, start // 4)]
            session.execute(insert(Result), [result for result, _ in made])
            session.execute(insert(Output), [output for _, output in made])


def seconds(registry: Registry, query: Query) -> float:
    """Return how long one list takes."""
    started = time.perf_counter()
    page = query(registry)
    taken = time.perf_counter() - started
    if len(page) != PAGE:
        raise SystemExit(f"a page of {PAGE} was expected, {len(page)} records came")
    return taken


def measure(small: Registry, large: Registry) -> float:
    """Print the figures of every query and return the worst ratio."""
    worst = 0.0
    for name, query in queries().items():
        # In turns, so that whatever else the machine does hits both alike.
        pairs = [(seconds(small, query), seconds(large, query)) for _ in range(REPETITIONS)]
        few, many = (statistics.median(times) for times in zip(*pairs, strict=True))
        worst = max(worst, many / few)
        print(f"{name:24} {few * 1000:6.2f} ms {many * 1000:6.2f} ms  ratio {many / few:.2f}")
    return worst


@contextmanager
def databases(server: str | None) -> Iterator[list[str | None]]:
    """Make two empty databases on the server and drop them in the end; without one there is nothing to make."""
    if server is None:
        yield [None, None]
        return
    url = make_url(server).set(drivername="postgresql+psycopg2")
    names = [f"aml_benchmark_{uuid.uuid4().hex}" for _ in range(2)]
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        for name in names:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield [url.set(database=name).render_as_string(hide_password=False) for name in names]
        for name in names:
            connection.execute(text(f"DROP DATABASE {name}"))


def main(server: str | None) -> None:
    """Fill, measure, print."""
    with tempfile.TemporaryDirectory() as folder, databases(server) as urls:
        registries = [
            open_registry(WorkspaceRef(f"runs-{count}", registry_url=url), home=Home(Path(folder)))
            for count, url in zip((SMALL, LARGE), urls, strict=True)
        ]
        for registry, count in zip(registries, (SMALL, LARGE), strict=True):
            started = time.perf_counter()
            fill(registry, count)
            print(f"{count} runs written in {time.perf_counter() - started:.1f} s")
            if server is not None:
                # Autovacuum does this by itself, a minute later.
                with registry.runs._database.write() as session:
                    session.execute(text("ANALYZE"))
        worst = measure(*registries)
        for registry in registries:
            registry.close()
    print(f"worst ratio {worst:.2f}, limit {LIMIT}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
