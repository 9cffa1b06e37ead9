"""The happy way of one step: outputs, metrics, files, lineage, properties."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path

from airflow_ml.core import Run, Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

WRITE = """
import sys
open(sys.argv[1], "w").write("hello")
"""


def test_a_step_commits_what_its_script_wrote(script, start):
    """A script's output is on the datastore under its run's id, with a manifest, and the record says where."""
    out = PipelineData("out")
    started = start(script(WRITE, out, outputs=[out]))

    result = started.run()

    assert started.output("out").read_text() == "hello"
    assert result.outputs["out"].path == f"azureml/{result.step_run_id}/out"
    assert started.services.store("workspaceblobstore").exists(f".airflow_ml/manifests/{result.step_run_id}/out.json")
    assert started.last().status == "Completed"
    assert not started.leftovers()


def test_the_result_is_small_plain_data(script, start):
    """What goes into an XCom is ids, places of outputs and last values of scalar metrics."""
    out = PipelineData("out")
    source = WRITE + "from azureml.core import Run\nrun = Run.get_context()\nrun.log('loss', 2)\nrun.log('loss', 1)"
    started = start(script(source, out, outputs=[out]))

    data = started.run().to_data()

    assert data["pipeline_run_id"] == started.id
    assert data["metrics"] == {"loss": 1}
    assert set(data["outputs"]["out"]) == {"datastore", "path", "digest"}


def test_the_result_is_json_whatever_a_script_logged(script, start):
    """A loss that is NaN or half a character goes into the XCom as text that JSON and UTF-8 have a word for."""
    source = """
    from azureml.core import Run
    run = Run.get_context()
    run.log("nan", float("nan")); run.log("inf", float("-inf")); run.log("half", "\\udc80")
    """
    started = start(script(source))

    metrics = started.run().to_data()["metrics"]

    assert json.loads(json.dumps(metrics, allow_nan=False, ensure_ascii=False).encode()) == {
        "nan": "nan",
        "inf": "-inf",
        "half": "?",
    }
    assert started.face.find_step_run("step")[0].get_metrics()["inf"] == float("-inf")


def test_what_a_script_logs_is_recorded_with_its_run(script, start):
    """Metrics, tags, properties, uploaded files, ./outputs, ./logs and the log itself belong to the step's run."""
    source = """
    import os
    from azureml.core import Run
    run = Run.get_context()
    run.log("n", 3); run.log_list("l", [1, 2]); run.tag("colour", "blue"); run.add_properties({"p": "1"})
    os.makedirs("outputs/deep"); open("outputs/deep/a b%#+é.txt", "w").write("x")
    os.makedirs("logs"); open("logs/my.log", "w").write("x")
    open("picture.png", "wb").write(b"png"); run.upload_file("extra/picture.png", "picture.png")
    print("said")
    """
    started = start(script(source))

    started.run()

    [run] = started.face.find_step_run("step")
    assert run.get_metrics() == {"n": 3, "l": [1, 2]}
    assert run.tags["colour"] == "blue"
    assert run.properties["p"] == "1"
    assert set(run.get_file_names()) == {
        "extra/picture.png",
        "logs/my.log",
        "outputs/deep/a b%#+é.txt",
        "user_logs/std_log.txt",
    }
    assert run.get_stdout_log() == "said\n"
    assert "said" in started.log


def test_runs_carry_v1s_properties_and_tags(script, start):
    """People find runs by the properties and tags that v1 wrote."""
    started = start(script("pass"))

    pipeline = started.run_all()
    [run] = pipeline.get_steps()

    assert run.properties["azureml.runsource"] == "azureml.StepRun"
    assert run.properties["StepType"] == "PythonScriptStep"
    assert run.properties["azureml.pipelinerunid"] == started.id
    assert run.properties["ContentSnapshotId"] == run.get_snapshot_id()
    assert run.tags == {"azureml.nodeid": "step", "azureml.pipeline": started.id}
    assert pipeline.properties["runSource"] == "SDK"
    assert pipeline.properties["azureml.parameters"] == "{}"


def test_git_state_is_recorded(script, start, tmp_path: Path):
    """A source directory in a git work tree leaves repository, branch, commit and whether it is dirty."""
    step = script("pass")
    for command in (
        ["init", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "x"],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True)

    started = start(step)
    started.run()

    properties = started.last().properties
    assert properties["azureml.git.branch"] == "main"
    assert len(properties["azureml.git.commit"]) == 40
    assert properties["azureml.git.dirty"] == "False"


def test_lineage_names_the_producer(script, start):
    """A consumer's record says which run and output each input came from, with the digest of its content."""
    out = PipelineData("out")
    first = script(WRITE, out, outputs=[out], name="first")
    second = script("import sys; assert open(sys.argv[1]).read() == 'hello'", out, inputs=[out], name="second")
    started = start(first, second)

    started.run_all()

    [consumed] = started.services.registry.inputs.of(started.last("second").id)
    assert consumed.producer_run_id == started.last("first").id
    assert consumed.producer_output == "out"
    assert consumed.digest == started.services.registry.outputs.get(started.last("first").id, "out").digest


def test_metrics_and_log_are_visible_while_the_script_runs(script, start, gate):
    """Who looks at a running step sees what it has logged and printed so far."""
    source = f"""
    from azureml.core import Run
    Run.get_context().log("early", 1)
    print("first line", flush=True)
    {gate.wait_here}
    """
    started = start(script(source))
    seen = threading.Event()
    started.on_line = lambda line: seen.set() if line == "first line" else None
    runner = threading.Thread(target=started.run)
    runner.start()

    gate.wait()
    assert seen.wait(30)
    [run] = started.face.find_step_run("step")
    deadline = time.monotonic() + 30
    while not run.get_metrics() and time.monotonic() < deadline:
        pass  # lines and events are followed side by side
    found = (run.get_status(), run.get_metrics(), run.get_stdout_log())
    gate.open()
    runner.join(30)

    assert found == ("Running", {"early": 1}, "first line\n")


def test_names_may_hold_anything_a_file_name_can(services, workspace: Workspace, start):
    """Blanks, unicode, %, # and + in names of folders, scripts, steps and files survive every phase."""
    odd = "größe 100% #1+é"
    folder = Path(odd)
    folder.mkdir()
    (folder / f"{odd}.py").write_text(
        f"import os, sys; os.makedirs(sys.argv[1]); open(os.path.join(sys.argv[1], {odd!r}), 'w').write({odd!r})",
        encoding="utf-8",
    )
    out = PipelineData("out")
    step = PythonScriptStep(f"{odd}.py", odd, [out, odd], outputs=[out], source_directory=odd)
    started = start(step)
    step_id = started.graph.steps[0].id

    started.run(step_id)

    assert started.output("out", step_id).joinpath(odd).read_text(encoding="utf-8") == odd
    assert started.face.find_step_run(odd)[0].name == odd


def test_a_run_can_be_asked_for_by_its_id(script, start, workspace: Workspace):
    """`Run.get` gives a step's run as a StepRun, with the keys of v1's details."""
    started = start(script("pass"))
    started.run()

    run = Run.get(workspace, started.last().id)

    assert type(run).__name__ == "StepRun"
    assert run.parent.id == started.id
    assert run.get_status() == "Finished"
    assert run.get_details()["status"] == "Completed"
    assert {"runId", "target", "startTimeUtc", "endTimeUtc", "logFiles"} <= set(run.get_details())


def test_parsing_a_pipeline_opens_nothing(workspace: Workspace, script):
    """Building a graph does not create run directories or records."""
    Pipeline(workspace, [script("pass")])

    assert not list(Path(workspace.registry().home.runs).glob("*"))
