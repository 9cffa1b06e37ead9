import os
import subprocess
import sys
import textwrap

import pytest


@pytest.fixture
def offline(step_library, tmp_path):
    """Run a script that is no step's."""

    def run(script, python=sys.executable):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AIRFLOW"))}
        return subprocess.run(
            [python, "-c", textwrap.dedent(script)],
            env={**environment, "PYTHONPATH": str(step_library)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_prints_and_checks_nothing(offline, python):
    """Each call prints kind, name and value, whatever the value's type."""
    done = offline(
        """
        from azureml.core import Run
        run = Run.get_context()
        run.log("loss", 0.5)
        run.log("odd", [1, 2])
        run.log_row("row", x=1)
        run.log_image("plot", path="a.png")
        run.tag("k", "v")
        run.upload_file("outputs/m.pkl", "no such file")
        """,
        python,
    )

    assert done.stdout.splitlines() == [
        "Attempted to log scalar metric loss:",
        "0.5",
        "Attempted to log scalar metric odd:",
        "[1, 2]",
        "Attempted to log row metric row:",
        "{'x': 1}",
        "Attempted to log image metric plot:",
        "a.png",
        "Attempted to add tag k with value v",
        "Attempted to track file outputs/m.pkl at no such file",
    ], done.stderr


def test_how_scripts_tell(offline):
    """Scripts tell an offline run by its class, its text, its id and the attributes that it has not."""
    done = offline("""
        from azureml.core import Run
        from azureml.core.run import _OfflineRun
        run = Run.get_context()
        assert isinstance(run, _OfflineRun) and run.id.startswith("OfflineRun") and run is Run.get_context()
        for name in ("experiment", "parent", "input_datasets", "output_datasets", "get_metrics", "tags", "get_status"):
            assert not hasattr(run, name), name
        assert "_OfflineRun" in str(run) and run._run_id == run.id
        with run.child_run("c") as child:
            child.complete()
        assert child.id == run.id + ".c"
    """)

    assert done.returncode == 0, done.stderr


def test_offline_not_allowed(offline):
    """Where offline runs are not allowed, no context is an error."""
    done = offline("from azureml.core import Run; Run.get_context(allow_offline=False)")

    assert "RunEnvironmentException: Run.get_context: this process is not a step's" in done.stderr


def test_workspace_outside_a_step(offline):
    """What needs the operator says that this is no step."""
    done = offline("from azureml.core import Workspace; Workspace.from_config()")

    assert "Workspace.from_config: the step library works inside a step alone" in done.stderr


def test_model_path_outside_a_step(offline, tmp_path):
    """A model's path is looked for where v1 downloads models to."""
    (tmp_path / "azureml-models" / "m" / "2").mkdir(parents=True)
    (tmp_path / "azureml-models" / "m" / "2" / "m.pkl").touch()

    done = offline("""
        from azureml.core import Model
        print(Model.get_model_path("m"))
        Model.get_model_path("m", version=3)
    """)

    assert done.stdout == "azureml-models/m/2/m.pkl\n"
    assert "ModelNotFoundException: model 'm', version 3" in done.stderr
