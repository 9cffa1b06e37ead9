"""Which result a step takes, whoever names it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml import hooks
from airflow_ml.graph import Graph, Json, OutputPort, ReusePolicy, Step, WorkspaceRef
from airflow_ml.hookspecs import ReuseAnswer, hookimpl
from airflow_ml.registry import NewResult, OutputRecord
from airflow_ml.reuse.decisions import Question, StepCode, decide
from airflow_ml.storage.commit import commit_output
from airflow_ml.storage.manifests import manifest_path

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


@pytest.fixture
def offer(context, tmp_path):
    """Return a function that records a step run with a committed output and returns where its file lies."""

    def record(fingerprint: str, records: Sequence[Json] = ()) -> Path:
        run = context.registry.runs.create("e", "train", kind="step", status="Running")
        (tmp_path / run.id).write_text("same size 1")
        store, now = context.store("blobs"), datetime.now(timezone.utc)
        made = commit_output(
            store, tmp_path / run.id, destination=run.id, run_id=run.id, output="model", datastore="blobs"
        )
        place = manifest_path(run.id, "model")
        written = OutputRecord(
            run.id, "model", "pipeline_data", "blobs", made.path, made.is_file, made.digest, place, 1, made.size, now
        )
        result = NewResult(fingerprint, "train", "p", list(records))
        context.registry.runs.finish_step(run.id, status="Completed", outputs=[written], result=result)
        return Path(str(store.local_path(made.path)))

    return record


def test_the_one_sound_result_of_many_is_found(context, offer):
    """However many newer results have lost their outputs, the one that has not is taken."""
    question = Question({}, lambda _step: StepCode())
    fingerprint = decide(context, GRAPH, question)["train"].fingerprint.digest
    _, *places = [offer(fingerprint) for _ in range(8)]
    for place in places:
        place.unlink()

    assert decide(context, GRAPH, question)["train"].action == "reuse"


def test_a_collected_result_says_so(context, offer):
    """A step whose result was collected is told that, and not that nothing changed."""
    question = Question({}, lambda _step: StepCode())
    found = decide(context, GRAPH, question)["train"].fingerprint
    offer(found.digest, records=[record.to_data() for record in found.records])
    [result] = context.registry.results.find(found.digest)
    assert context.registry.retention.collect(result.run_id, unused_since=datetime.now(timezone.utc))

    reasons = decide(context, GRAPH, question)["train"].reasons

    assert reasons == (f"output deleted: model of run {result.run_id} was collected",)


@pytest.mark.parametrize("order", [("careful", "careless"), ("careless", "careful")])
def test_equal_steps_look_at_a_result_each_by_its_own_policy(context, offer, order):
    """Of two steps that would take one result, the one that looks closely finds what the other one overlooks."""
    policies = {"careful": ReusePolicy(verify="size"), "careless": ReusePolicy(verify="exists")}
    steps = [replace(STEP, id=name, name=name, reuse=policies[name]) for name in order]
    graph, question = Graph("p", WorkspaceRef("w"), tuple(steps)), Question({}, lambda _step: StepCode())
    fingerprints = {item.fingerprint.digest for item in decide(context, graph, question).values()}
    place = offer(*fingerprints)
    assert {item.action for item in decide(context, graph, question).values()} == {"reuse"}

    place.write_text("another size")

    assert decide(context, graph, question)["careful"].action == "run"
