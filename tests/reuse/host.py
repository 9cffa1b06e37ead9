"""One host of several, for `test_two_hosts`: plans or runs the pipeline of the current folder, and says what it did."""

import json
import os
import sys
import time
from collections.abc import Mapping

from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.data.data_reference import DataReference
from airflow_ml.execution.attempt import Control
from airflow_ml.execution.model import Airflow, StepTask
from airflow_ml.execution.pipelines import Opening, close_pipeline, enter_pipeline, open_pipeline
from airflow_ml.execution.reusing import Reused, Waiting, decide_after, decide_first, mark_announced, plan
from airflow_ml.execution.services import Services, open_services
from airflow_ml.execution.steps import take_step
from airflow_ml.graph import Graph, WorkspaceRef
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep


def build() -> Graph:
    """Build a pipeline that has something of each kind that counts."""
    workspace = Workspace.get("w")
    store = Datastore.get(workspace, "workspaceblobstore")
    raw = Dataset.File.from_files((store, "raw")).as_named_input("raw").as_mount()
    words = DataReference(store, "words", path_on_datastore="words")
    clean, model = PipelineData("clean"), PipelineData("model")
    prepare = PythonScriptStep(
        "prepare.py",
        "prepare",
        [clean, raw, words, "--rate", PipelineParameter("rate", 0.1)],
        inputs=[words],
        outputs=[clean],
        source_directory="src",
        hash_paths=["../library"],
    )
    train = PythonScriptStep(
        "train.py", "train", [clean, model], inputs=[clean], outputs=[model], source_directory="src"
    )
    return Pipeline(workspace, [prepare, train]).graph


def fingerprints(services: Services, graph: Graph) -> dict[str, str | None]:
    """Return the steps' fingerprints as this host sees them."""
    found = plan(services, graph, {})
    return {name: item.fingerprint.digest if item.fingerprint else None for name, item in found.items()}


def run(services: Services, graph: Graph) -> dict[str, Mapping[str, str]]:
    """Run the pipeline; returns whose result each step has: its own, or that of a run which computed it before."""
    place = Airflow("d", os.urandom(4).hex(), "")
    record = open_pipeline(services, graph, Opening("e", place.dag_id, place.dag_run_id))
    told = decide_first(services, graph, record, place).reused
    mark_announced(services, told)
    done = {item.step_id for item in told}
    for step in graph.steps:
        if step.id in done:
            continue
        taken = take(services, graph, record.id, step.id)
        late = [taken] if isinstance(taken, Reused) else decide_after(services, graph, record, step.id, place)
        mark_announced(services, late)
        done |= {item.step_id for item in late}
    assert close_pipeline(services, record.id).status == "Completed"
    return {str(step.node_id): described(services, step.id) for step in services.registry.runs.steps(record.id)}


def take(services: Services, graph: Graph, run_id: str, step_id: str) -> object:
    """Take one step, as the embedded runner does: it looks again while another run computes the same."""
    while True:
        task = StepTask(
            graph, graph.step(step_id), enter_pipeline(services, run_id, step_id), Airflow("d", "r", step_id)
        )
        taken = take_step(services, task, Control(lambda: False, lambda _line: None, lambda _run_id: None))
        if not isinstance(taken, Waiting):
            return taken
        time.sleep(0.05)


def described(services: Services, run_id: str) -> dict[str, str]:
    """Return who computed a step's result, and what its output says."""
    record = services.registry.runs.get(run_id)
    [output] = services.registry.outputs.of(run_id)
    with services.store(output.datastore).open_read(output.path) as stream:
        text = stream.read().decode()
    return {"by": record.properties.get("azureml.reusedrunid", record.id), "id": record.id, "text": text}


if __name__ == "__main__":
    with open_services(WorkspaceRef("w")) as opened:
        built = build()
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps({"plan": fingerprints, "run": run}[sys.argv[1]](opened, built)))
