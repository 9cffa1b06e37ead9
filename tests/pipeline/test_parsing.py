"""DAG files: what building a pipeline touches and imports, and that it means the same on every parse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

#: A DAG file with one of everything; `{end}` is what it does with the graph.
DAG_FILE = """
from airflow_ml.core import Dataset, Datastore, Environment, Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data.data_reference import DataReference
from airflow_ml.graph import to_json
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, StepSequence
from airflow_ml.pipeline.steps import PythonScriptStep

ws = Workspace("subscription", "group", "ml")
store = Datastore(ws, "workspaceblobstore")
raw = Dataset.get_by_name(ws, "raw")
images = Dataset.File.from_files((store, "images/"))
settings = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", max_nodes=2)
target = ComputeTarget.create(ws, "gpu", settings)
config = RunConfiguration()
config.target = target
config.environment = Environment.get(ws, "AzureML-Tutorial")
data, table, named = PipelineData("data"), OutputFileDatasetConfig(), OutputFileDatasetConfig("named", (store, "x"))
first = PythonScriptStep(
    "run.py",
    source_directory="src",
    runconfig=config,
    inputs=[raw.as_named_input("raw"), images.as_mount(), DataReference(store, path_on_datastore="a b")],
    arguments=[data, table, named.register_on_complete("registered", tags={"b": "1", "a": "2"})],
    params={"z": 1, "a": PipelineParameter("lr", 0.1)},
)
others = [
    PythonScriptStep("run.py", "other", source_directory="src", inputs=[table.as_input(), named.as_input("n"), data])
    for _ in range(3)
]
pipeline = Pipeline(ws, StepSequence([first, others]))
"""

LOAD = """
import importlib.machinery, importlib.util, json, sys
before = set(sys.modules)
import socket
def refuse(*_arguments, **_options):
    raise AssertionError("a DAG file must not open connections")
socket.socket.connect = refuse
loader = importlib.machinery.SourceFileLoader("unusual_prefix_0123_my_dag", sys.argv[1])
module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
sys.modules[loader.name] = module
loader.exec_module(module)
print(json.dumps({"graph": module.to_json(module.pipeline.graph), "modules": sorted(set(sys.modules) - before)}))
"""

FORBIDDEN = ("airflow", "alembic", "azure", "docker", "numpy", "obstore", "pandas", "psycopg2", "sqlalchemy", "sqlite3")
#: Rooms of ours that would open a database or read data.
FORBIDDEN += ("airflow_ml.execution", "airflow_ml.registry", "airflow_ml.snapshots", "airflow_ml.storage")


def load(folder: Path, elsewhere: Path, hash_seed: str = "random") -> dict[str, object]:
    """Load the DAG file as Airflow does, from another folder, and return its graph and what was imported."""
    (folder / "my_dag.py").write_text(DAG_FILE)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", LOAD, str(folder / "my_dag.py")]
    done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_parsing_imports_and_touches_nothing(folder: Path, tmp_path: Path) -> None:
    """No database, network, pandas, docker, Azure, nor a home folder; paths start at the DAG file."""
    result = load(folder, tmp_path)

    modules = [str(name) for name in result["modules"]]  # type: ignore[attr-defined]  # JSON
    found = [name for name in modules if any(name == root or name.startswith(f"{root}.") for root in FORBIDDEN)]
    assert found == []
    assert not (tmp_path / "home").exists()
    graph = json.loads(str(result["graph"]))["graph"]
    assert graph["base_directory"] == str(folder)
    assert {step["source_directory"] for step in graph["steps"]} == {"src"}
    assert [declared["name"] for declared in graph["compute_declarations"]] == ["gpu"]


def test_graph_is_the_same_in_every_process(folder: Path, tmp_path: Path) -> None:
    """Neither hash seeds nor random names reach the graph, so that no parse makes a new version of the DAG."""
    texts = {str(load(folder, tmp_path, hash_seed)["graph"]) for hash_seed in ("0", "1", "random")}

    assert len(texts) == 1
    ids = [step["id"] for step in json.loads(texts.pop())["graph"]["steps"]]
    assert ids == ["run", "other", "other_2", "other_3"]
