"""A workspace whose runs were long ago."""

from datetime import timedelta

import pytest
from collecting import NOW, STORE

from airflow_ml.execution.stores import Stores
from airflow_ml.graph import (
    Graph,
    OutputPort,
    Step,
    WorkspaceRef,
    to_json,
)
from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.registry import (
    Home,
    NewResult,
    OutputRecord,
    open_registry,
)
from airflow_ml.reuse.model import ReuseContext
from airflow_ml.storage.commit import commit_output
from airflow_ml.storage.manifests import manifest_path


@pytest.fixture
def context(home):
    """A workspace with the stores that it really has."""
    with open_registry(WorkspaceRef("w")) as registry:
        stores = Stores(registry)
        yield ReuseContext(registry, stores, stores.artifacts, Home(home), StatCache(Home(home).digests))


@pytest.fixture
def store(context):
    """The store that outputs go to."""
    return context.store(STORE)


@pytest.fixture
def begin(context):
    """Function that records a running step of a pipeline run of its own; `step` may say what it declares."""

    def begin(*, days=40, step=None, parent_status="Running", **options):
        step = step or Step("train", "train", "python_script", outputs=(OutputPort("model"),))
        graph = Graph("digits", WorkspaceRef("w"), (step,))
        at = NOW - timedelta(days=days)
        pipeline = context.registry.runs.create(
            "e", "digits", kind="pipeline", status=parent_status, created_at=at, graph_json=to_json(graph), **options
        )
        return context.registry.runs.create(
            "e", step.name, kind="step", parent_id=pipeline.id, node_id=step.id, status="Running", created_at=at
        )

    return begin


@pytest.fixture
def write(context, store, tmp_path):
    """Function that commits files as an output of a run."""

    def write(run, files, *, destination=None, output="model"):
        source = tmp_path / f"{run.id} {output}"
        for path, text in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        return commit_output(
            store,
            source,
            destination=destination or f"azureml/{run.id}/{output}",
            run_id=run.id,
            output=output,
            datastore=STORE,
        )

    return write


@pytest.fixture
def end(context):
    """Function that ends a step run and its pipeline run, `days` ago."""

    def end(run, manifest=None, *, days=40, status="Completed", fingerprint="f", close=True, **options):
        at = NOW - timedelta(days=days) + timedelta(minutes=1)
        outputs = []
        if manifest is not None:
            outputs = [
                OutputRecord(
                    run_id=run.id,
                    name=manifest.output,
                    kind="pipeline_data",
                    datastore=STORE,
                    path=manifest.path,
                    is_file=manifest.is_file,
                    digest=manifest.digest,
                    manifest_path=manifest_path(run.id, manifest.output),
                    files=len(manifest.files),
                    size=manifest.size,
                    committed_at=at,
                )
            ]
        result = NewResult(fingerprint, run.name, "digits", [["k", "n", "v", None]], None) if fingerprint else None
        result = result if status == "Completed" else None
        ended = context.registry.runs.finish_step(
            run.id, status=status, outputs=outputs, result=result, ended_at=at, **options
        )
        if close:
            context.registry.runs.set_status(run.parent_id, status, ended_at=at)
        return ended

    return end


@pytest.fixture
def compute(begin, write, end):
    """Function that records a step run with one output and a result, `days` ago."""

    def compute(*, days=40, files=None, destination=None, fingerprint="f", **options):
        run = begin(days=days)
        manifest = write(run, files or {"a": "one", "sub/b": "two"}, destination=destination)
        return end(run, manifest, days=days, fingerprint=fingerprint, **options)

    return compute


@pytest.fixture
def adopt(context):
    """Function that records a step run that takes the results of another one, now."""

    def adopt(run, *, open_pipeline=False, days=0):
        at = NOW - timedelta(days=days)
        pipeline = context.registry.runs.create("e", "digits", kind="pipeline", status="Running", created_at=at)
        taken = context.registry.runs.adopt(pipeline.id, run.id, node_id="train", name="train", created_at=at)
        if not open_pipeline:
            context.registry.runs.set_status(pipeline.id, "Completed")
        return taken

    return adopt
