"""`airflow-ml plan` as people call it: a process of its own."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from airflow_ml.cli.main import main
from airflow_ml.core import Workspace

SCRIPT = """
from airflow_ml.core import Experiment, Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.create("ml", exist_ok=True, show_output=False)
table, model, score = (PipelineData(name) for name in ("table", "model", "score"))
rate = PipelineParameter("rate", 0.1)


def step(name, *arguments, inputs=(), outputs=()):
    arguments = [*arguments, *outputs]
    return PythonScriptStep("run.py", name, arguments, inputs=inputs, outputs=outputs, source_directory=name)


prepare = step("prepare", outputs=[table])
train = step("train", table, "--rate", rate, inputs=[table], outputs=[model])
score = step("score", model, inputs=[model], outputs=[score])
Experiment(workspace, "first").submit(Pipeline(workspace, [score], description="digits"))
"""
RUN = "import os, sys\nos.makedirs(sys.argv[-1])\nopen(sys.argv[-1] + '/a.csv', 'w').write('1')\n"

#: What a plan of a plain script does without.
HEAVY = {"airflow", "pandas", "docker", "azure", "alembic"}

Plan = Callable[..., subprocess.CompletedProcess[str]]


def call(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "airflow_ml.cli.main", *arguments]
    variables = {**os.environ, "AIRFLOW_ML_HOME": str(home)}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def write_code(folder: Path) -> None:
    """Write a pipeline of three steps in a chain, each with its own source directory."""
    (folder / "pipeline.py").write_text(SCRIPT)
    for name in ("prepare", "train", "score"):
        (folder / name).mkdir()
        (folder / name / "run.py").write_text(RUN)


@pytest.fixture(scope="module")
def ran_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the pipeline once, and return the home that remembers it; plans change nothing in it."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("first")
    write_code(folder)
    done = call(folder, home, "submit", "pipeline.py", "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Write the code into another folder: where it lies does not count."""
    write_code(tmp_path)
    return tmp_path


@pytest.fixture
def plan(ran_home: Path, code: Path) -> Plan:
    """Return what plans the pipeline after its first run."""
    return lambda *arguments: call(code, ran_home, "plan", "pipeline.py", *arguments)


@pytest.mark.airflow
def test_unchanged_steps_are_reused(plan: Plan):
    """Each line says the run, when it was and what it saves; the last line sums up."""
    done = plan()

    title, prepare, *_, end = done.stdout.splitlines()
    assert (done.returncode, title) == (0, "first (workspace ml)")
    assert prepare.startswith("  reuse  prepare  from run ")
    assert "), saves " in prepare
    assert end.startswith("3 steps: 3 reused, which saves ")


@pytest.mark.airflow
def test_a_changed_script_runs_and_the_next_step_may(plan: Plan, code: Path):
    """Behind a step that runs it is open what becomes of the next one: only another output changes it."""
    (code / "train" / "run.py").write_text(f"{RUN}# a comment\n")

    assert [line.split(maxsplit=2)[::2] for line in plan().stdout.splitlines()[2:4]] == [
        ["run", "run.py changed"],
        ["?", "runs only if output model of train changes"],
    ]


@pytest.mark.airflow
def test_a_step_that_runs_in_any_case_says_so(plan: Plan, code: Path):
    """A step behind one that runs is no question if it has changed itself."""
    for name in ("train", "score"):
        (code / name / "run.py").write_text(f"{RUN}# a comment\n")

    assert [line.split(maxsplit=2)[::2] for line in plan().stdout.splitlines()[2:4]] == [["run", "run.py changed"]] * 2


@pytest.mark.airflow
def test_a_parameter_changes_the_steps_that_use_it(plan: Plan):
    """The sentence has both values."""
    done = plan("-p", "rate=0.2")

    assert "run    train    parameter rate 0.1 -> 0.2" in done.stdout


@pytest.mark.airflow
def test_a_plan_is_a_document_too(plan: Plan):
    """With `--json` nothing else is on standard output."""
    (document,) = json.loads(plan("--json", "-p", "rate=0.3").stdout)["pipelines"]

    assert (document["name"], document["pipeline"], document["reuse"]) == ("first", "digits", "normal")
    assert [step["action"] for step in document["steps"]] == ["reuse", "run", "unknown"]
    assert document["steps"][1]["reasons"] == ["parameter rate 0.1 -> 0.3"]
    assert document["steps"][2]["waits_for"] == ["train"]


@pytest.mark.airflow
def test_without_reuse_every_step_runs(plan: Plan):
    """What the run would be told about reuse is what the plan is told."""
    assert "3 steps: 3 to run" in plan("--reuse", "refresh").stdout


@pytest.mark.airflow
def test_a_plan_writes_and_starts_nothing(plan: Plan, ran_home: Path, code: Path):
    """Runs, snapshots, results and files of the workspace stay what they are."""

    def state() -> list[object]:
        files = [path for path in (ran_home / "ml" / "stores").rglob("*") if path.is_file()]
        with closing(sqlite3.connect(ran_home / "ml" / "registry.db")) as database:
            counts = [
                database.execute(f"SELECT count(*) FROM {table}").fetchall()
                for table in ("aml_runs", "aml_snapshots", "aml_results", "aml_dataset_definitions")
            ]
        return [sorted(files), counts]

    before = state()
    (code / "train" / "run.py").write_text(f"{RUN}# a comment\n")
    plan()

    assert state() == before


@pytest.mark.airflow
def test_a_plan_of_a_script_imports_nothing_heavy(plan: Plan, ran_home: Path, code: Path):
    """Neither Airflow nor the libraries of data and clouds are imported, whatever is reused or explained."""
    (code / "train" / "run.py").write_text(f"{RUN}# a comment\n")

    assert imported_by_plan(code, ran_home) & HEAVY == set()


@pytest.mark.airflow
def test_a_plan_of_unchanged_steps_imports_no_sqlalchemy(ran_home: Path, code: Path):
    """What is asked when nothing has changed is read by the standard library: the import would be half of the time."""
    assert imported_by_plan(code, ran_home) & {*HEAVY, "sqlalchemy"} == set()


def imported_by_plan(code: Path, home: Path) -> set[str]:
    """Return the modules that a process has after it has planned the pipeline."""
    lines = [
        "import json, sys; from airflow_ml.cli.main import main",
        "main(['plan', 'pipeline.py'])",
        "print(json.dumps(list(sys.modules)))",
    ]
    variables = {**os.environ, "AIRFLOW_ML_HOME": str(home)}
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=code, env=variables, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.airflow
def test_the_pipeline_is_planned_by_the_id_of_its_dag(plan: Plan, ran_home: Path, tmp_path_factory):
    """A pipeline that ran is planned without its file, from the graph that is recorded; its folders must be there."""
    listed = call(tmp_path_factory.mktemp("elsewhere"), ran_home, "plan", dag_id_of(ran_home))

    assert "3 steps: 3 reused" in listed.stdout


def dag_id_of(home: Path) -> str:
    """Return the id of the DAG that ran."""
    code = "from airflow_ml.core import Workspace; print(Workspace.get('ml').registry().runs.list()[0].dag_id)"
    variables = {**os.environ, "AIRFLOW_ML_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_before_the_workspace_is_made_every_step_runs(home: Path, code: Path):
    """A DAG file may be planned before anything ran: nothing is made for it."""
    text = SCRIPT.replace('Workspace.create("ml", exist_ok=True, show_output=False)', 'Workspace(None, None, "ml")')
    dag = "dag = Pipeline(workspace, [score]).to_dag('digits')"
    start = text.index("Experiment(workspace")
    (code / "pipeline.py").write_text(f"{text[:start]}{dag}\n")
    (home / "airflow_ml_home").mkdir()

    done = call(code, home / "airflow_ml_home", "plan", "pipeline.py")

    assert done.stdout.splitlines()[-1] == "3 steps: 3 to run"
    assert not [*(home / "airflow_ml_home").iterdir()]


def test_what_a_pipeline_names_must_be_there(home: Path, code: Path):
    """A source directory that is gone is an error that names the step, in one line."""
    shutil.rmtree(code / "train")

    done = call(code, home, "plan", "pipeline.py")

    assert done.returncode == 2
    assert done.stderr.startswith("airflow-ml: step 'train': ")
    assert Workspace.get("ml").registry().runs.list() == []


def test_what_hash_paths_names_must_be_there(home: Path, code: Path):
    """A plan fails as the run would: no step is planned that could not run."""
    file = code / "pipeline.py"
    file.write_text(file.read_text().replace("source_directory=name", "source_directory=name, hash_paths=['../gone']"))

    done = call(code, home, "plan", "pipeline.py")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("airflow-ml: step 'prepare': hash_paths: '../gone'")


@pytest.mark.airflow
def test_what_another_task_hands_on_is_known_in_the_run_alone(script, capsys):
    """A step written by hand whose data another task names cannot be decided before; the ones behind it neither."""
    text = """
from airflow.sdk import DAG
from airflow_ml.operators import DatasetInputOperator, PythonScriptStepOperator
del pipeline
with DAG("by_hand"):
    pinned = DatasetInputOperator(task_id="pin", workspace=workspace, dataset="raw")
    raw = pinned.as_input("raw").as_mount()
    common = {"workspace": workspace, "script_name": "run.py", "source_directory": "src"}
    PythonScriptStepOperator(task_id="first", arguments=[raw], inputs=[raw], **common)
"""
    script("by_hand.py", text)

    assert main(["plan", "by_hand.py"]) == 0

    line = capsys.readouterr().out.splitlines()[1]
    assert line == "  ?      first  known in the run only: input 'raw' is what task 'pin' hands on"
