"""Script runs: one record that is its own one attempt, without Airflow."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Run, ScriptRunConfig, Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.runconfig import PyTorchConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.exceptions import (
    AzureMLException,
    ComputeTargetException,
    StepFailedError,
    UserErrorException,
)
from airflow_ml.execution.attempt import Control, StepStopped
from airflow_ml.execution.model import Airflow, StepTask
from airflow_ml.execution.pipelines import close_pipeline, continue_run, enter_pipeline, stop_reason
from airflow_ml.execution.script_runs import ScriptOpening, open_script_run
from airflow_ml.execution.services import Services
from airflow_ml.execution.steps import take_step
from airflow_ml.pipeline._script_runs import script_graph

#: Three processes cannot be shared by two nodes.
UNEVEN = PyTorchConfiguration("Gloo", process_count=3, node_count=2)


class Submitted:
    """A script run that is recorded and not started."""

    def __init__(self, services: Services, config: ScriptRunConfig, **opening: object) -> None:
        self.services = services
        self.graph = script_graph(config, Workspace.get("w"))
        place = {"experiment": "e", "dag_id": "d", "dag_run_id": "r"}
        self.id = open_script_run(services, self.graph, ScriptOpening(**{**place, **opening})).id
        self.log: list[str] = []

    def run(self) -> None:
        """Run the script as the operator does."""
        pipeline = enter_pipeline(self.services, self.id, self.graph.steps[0].id)
        task = StepTask(self.graph, self.graph.steps[0], pipeline, Airflow("d", "r", "t"))
        take_step(self.services, task, Control(lambda: False, self.log.append, lambda _run_id: None))

    def fail(self) -> AzureMLException:
        """Run a script that must fail: the record says it, nothing was committed, and nothing is left."""
        with pytest.raises(AzureMLException) as caught:
            self.run()
        assert self.face.get_details()["error"]["error"]["message"] == str(caught.value)
        assert not self.services.registry.outputs.of(self.id)
        assert not list(self.services.registry.home.runs.iterdir())
        return caught.value

    @property
    def face(self) -> Run:
        """The run as users see it."""
        return Run.get(Workspace.get("w"), self.id)


@pytest.fixture
def submit(services: Services) -> Callable[..., Submitted]:
    """Write a script into the source directory `src` and record a run of it."""

    def make(source: str = "pass", arguments: object = None, *, opening: dict | None = None, **options: object):
        Path("src").mkdir(exist_ok=True)
        Path("src", "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
        if "command" not in options:
            options.update(script="train.py", arguments=arguments)
        return Submitted(services, ScriptRunConfig("src", **options), **(opening or {}))

    return make


def test_the_script_writes_to_the_run_itself(submit):
    """Metrics, tags, files, log and status are on the one record; it has no parent and no run below it."""
    source = """
    import os
    from azureml.core import Run
    run = Run.get_context()
    run.log("loss", 0.5)
    run.tag("best", "yes")
    os.makedirs("outputs")
    open("outputs/id", "w").write(run.id)
    print("parent", run.parent)
    """
    submitted = submit(source, opening={"tags": {"a": "b"}})

    submitted.run()

    run = submitted.face
    assert (run.type, run.status, run.number, run.parent) == ("azureml.scriptrun", "Completed", 1, None)
    assert run.get_metrics() == {"loss": 0.5}
    assert run.tags == {"a": "b", "best": "yes"}
    assert "parent None" in submitted.log
    run.download_file("outputs/id", "id")
    assert Path("id").read_text() == run.id
    assert run.get_snapshot_id() == run.properties["ContentSnapshotId"]
    assert not list(run.get_children())
    assert close_pipeline(submitted.services, submitted.id).status == "Completed"


def test_data_go_in_and_out(services, workspace):
    """A single file is a path, direct mode gives the id, and an output folder is there and kept (v1's dummy script)."""
    Path("raw.txt").write_text("content")
    store = workspace.get_default_datastore()
    store.upload_files(["raw.txt"])
    dataset = Dataset.File.from_files((store, "raw.txt"))
    source = """
    import os, sys
    from azureml.core import Run
    text = open(sys.argv[1]).read()
    open(os.path.join(sys.argv[3], "copy.txt"), "w").write(text + os.environ["MODE"])
    print(Run.get_context().input_datasets["table"].id == sys.argv[2])
    """
    inputs = [dataset.as_named_input("raw").as_mount(), dataset.as_named_input("table")]
    config = ScriptRunConfig("src", "train.py", [*inputs, OutputFileDatasetConfig("out", (store, "copies"))])
    config.run_config.environment_variables = {"MODE": "!"}
    Path("src").mkdir()
    Path("src", "train.py").write_text(textwrap.dedent(source))
    submitted = Submitted(services, config)

    submitted.run()

    assert "True" in submitted.log
    store.download("back", prefix="copies")
    assert Path("back", "copies", "copy.txt").read_text() == "content!"
    names = [item["consumptionDetails"]["inputName"] for item in submitted.face.get_details()["inputDatasets"]]
    assert sorted(names) == ["raw", "table"]


def test_a_command_as_text_runs_in_a_shell(submit):
    """Pipes and variables are the shell's; `python` is the environment's and finds the run."""
    source = "from azureml.core import Run; Run.get_context().log('n', int(input()))"

    submitted = submit(source, command='X="4 2"; echo "$X" | tr -d " " | python train.py')
    submitted.run()

    assert submitted.face.get_metrics() == {"n": 42}


def test_a_command_as_list_is_started_as_it_is(submit):
    """No shell reads the items: blanks and signs stay."""
    submitted = submit("import json, sys; print(json.dumps(sys.argv))", command=["python train.py -x", "a b", "&& ls"])

    submitted.run()

    assert json.loads(submitted.log[-1]) == ["train.py", "-x", "a b", "&& ls"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "raise SystemExit(3)"}, "script run 'train.py': script 'train.py' ended with exit code 3"),
        ({"command": "exit 4"}, "script run 'exit': its command ended with exit code 4"),
        ({"command": ["no-such-program"]}, "program 'no-such-program' is not found"),
        (
            {"source": "import signal; signal.pause()", "max_run_duration_seconds": 0.5},
            "ran longer than max_run_duration_seconds=0.5",
        ),
    ],
)
def test_a_failure_is_said_in_words(submit, options, words):
    """The error names the run, and what failed; the run is Failed with that text and cannot be started again."""
    submitted = submit(**options)

    error = submitted.fail()

    assert words in str(error)
    assert submitted.face.status == "Failed"
    with pytest.raises(UserErrorException, match="a script run is started once; submit it again"):
        continue_run(submitted.services, submitted.id)


def test_a_failed_script_leaves_no_output(submit):
    """What a script wrote before it failed is never committed."""
    source = "import sys; open(sys.argv[1] + '/a', 'w').write('a'); raise SystemExit(1)"

    submit(source, [OutputFileDatasetConfig("out")]).fail()

    assert not list(Path.cwd().parent.glob("w/stores/workspaceblobstore/**/a"))


def test_a_canceled_run_is_stopped(submit, gate):
    """Cancel while the script runs ends it; the run is Canceled."""
    submitted = submit(f"print('here', flush=True); {gate.wait_here}")
    submitted.log = _Ending(lambda: submitted.face.cancel())

    with pytest.raises(StepStopped):
        submitted.run()

    assert submitted.face.status == "Canceled"
    assert not list(submitted.services.registry.home.runs.iterdir())


class _Ending(list):
    """A log that does something with the script's first line."""

    def __init__(self, end: Callable[[], object]) -> None:
        super().__init__()
        self._end = end

    def append(self, line: str) -> None:
        if line == "here":
            self._end()
        super().append(line)


def test_a_run_that_is_marked_as_failed_is_stopped(submit, gate):
    """Fail while the script runs ends it; the run is Failed at once, with the reason that was given."""
    submitted = submit(f"print('here', flush=True); {gate.wait_here}")
    submitted.log = _Ending(lambda: submitted.face.fail("not worth it", error_code="Bored"))

    with pytest.raises(StepStopped, match="another process has closed its run as Failed"):
        submitted.run()

    assert submitted.face.get_details()["error"]["error"] == {"code": "Bored", "message": "not worth it"}
    assert not list(submitted.services.registry.home.runs.iterdir())


def test_a_run_that_is_marked_as_failed_early_is_not_started(submit):
    """A run that nobody has started yet can be marked as failed, and stays so."""
    submitted = submit()
    submitted.face.fail()

    assert stop_reason(submitted.services.registry.runs.get(submitted.id)) == "the script run was marked as failed"
    assert close_pipeline(submitted.services, submitted.id).status == "Failed"
    assert submitted.face.get_details()["error"]["error"]["message"] == "no details given"


def test_a_run_that_is_canceled_early_is_not_started(submit):
    """A run that nobody has started yet becomes Canceled when it is closed."""
    submitted = submit()
    submitted.face.cancel()

    record = submitted.services.registry.runs.get(submitted.id)
    assert stop_reason(record) == "the script run was canceled"
    assert close_pipeline(submitted.services, submitted.id).status == "Canceled"
    assert submitted.face.get_details().get("error") is None


def test_a_run_whose_task_was_never_started_is_failed(submit):
    """Closing a run that has not begun says so."""
    submitted = submit()

    verdict = close_pipeline(submitted.services, submitted.id)

    assert verdict.status == "Failed"
    assert "script run 'train.py': its task was not started" in verdict.error["message"]
    assert submitted.face.status == "Failed"


def test_a_run_whose_task_died_is_not_started_again(submit):
    """A second try finds the run under way, closes it as lost and refuses: outputs of two tries would mix."""
    submitted = submit()
    submitted.services.registry.runs.set_status(submitted.id, "Running")

    with pytest.raises(StepFailedError, match=r"script run 'train.py': its task died while the script ran"):
        submitted.run()

    assert submitted.face.get_details()["error"]["error"]["code"] == "StepLostError"


def test_a_child_run_lies_below_its_parent(submit, services):
    """A run that is submitted below another has it as parent, and no number of its own."""
    parent = services.registry.runs.create("e", "mine", kind="interactive")

    child = submit(opening={"parent_id": parent.id, "run_id": "my-child"})
    child.run()

    assert (child.id, child.face.number) == ("my-child", None)
    assert child.face.parent.id == parent.id
    assert [run.id for run in Run.get(Workspace.get("w"), parent.id).get_children()] == ["my-child"]


def test_the_compute_target_is_recorded(submit, workspace):
    """A named target is the run's, with v1's word for its kind; without one it is `local`."""
    ComputeTarget.create(workspace, "c1", AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=1))

    named, local = submit(compute_target="c1").face, submit().face

    assert (named.get_details()["target"], named.properties["_azureml.ComputeTargetType"]) == ("c1", "amlcompute")
    assert (local.get_details()["target"], local.properties["_azureml.ComputeTargetType"]) == ("local", "local")


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"compute_target": "no"}, ComputeTargetException, "script run 'train.py': ComputeTargetNotFound"),
        ({"distributed_job_config": UNEVEN}, UserErrorException, "process_count 3 is not a multiple of node_count 2"),
        ({"opening": {"run_id": "twice"}}, UserErrorException, "'twice'"),
    ],
)
def test_what_is_wrong_raises_at_submit(submit, services, options, kind, words):
    """Unknown targets, distributed jobs and taken ids are refused before anything is recorded."""
    submit(opening={"run_id": "twice"})

    with pytest.raises(kind, match=words):
        submit(**options)

    assert [run.id for run in services.registry.runs.list()] == ["twice"]
