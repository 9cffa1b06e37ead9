"""The pipelines that Python files build, found without starting them."""

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.cli._scripts import run_file, run_module
from airflow_ml.core import Workspace
from airflow_ml.exceptions import UserErrorException

SUBMIT = "Experiment(workspace, 'first').submit(pipeline, pipeline_parameters={'rate': 0.5}, tags={'a': 'b'})\n"


def test_a_script_is_left_at_its_submit(script):
    """The pipeline is found with what it is submitted with; nothing behind the submit is executed or recorded."""
    file = script("script.py", f"if __name__ == '__main__':\n    {SUBMIT}    raise SystemExit('too far')\n")

    (found,) = run_file(file)

    assert (found.name, [step.id for step in found.graph.steps]) == ("first", ["prepare", "train"])
    assert (found.submission["parameters"], found.submission["tags"]) == ({"rate": 0.5}, {"a": "b"})
    assert Workspace.get("ml").registry().runs.list() == []


def test_a_script_cannot_catch_that_it_is_left(script):
    """Neither `except Exception` goes on behind the submit, nor does what a bare `except` raises count."""
    for number, clause in enumerate(["except Exception", "except BaseException"] * 2):
        action = SUBMIT if number < 2 else "pipeline.publish('weekly')\n"
        file = script(f"{number}.py", f"try:\n    {action}{clause}:\n    raise SystemExit('failed')\n")

        assert len(run_file(file)) == 1


def test_a_script_is_left_at_its_publish(script):
    """Publishing stores nothing; the pipeline is found."""
    (found,) = run_file(script("script.py", "pipeline.publish('weekly')\nraise SystemExit('too far')\n"))

    assert [step.id for step in found.graph.steps] == ["prepare", "train"]
    assert Workspace.get("ml").registry().published_pipelines.list() == []


def test_pipelines_in_variables_are_found(script):
    """A file that submits nothing has the pipelines that its variables hold, each under its first name."""
    file = script("two.py", "same = pipeline\nother = Pipeline(workspace, [prepare])\n")

    assert [found.name for found in run_file(file)] == ["pipeline", "other"]


def test_pipelines_of_a_module_are_found(script, monkeypatch: pytest.MonkeyPatch):
    """A module is imported; the pipelines in its variables are found."""
    monkeypatch.syspath_prepend(str(script("pipelines_of_ours.py", "").parent))

    assert [found.name for found in run_module("pipelines_of_ours")] == ["pipeline"]


def test_a_script_run_is_found(script):
    """A submitted script is a pipeline of one step that says what it is."""
    config = "from airflow_ml.core import ScriptRunConfig\nconfig = ScriptRunConfig('src', script='run.py')\n"
    file = script("script.py", config + "Experiment(workspace, 'first').submit(config)\n")

    (found,) = run_file(file)

    assert found.graph.is_script_run


def test_a_dag_file_is_read_without_airflow(script):
    """A DAG file that does not import Airflow itself is read without it, from its own folder, under the DAG's name."""
    script("dag_file.py", "dag = pipeline.to_dag('digits')\ndag.doc_md = 'text'\n[] >> dag\n")
    code = (
        "import os, sys; from pathlib import Path; from airflow_ml.cli._scripts import run_file; os.chdir('/');"
        "found = run_file(Path(sys.argv[1])); print(found[0].name, found[0].graph.base_directory);"
        "print({'airflow', 'pandas', 'docker', 'azure', 'alembic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, "dag_file.py"], capture_output=True, text=True, check=False)

    assert done.returncode != 0  # the path is relative to where the command was called
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path("dag_file.py").resolve())], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [f"digits {Path.cwd()}", "set()"]


@pytest.mark.airflow
def test_steps_of_a_dag_that_are_written_by_hand_are_one_pipeline(script):
    """Operators by hand are found beside the task groups of the same file, with the data that ties them together."""
    text = """
from airflow.sdk import DAG
from airflow_ml.operators import DatasetInputOperator, PythonScriptStepOperator
with DAG("by_hand"):
    pipeline.to_task_group("inner")
    pinned = DatasetInputOperator(task_id="pin", workspace=workspace, dataset="raw")
    raw = pinned.as_input("raw").as_mount()
    common = {"workspace": workspace, "script_name": "run.py", "source_directory": "src"}
    out = PipelineData("out")
    PythonScriptStepOperator(task_id="first", arguments=[raw, out], inputs=[raw], outputs=[out], **common)
    PythonScriptStepOperator(task_id="second", arguments=[out], inputs=[out], **common)
"""
    inner, by_hand = run_file(script("by_hand.py", text))

    assert (inner.name, inner.is_by_hand) == ("inner", False)
    assert (by_hand.name, by_hand.is_by_hand) == ("by_hand", True)
    assert [(step.id, step.upstream) for step in by_hand.graph.steps] == [("first", ()), ("second", ("first",))]


def test_code_of_v1_is_planned_by_its_own_names(script):
    """A script that imports azureml is understood as it stands."""
    file = script("script.py", SUBMIT)
    file.write_text(file.read_text().replace("airflow_ml.", "azureml."))
    code = "import sys; from pathlib import Path; from airflow_ml.cli._scripts import run_file;"
    code += "print(run_file(Path(sys.argv[1]))[0].name)"
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)

    assert done.stdout == "first\n"


def test_what_a_script_prints_goes_to_standard_error(script, capfd: pytest.CaptureFixture[str]):
    """Standard output is the command's own, so that its JSON can be read."""
    run_file(script("script.py", "print('chatty')\n"))

    out, err = capfd.readouterr()
    assert (out, "chatty" in err) == ("", True)


def test_a_file_without_a_pipeline_is_an_error(write):
    """Who builds none is told what is looked for; a script that ends itself is quoted."""
    with pytest.raises(UserErrorException, match="submits and publishes no pipeline"):
        run_file(write("nothing.py", "x = 1\n"))
    with pytest.raises(UserErrorException, match="ended with 3 before it built a pipeline"):
        run_file(write("ends.py", "raise SystemExit(3)\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os\nos.stat('gone')\n", r"FileNotFoundError: .* \(line 2 of broken.py\)"),
        ("def (\n", r"SyntaxError: .*\(broken.py, line 1\)"),
        ("\0", "failed before it built a pipeline"),
        ("from airflow_ml.core import Workspace\nWorkspace(no='such')\n", r"TypeError: .* \(line 2 of broken.py\)"),
    ],
)
def test_a_broken_script_is_an_error_that_names_the_line(write, text, words):
    """What goes wrong in the user's code is told in one sentence, and is no fault of the command."""
    with pytest.raises(UserErrorException, match=words):
        run_file(write("broken.py", text))


def test_a_broken_module_is_an_error_that_names_the_line(write, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The same holds for a module."""
    monkeypatch.syspath_prepend(str(folder))
    write("module_that_breaks.py", "\n1 / 0\n")

    with pytest.raises(UserErrorException, match=r"ZeroDivisionError: .* \(line 2 of module_that_breaks.py\)"):
        run_module("module_that_breaks")


def test_a_script_gets_its_arguments(script):
    """Arguments behind `--` are the script's, which also sees its own name and folder."""
    text = "import sys, os\nassert sys.argv[1:] == ['--epochs', '3']\nassert sys.path[0] == os.path.dirname(__file__)\n"

    assert run_file(script("script.py", text), ["--epochs", "3"])
