"""While Airflow parses a DAG file nothing is looked up, and what is created is recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: Loads a file as Airflow's DAG processor does, and prints what the file left in RESULT and what was imported.
LOADER = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("unusual_prefix_0123_my_dag", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
heavy = {"sqlalchemy", "alembic", "pandas", "numpy", "yaml", "docker", "azure", "obstore", "airflow"}
found = sorted(name for name in sys.modules if name.split(".")[0] in heavy)
found += [name for name in sys.modules if name.startswith(("airflow_ml.registry", "airflow_ml.storage"))]
later = module.in_a_task() if hasattr(module, "in_a_task") else None
print(json.dumps({"result": module.RESULT, "heavy": found, "later": later}))
"""

#: The article's resource snippets, word for word where they are code.
ARTICLE = """
import azureml.core
from azureml.core import Workspace, Datastore

ws = Workspace.from_config()

# Default datastore
def_data_store = ws.get_default_datastore()

# Get the blob storage associated with the workspace
def_blob_store = Datastore(ws, "workspaceblobstore")

# Get file storage associated with the workspace
def_file_store = Datastore(ws, "workspacefilestore")

from azureml.core import Dataset

my_dataset = Dataset.File.from_files([(def_blob_store, 'train-images/')])

from azureml.core.compute import ComputeTarget, AmlCompute

compute_name = "aml-compute"
vm_size = "STANDARD_NC6"
if compute_name in ws.compute_targets:
    compute_target = ws.compute_targets[compute_name]
    if compute_target and type(compute_target) is AmlCompute:
        print('Found compute target: ' + compute_name, file=sys.stderr)
else:
    print('Creating a new compute target...', file=sys.stderr)
    provisioning_config = AmlCompute.provisioning_configuration(vm_size=vm_size,  # STANDARD_NC6 is GPU-enabled
                                                                min_nodes=0,
                                                                max_nodes=4)
    # create the compute target
    compute_target = ComputeTarget.create(
        ws, compute_name, provisioning_config)

    # Can poll for a minimum number of nodes and for a specific timeout.
    # If no min node count is provided it will use the scale settings for the cluster
    compute_target.wait_for_completion(
        show_output=False, min_node_count=None, timeout_in_minutes=20)

    # For a more detailed view of current cluster status, use the 'status' property
    print(compute_target.status.serialize(), file=sys.stderr)

from azureml.core.runconfig import RunConfiguration
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core import Environment

aml_run_config = RunConfiguration()
# `compute_target` as defined in "Azure Machine Learning compute" section above
aml_run_config.target = compute_target

USE_CURATED_ENV = True
if USE_CURATED_ENV :
    curated_environment = Environment.get(workspace=ws, name="AzureML-Tutorial")
    aml_run_config.environment = curated_environment
else:
    aml_run_config.environment.python.user_managed_dependencies = False

    # Add some packages relied on by data prep step
    aml_run_config.environment.python.conda_dependencies = CondaDependencies.create(
        conda_packages=['pandas','scikit-learn'],
        pip_packages=['azureml-sdk', 'azureml-dataprep[fuse,pandas]'],
        pin_sdk_version=False)

ds_input = my_dataset.as_named_input('input1')
ds_input.as_download()
"""


def _parse(tmp_path: Path, source: str) -> dict[str, object]:
    """Parse a DAG file in a folder with a configuration file, from another current folder."""
    dags = tmp_path / "dags"
    (dags / ".azureml").mkdir(parents=True)
    (dags / ".azureml" / "config.json").write_text(json.dumps({"workspace_name": "ml"}))
    file = dags / "my_dag.py"
    file.write_text(source)
    done = subprocess.run(
        [sys.executable, "-c", LOADER, str(file)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_articles_snippets_touch_nothing(home: Path, tmp_path: Path) -> None:
    """The article's file parses with no heavy import and no registry, and goes into "create"."""
    answer = _parse(
        tmp_path,
        f"import sys\nimport airflow_ml.compat.enable\n{ARTICLE}\n"
        "RESULT = [[d.name, d.type, dict(d.settings)] for d in ws._compute_declarations]\n",
    )

    assert answer["result"] == [
        [
            "aml-compute",
            "AmlCompute",
            {
                "vm_size": "STANDARD_NC6",
                "vm_priority": "dedicated",
                "min_nodes": 0,
                "max_nodes": 4,
                "idle_seconds_before_scaledown": 1800,
            },
        ]
    ]
    assert answer["heavy"] == []
    assert not (home / "ml").exists()


def test_names_are_taken_as_they_are(home: Path, tmp_path: Path) -> None:
    """Datasets, stores, environments and computes by name become references for the run."""
    answer = _parse(
        tmp_path,
        """
from airflow_ml.core import Dataset, Datastore, Environment, Workspace
ws = Workspace.from_config()
one, two = Dataset.get_by_name(ws, "d"), ws.datasets["d"]
RESULT = [
    [s.name, s.version, s.definition] for s in (one.source, Dataset.get_by_name(ws, "d", version=3).source)
] + [
    one.as_named_input("i").as_mount().mode,
    "d" in ws.datasets,
    two.as_mount().name == one.as_mount().name,
    Datastore(ws, "mine").name,
    Environment.get(ws, "env", version="2").to_definition(),
    ws.compute_targets["gpu"].name,
    "gpu" in ws.compute_targets,
]
""",
    )

    assert answer["result"] == [
        ["d", "latest", None],
        ["d", "3", None],
        "mount",
        True,
        True,
        "mine",
        {"name": "env", "version": "2", "by_reference": True},
        "gpu",
        False,
    ]
    assert answer["heavy"] == []
    assert not (home / "ml").exists()


def test_tables_are_described_without_reading(home: Path, tmp_path: Path) -> None:
    """Conditions and times become part of a definition; their `validate` reads nothing while a file is parsed."""
    parsed = _parse(
        tmp_path,
        """
from datetime import datetime
from airflow_ml.core import Dataset, Datastore, Workspace

table = Dataset.Tabular.from_delimited_files((Datastore(Workspace("s", "g", "w")), "t.csv"))
timed = table.with_timestamp_columns("at", validate=True).time_after(datetime(2020, 1, 1))
chosen = timed.filter((timed["x"] > 3) & ~timed["name"].contains("a")).keep_columns("x", validate=True)
RESULT = [step["op"] for step in chosen.definition["steps"]], list(timed.timestamp_columns)
""",
    )

    assert parsed["result"] == [["filter", "filter", "keep_columns"], ["at", None]]
    assert parsed["heavy"] == []


def test_what_would_touch_the_workspace_is_refused(home: Path, tmp_path: Path) -> None:
    """Each act that needs the registry or the data raises with the way out instead of doing it."""
    answer = _parse(
        tmp_path,
        """
from airflow_ml.core import ComputeTarget, Dataset, Environment, Model, Workspace
from airflow_ml.exceptions import AzureMLException
ws = Workspace.from_config()
store = ws.get_default_datastore()
table = Dataset.Tabular.from_delimited_files((store, "a.csv"))
RESULT = []
for act in (
    lambda: table.register(ws, "d"),
    lambda: table.to_pandas_dataframe(),
    lambda: Dataset.File.from_files((store, "a")).to_path(),
    lambda: store.upload("."),
    lambda: list(ws.datasets),
    lambda: Dataset.get_by_name(ws, "d").take(1),
    lambda: Environment("e").register(ws),
    lambda: Environment.get(ws, "e").python.conda_dependencies,
    lambda: Model(ws, "m"),
    lambda: ComputeTarget(ws, "c"),
    lambda: Workspace.create("other"),
):
    try:
        RESULT.append(repr(act()))
    except AzureMLException as exc:
        RESULT.append("while Airflow parses" in str(exc) or str(exc))
""",
    )

    assert answer["result"] == [True] * 11
    assert not (home / "ml").exists()


def test_a_task_of_the_same_file_may_do_it(home: Path, tmp_path: Path) -> None:
    """A function of the DAG file that runs later reads the workspace as usual."""
    answer = _parse(
        tmp_path,
        """
from airflow_ml.core import Workspace
ws = Workspace.from_config()
RESULT = None
def in_a_task():
    return sorted(ws.datastores)[:1] + [Workspace.from_config().name]
""",
    )

    assert answer["later"] == ["workspaceartifactstore", "ml"]


def test_helper_module_of_a_dag_file_counts_as_parsing(home: Path, tmp_path: Path) -> None:
    """What a DAG file imports while it is parsed keeps to the same rule and the same folder."""
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "resources.py").write_text(
        "from pathlib import Path\nfrom airflow_ml.core import Workspace\n"
        "from airflow_ml.core._caller import base_directory, is_parsing_dag\n"
        "RESULT = [Workspace.from_config().name, is_parsing_dag(), Path(base_directory()).name]\n"
    )

    answer = _parse(
        tmp_path, f"import sys\nsys.path.insert(0, {str(tmp_path / 'helpers')!r})\nfrom resources import RESULT\n"
    )

    assert answer["result"] == ["ml", True, "dags"]
