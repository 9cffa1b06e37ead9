"""Distributed steps: several processes on one node, and several nodes that meet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core.runconfig import MpiConfiguration, PyTorchConfiguration, RunConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.exceptions import AzureMLException, StepFailedError, StepLostError
from airflow_ml.execution.artifacts import LOG_NAME
from airflow_ml.execution.attempt import Control
from airflow_ml.execution.node_attempt import find_meeting, run_node

WRITE = """
    import os, pathlib, sys
    from azureml.core import Run
    rank = os.environ["RANK"]
    print("rank", rank, "of", os.environ["WORLD_SIZE"], "meets at", os.environ["MASTER_ADDR"])
    pathlib.Path(sys.argv[1], f"{rank}.txt").write_text(os.environ["LOCAL_RANK"])
    Run.get_context().log("rank", int(rank))
"""

FAIL = """
    import os, sys, time
    if os.environ["RANK"] == "1":
        print("no luck")
        sys.exit(3)
    time.sleep(600)
"""


def several(processes: int, nodes: int = 1) -> RunConfiguration:
    """Return a run configuration of several processes of torch.distributed."""
    configuration = RunConfiguration(framework="PyTorch", communicator="Gloo")
    configuration.pytorch = PyTorchConfiguration("gloo", processes, nodes)
    configuration.node_count = nodes
    return configuration


@pytest.fixture
def out() -> OutputFileDatasetConfig:
    """Return an output that all ranks write to."""
    return OutputFileDatasetConfig("out")


def test_processes_of_one_node_write_one_output(start, script: Callable[..., object], out):
    """All ranks share the run: its output, its metrics and its log; and each has a log of its own, as in v1."""
    started = start(script(WRITE, out, runconfig=several(3)))

    started.run()

    written = {path.name: path.read_text() for path in started.output("out").iterdir()}
    assert written == {"0.txt": "0", "1.txt": "1", "2.txt": "2"}
    run = started.face.find_step_run("step")[0]
    assert sorted(run.get_metrics()["rank"]) == [0, 1, 2]
    assert {name for name in run.get_file_names() if name.startswith("user_logs/")} == {
        LOG_NAME,
        *(f"user_logs/std_log_process_{rank}.txt" for rank in range(3)),
    }
    assert "[2] rank 2 of 3 meets at 127.0.0.1" in started.log


def test_a_failing_process_is_named(start, script: Callable[..., object], tmp_path: Path):
    """One failing process ends the others, and the step's error says which it was and where its log is."""
    configuration = RunConfiguration(communicator="IntelMpi")
    configuration.mpi = MpiConfiguration(process_count_per_node=2)
    started = start(script(FAIL, runconfig=configuration))

    error = started.fail()

    assert str(error) == (
        "step 'step': script 'step.py': rank 1 of 2 ended with exit code 3, and the other processes were ended; its"
        " output is in user_logs/std_log_process_1.txt of the run"
    )
    assert "[1] no luck" in started.log


def test_an_embedded_run_has_all_nodes_on_one_machine(start, script: Callable[..., object], out):
    """Where there is one machine and one task at a time, the processes of all nodes are processes of that task."""
    started = start(script(WRITE, out, runconfig=several(2, nodes=2)), details={"engine": "embedded"})

    started.run()

    written = {path.name: path.read_text() for path in started.output("out").iterdir()}
    assert written == {"0.txt": "0", "1.txt": "1"}


class Node:
    """The second node of a step, in a thread of its own; what became of it is in `error`."""

    def __init__(self, started: object) -> None:
        self.started = started
        self.error: BaseException | None = None
        self.log: list[str] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def end(self) -> None:
        """Wait for its end."""
        self.thread.join(60)
        assert not self.thread.is_alive()

    def fail_with(self) -> AzureMLException:
        """Run the first node, which must fail, and return its error when both have ended and nothing is left."""
        with pytest.raises(AzureMLException) as caught:
            self.started.run()
        self.end()
        assert self.started.last().error["message"] == str(caught.value)
        assert not self.started.leftovers()
        return caught.value

    def _run(self) -> None:
        services, task = self.started.services, self.started.task("step")
        control = Control(lambda: False, self.log.append, lambda _run_id: None)
        try:
            while (run := find_meeting(services, task)) is None:
                time.sleep(0.05)
            run_node(services, task, run, 1, control)
        except AzureMLException as error:
            self.error = error


def test_two_nodes_write_one_output(start, script: Callable[..., object], out):
    """Nodes meet in the registry, begin together, and the first commits what all of them have written."""
    started = start(script(WRITE, out, runconfig=several(4, nodes=2)))
    second = Node(started)

    started.run()
    second.end()

    assert second.error is None
    written = {path.name: path.read_text() for path in started.output("out").iterdir()}
    assert written == {"0.txt": "0", "1.txt": "1", "2.txt": "0", "3.txt": "1"}
    names = started.face.find_step_run("step")[0].get_file_names()
    assert {"user_logs/std_log_process_3.txt", "user_logs/std_log_node_1.txt"} <= {*names}
    assert not started.leftovers()


def test_a_failure_on_one_node_ends_all(start, script: Callable[..., object]):
    """The step fails by the process of the other node, whose rank and node its error names."""
    started = start(script(FAIL, runconfig=several(2, nodes=2)))
    second = Node(started)

    error = second.fail_with()

    assert isinstance(error, StepFailedError)
    assert "rank 1 of 2 on node 1 ended with exit code 3" in str(error)
    assert str(second.error) == str(error)


def test_a_node_that_does_not_come_is_named(start, script: Callable[..., object], monkeypatch: pytest.MonkeyPatch):
    """Nodes wait for each other for a time; then the attempt fails as one whose machine failed, and says who lacks."""
    monkeypatch.setenv("AIRFLOW_ML_MEETING_SECONDS", "0.2")
    started = start(script(WRITE, "nowhere", runconfig=several(3, nodes=3)))

    error = started.fail()

    assert isinstance(error, StepLostError)
    assert "of its 3 nodes these have not come within 0.2 seconds: 1, 2; start as many workers" in str(error)


def test_files_that_two_nodes_wrote_differently_are_refused(start, script: Callable[..., object], out):
    """Nothing is overwritten silently where two nodes write one file."""
    text = "import os, pathlib, sys; pathlib.Path(sys.argv[1], 'model.txt').write_text(os.environ['RANK'])"
    started = start(script(text, out, runconfig=several(2, nodes=2)))
    second = Node(started)

    error = second.fail_with()

    assert "output 'out': node 1 and a node before it have both written 'model.txt', and not the same" in str(error)


def test_nodes_take_their_devices_in_turn(start, script: Callable[..., object], out, monkeypatch: pytest.MonkeyPatch):
    """A node takes its devices when those before it have theirs, so two steps never hold half of the machines each."""
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "fake:4")
    started = start(script(WRITE, out, runconfig=several(2, nodes=2), gpus=2))
    second = Node(started)

    started.run()
    second.end()

    assert second.error is None
    assert "step 'step' has devices fake-0, fake-1" in started.log
    assert "step 'step' has devices fake-2, fake-3" in second.log


def test_nodes_that_crowd_one_machine_are_refused(start, script: Callable[..., object], monkeypatch):
    """Nodes of one step that wait for each other's devices would wait for ever; whoever sees it first says it."""
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "fake:4")
    second = Node(start(script(WRITE, "nowhere", runconfig=several(2, nodes=2), gpus=3)))

    error = second.fail_with()

    expected = "2 of its nodes are on this machine, which has 4 devices and not 6; let each worker"
    assert expected in f"{error} {second.error}"
