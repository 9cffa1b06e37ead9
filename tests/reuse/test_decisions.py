"""Which result a step takes, whoever names it."""

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from airflow_ml import hooks
from airflow_ml.graph import Graph, OutputPort, Step, WorkspaceRef
from airflow_ml.hookspecs import ReuseAnswer, hookimpl
from airflow_ml.registry import NewResult, OutputRecord
from airflow_ml.reuse.decisions import Question, StepCode, decide

STEP = Step("train", "train", "python_script", script="train.py", outputs=(OutputPort("model"),))
GRAPH = Graph("p", WorkspaceRef("w"), (STEP,))


class Stubborn:
    """A plugin that names the same run whatever was found out about it."""

    def __init__(self) -> None:
        self.run_id = ""

    @hookimpl
    def airflow_ml_check_reuse(self, question):
        """Answer without looking at the question."""
        return ReuseAnswer.of(self.run_id)


@pytest.fixture
def stubborn() -> Iterator[Stubborn]:
    """Register the plugin for one test."""
    plugin = Stubborn()
    hooks.plugins().register(plugin)
    yield plugin
    hooks.plugins().unregister(plugin)


@pytest.fixture
def run(context):
    """Return a function that records a step run with an output whose files are nowhere."""

    def record(*, status: str = "Completed", output: str = "model", is_offered: bool = True) -> str:
        run = context.registry.runs.create("e", "train", kind="step", status="Running")
        path, now = f".airflow_ml/manifests/{run.id}/{output}.json", datetime.now(timezone.utc)
        written = OutputRecord(run.id, output, "pipeline_data", "blobs", "m", True, "d", path, 1, 1, now)
        result = NewResult("f", "train", "p", []) if is_offered else None
        context.registry.runs.finish_step(run.id, status=status, outputs=[written], result=result)
        return run.id

    return record


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        ({}, "output deleted: model: its manifest is not on datastore 'blobs' any more"),
        ({"output": "other"}, "has no output 'model'"),
        ({"is_offered": False}, "offers no result"),
        ({"status": "Failed", "is_offered": False}, "is Failed"),
    ],
)
def test_a_plugin_cannot_make_a_step_take_what_is_not_sound(context, stubborn, run, recorded, reason):
    """A run that was found unfit stays out of the question, however often it is named; the step runs and says why."""
    stubborn.run_id = run(**recorded)

    decision = decide(context, GRAPH, Question(parameters={}, code=lambda _step: StepCode()))["train"]

    assert decision.action == "run"
    assert reason in decision.reasons[0]


def test_a_run_that_is_nowhere_is_not_taken(context, stubborn):
    """A plugin may name what was never recorded."""
    stubborn.run_id = "nothing"

    decision = decide(context, GRAPH, Question(parameters={}, code=lambda _step: StepCode()))["train"]

    assert (decision.action, decision.source) == ("run", None)
