"""Stopping a step from outside, and by its time limit."""

from __future__ import annotations

import threading

import pytest

from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.execution.attempt import StepStopped
from airflow_ml.pipeline.core import PipelineData


@pytest.mark.parametrize("who", ["pipeline", "step", "caller"])
def test_a_canceled_step_ends_its_script(script, start, gate, who):
    """Canceling the pipeline's run or the step's, or ending its task, stops the script; nothing is committed."""
    out = PipelineData("out")
    source = f"import sys; open(sys.argv[1], 'w').close(); {gate.wait_here}; import signal; signal.pause()"
    started = start(script(source, out, outputs=[out]))
    caught = []

    def run():
        with pytest.raises(StepStopped) as info:
            started.run()
        caught.append(str(info.value))

    runner = threading.Thread(target=run)
    runner.start()
    gate.wait()
    gate.open()
    if who == "pipeline":
        started.face.cancel()
    elif who == "step":
        started.face.find_step_run("step")[0].cancel()
    else:
        started.is_stopped = True
    runner.join(30)

    assert "step 'step' was stopped" in caught[0]
    assert started.last().status == "Canceled"
    assert not started.services.registry.outputs.of(started.last().id)
    assert not started.leftovers()


def test_a_time_limit_ends_the_script(script, start):
    """A script that runs longer than max_run_duration_seconds fails, in words."""
    config = RunConfiguration()
    config.max_run_duration_seconds = 1

    started = start(script("import signal; signal.pause()", runconfig=config))

    error = started.fail()

    assert "max_run_duration_seconds=1" in str(error)
    assert started.last().error["code"] == "StepTimeoutError"
