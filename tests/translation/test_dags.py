"""Graphs as DAGs and task groups, as Airflow's own loader sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_ml.translation.airflow_settings import inherited_settings

pytestmark = pytest.mark.airflow

HEAD = """
from airflow.sdk import DAG, TaskGroup
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow_ml.core import Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.data.datapath import DataPath
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.operators import PythonScriptStepOperator
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, ReusePolicy, StepSequence
from airflow_ml.pipeline.steps import PythonScriptStep

ws = Workspace("s", "g", "ml")
store = AzureBlobDatastore(ws, "store", None, None)
dataset = FileDataset._create({"kind": "file", "sources": [{"url": "https://host/x"}]}, ws)

def step(name, *arguments, **options):
    return PythonScriptStep("run.py", name=name, source_directory="src", arguments=list(arguments), **options)
"""

FILES = {
    "diamond": """
data = PipelineData("data")
prepare = step("prepare", data)
left, right = step("left", data), step("right", data)
last = step("last")
last.run_after(left)
last.run_after(right)
pipeline = Pipeline(ws, [last, step("alone")], "a diamond")
dag = pipeline.to_dag("diamond", schedule="@daily", tags=["ml"], params={"own": 1})
""",
    "all_params": """
values = {"text": "x", "nothing": None, "empty": "", "whole": 5, "real": 0.5, "flag": True,
          "place": DataPath(store, "a b/%#+"), "data": dataset}
parameters = [PipelineParameter(name, value) for name, value in values.items()]
dag = Pipeline(ws, step("a", *parameters)).to_dag("all_params", experiment="mine", schedule=None)
""",
    "groups": """
lr = PipelineParameter("lr", 0.1)
with DAG("groups", schedule=None, params={"own": "x", "lr": 0.1}) as dag:
    before, after = EmptyOperator(task_id="before"), EmptyOperator(task_id="after")
    with TaskGroup("outer"):
        one = Pipeline(ws, StepSequence([step("a", lr), step("b")])).to_task_group("one")
    two = Pipeline(ws, step("a", lr)).to_task_group("two", experiment="other", tooltip="text")
    before >> one >> two >> after
""",
    "own_reuse": """
dag = Pipeline(ws, step("a", PipelineParameter("reuse", 5))).to_dag("own_reuse", schedule=None)
""",
    "bad_reuse_params": """
with DAG("bad_reuse_params", schedule=None) as dag:
    Pipeline(ws, step("a")).to_task_group("one")
    Pipeline(ws, step("a", PipelineParameter("reuse", "normal"))).to_task_group("two")
""",
    "by_hand": """
data = PipelineData("data")
with DAG("by_hand", schedule=None) as dag:
    said = {"workspace": ws, "script_name": "run.py", "source_directory": "src"}
    PythonScriptStepOperator(task_id="a", outputs=[data], reuse_policy=ReusePolicy(max_age=60), **said,
                             normalise_outputs={"data": "no_times"}, hash_paths=["../library"])
    PythonScriptStepOperator(task_id="b", inputs=[data], ignore_in_fingerprint=["data"], **said)
""",
    "given_dag": """
dag = DAG("given_dag", schedule=None)
group = Pipeline(ws, step("a")).to_task_group("g", dag=dag)
""",
    "default_args": """
dag = Pipeline(ws, step("a")).to_dag("default_args", schedule=None, default_args={"retries": 7, "owner": "team"})
""",
    "odd_names": """
names = ["with blank", "žluť シ", "50%", "a#b", "a+b", "n" * 300, "n" * 299, "same", "same", "reuse_check"]
names.append("pipeline_end")
with DAG("odd_names", schedule=None) as dag:
    Pipeline(ws, [step(name) for name in names]).to_task_group("g" * 100)
""",
    "pools": """
settings = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=2)
target = ComputeTarget.create(ws, "cpu", settings)
dag = Pipeline(ws, [step("a", compute_target=target), step("b")]).to_dag("pools", schedule=None)
""",
    "not_kept": """
Pipeline(ws, step("a")).to_dag("not_kept", schedule=None)  # no variable: Airflow finds what is made in a DAG file
""",
    "bad_params": """
dag = Pipeline(ws, step("a", PipelineParameter("lr", 1))).to_dag("bad_params", schedule=None, params={"lr": 1})
""",
    "bad_group_params": """
with DAG("bad_group_params", schedule=None, params={"lr": True}) as dag:
    Pipeline(ws, step("a", PipelineParameter("lr", 1))).to_task_group("g")
""",
    "bad_outside": """
group = Pipeline(ws, step("a")).to_task_group("g")  # airflow dag
""",
    "bad_cycle": """
made = step("a")
made.run_after(made)
dag = Pipeline(ws, made).to_dag("bad_cycle", schedule=None)
""",
    "bad_script": """
dag = Pipeline(ws, PythonScriptStep("missing.py", source_directory="src")).to_dag("bad_script", schedule=None)
""",
}


def run_loader(folder: Path, hash_seed: str) -> dict[str, Any]:
    """Load the folder in a process of its own and return what it found."""
    environment = {
        **inherited_settings(),
        "AIRFLOW_HOME": str(folder.parent / "airflow"),
        "AIRFLOW_ML_HOME": str(folder.parent / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
        "PYTHONHASHSEED": hash_seed,
    }
    command = [sys.executable, str(Path(__file__).with_name("load_dags.py")), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the DAG files."""
    folder = tmp_path_factory.mktemp("bundle") / "dags"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "run.py").write_text("print('hello')\n")
    for name, text in FILES.items():
        (folder / f"{name}.py").write_text(HEAD + text)
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    """Return what Airflow found in the folder; the loader looks twice and compares."""
    return run_loader(folder, "0")


def upstream(dag: dict[str, Any]) -> dict[str, list[str]]:
    """Return what each task of a DAG waits for."""
    return {name: task["upstream"] for name, task in dag["tasks"].items()}


def test_files_load_without_errors(found: dict[str, Any]) -> None:
    """Every DAG file that is right gives its DAG, and no other."""
    assert sorted(found["dags"]) == sorted(name for name in FILES if not name.startswith("bad_"))
    assert sorted(found["errors"]) == sorted(f"{name}.py" for name in FILES if name.startswith("bad_"))


def test_steps_stand_between_start_and_end(found: dict[str, Any]) -> None:
    """A pipeline begins with one task and ends with one; steps wait for what they need alone."""
    assert upstream(found["dags"]["diamond"]) == {
        "reuse_check": [],
        "alone": ["reuse_check"],
        "prepare": ["reuse_check"],
        "left": ["prepare"],
        "right": ["prepare"],
        "last": ["left", "right"],
        "pipeline_end": ["alone", "last"],
    }


def test_trigger_rules(found: dict[str, Any]) -> None:
    """Steps run behind skipped ones but not behind failed ones; the end runs whatever became of them."""
    tasks = found["dags"]["diamond"]["tasks"]

    assert {(task["type"], task["rule"]) for task in tasks.values()} == {
        ("ReuseCheckOperator", "all_success"),
        ("PythonScriptStepOperator", "none_failed"),
        ("PipelineEndOperator", "all_done"),
    }
    assert {task["experiment"] for task in tasks.values()} == {"diamond"}


def test_parameters_are_typed_params(found: dict[str, Any]) -> None:
    """Every kind has its schema; data is text; the DAG's own params stay."""
    params = found["dags"]["all_params"]["params"]

    assert {name: param["value"] for name, param in params.items()} == {
        "text": "x",
        "nothing": None,
        "empty": "",
        "whole": 5,
        "real": 0.5,
        "flag": True,
        "place": "datastore://store/a b/%#+",
        "data": None,
        "reuse": "normal",
    }
    text, place = ["null", "string"], "^datastore://[^/]+/.*$"
    assert {name: param["type"] for name, param in params.items()} == {
        "text": text,
        "nothing": text,
        "empty": text,
        "whole": "integer",
        "real": "number",
        "flag": "boolean",
        "place": "string",
        "data": text,
        "reuse": "string",
    }
    assert params["place"]["pattern"] == place
    diamond = found["dags"]["diamond"]["params"]
    assert {name: param["value"] for name, param in diamond.items()} == {"own": 1, "reuse": "normal"}


def test_experiment_can_be_named(found: dict[str, Any]) -> None:
    """The experiment is the DAG's id unless `to_dag` or `to_task_group` is told another."""
    groups = found["dags"]["groups"]["tasks"]

    assert {task["experiment"] for task in found["dags"]["all_params"]["tasks"].values()} == {"mine"}
    assert groups["outer.one.a"]["experiment"] == "groups"
    assert groups["two.a"]["experiment"] == "other"


def test_groups_stand_between_a_teams_tasks(found: dict[str, Any]) -> None:
    """A pipeline inside a DAG has ids of its group, is one run of its own, and links by its first and last task."""
    dag = found["dags"]["groups"]

    assert upstream(dag) == {
        "before": [],
        "outer.one.reuse_check": ["before"],
        "outer.one.a": ["outer.one.reuse_check"],
        "outer.one.b": ["outer.one.a"],
        "outer.one.pipeline_end": ["outer.one.b"],
        "two.reuse_check": ["outer.one.pipeline_end"],
        "two.a": ["two.reuse_check"],
        "two.pipeline_end": ["two.a"],
        "after": ["two.pipeline_end"],
    }
    assert {task["run_group"] for task in dag["tasks"].values()} == {None, "outer.one", "two"}


def test_parameters_of_groups_are_params_of_the_dag(found: dict[str, Any]) -> None:
    """They join the DAG's own; one that both have with equal defaults is shared."""
    params = found["dags"]["groups"]["params"]

    assert {name: param["value"] for name, param in params.items()} == {"own": "x", "lr": 0.1, "reuse": "normal"}
    assert params["lr"]["type"] == "number"


def test_a_dag_has_one_param_for_reuse(found: dict[str, Any]) -> None:
    """It is a choice of three words, whatever pipelines the DAG holds, and has a longer name where `reuse` is taken."""
    params = found["dags"]["groups"]["params"]
    assert params["reuse"]["enum"] == ["normal", "off", "refresh"]

    assert list(found["dags"]["by_hand"]["params"]) == ["reuse"]
    taken = found["dags"]["own_reuse"]["params"]
    assert {name: param["value"] for name, param in taken.items()} == {"reuse": 5, "airflow_ml_reuse": "normal"}


def test_group_takes_a_dag(found: dict[str, Any]) -> None:
    """Outside of `with DAG(...)` the DAG can be given."""
    assert sorted(found["dags"]["given_dag"]["tasks"]) == ["g.a", "g.pipeline_end", "g.reuse_check"]


def test_default_args_apply(found: dict[str, Any]) -> None:
    """A team's `default_args` are stronger than our own defaults."""
    assert {task["retries"] for task in found["dags"]["default_args"]["tasks"].values()} == {7}


def test_odd_names_are_legal_task_ids(found: dict[str, Any]) -> None:
    """Names that Airflow refuses, and long ones in a group of a long name, load."""
    tasks = found["dags"]["odd_names"]["tasks"]

    assert len(tasks) == 13
    assert all(len(name) <= 250 for name in tasks)


def test_steps_are_in_their_targets_pool(found: dict[str, Any]) -> None:
    """A step with a compute target takes a slot of the pool of that name."""
    pools = {name: task["pool"] for name, task in found["dags"]["pools"]["tasks"].items()}

    assert (pools["a"], pools["b"]) == ("cpu", "default_pool")


def test_dags_belong_to_their_files(found: dict[str, Any], folder: Path) -> None:
    """The file that Airflow shows and watches is the DAG file, not one of ours."""
    assert {name: dag["fileloc"] for name, dag in found["dags"].items()} == {
        name: str(folder / f"{name}.py") for name in found["dags"]
    }


def test_parses_are_equal(found: dict[str, Any], folder: Path) -> None:
    """Another process with another hash seed serializes every DAG to the same text: no new DAG versions."""
    again = run_loader(folder, "1")

    for name, dag in found["dags"].items():
        assert again["dags"][name]["serialized"] == dag["serialized"]


def test_parsing_touches_nothing(found: dict[str, Any], folder: Path) -> None:
    """Neither a home of ours nor files beside the DAG files appear; the loader refuses connections."""
    assert found["dags"]
    assert not (folder.parent / "home").exists()
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {"src", *(f"{name}.py" for name in FILES)}


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("bad_params", "'lr' is a param and a pipeline parameter"),
        ("bad_group_params", "already has a param 'lr' with the default True, the pipeline's is 1"),
        ("bad_reuse_params", "a parameter 'reuse', and the DAG has the param of that name by which runs"),
        ("bad_outside", "task group 'g': no DAG is being written"),
        ("bad_cycle", "found a cycle: 'a' -> 'a'"),
        ("bad_script", "step 'missing.py': script not found at "),
    ],
)
def test_mistakes_are_import_errors_in_one_line(found: dict[str, Any], file: str, words: str) -> None:
    """What is wrong is Airflow's import error of that file, in our words, and stops no other file."""
    assert words in found["errors"][f"{file}.py"]
