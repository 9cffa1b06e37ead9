"""Distributed steps: several processes on one node, and several nodes that meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core.runconfig import MpiConfiguration, PyTorchConfiguration, RunConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.execution.artifacts import LOG_NAME

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
