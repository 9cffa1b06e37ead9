"""Which earlier result a step is compared with, and what is said where there is none."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from airflow_ml.graph import (
    Graph,
    InputPort,
    OutputPort,
    Step,
    StepOutputSource,
    WorkspaceRef,
)
from airflow_ml.hookspecs import Record
from airflow_ml.registry import NewResult, OutputRecord
from airflow_ml.reuse.difference_texts import difference_sentences
from airflow_ml.reuse.differences import Comparison
from airflow_ml.reuse.explanation import explain, explain_result, foresee
from airflow_ml.reuse.model import Fingerprint, UpstreamOutput
from airflow_ml.storage.commit import commit_output

STEP = Step("train", "train", "python_script", script="train.py", source_directory="src")


@pytest.fixture
def record(context):
    """Return a function that records a completed step run with its result."""

    def make(fingerprint: Fingerprint, *, step="train", pipeline="p", outputs=()) -> str:
        run = context.registry.runs.create("e", step, kind="step", status="Running")
        records = [item.to_data() for item in fingerprint.records]
        result = NewResult(fingerprint.digest, step, pipeline, records)
        written = [replace(output, run_id=run.id) for output in outputs]
        context.registry.runs.finish_step(run.id, status="Completed", outputs=written, result=result)
        return run.id

    return make


def in_graph(*steps: Step, name: str = "p") -> Graph:
    """Return a pipeline of these steps."""
    return Graph(name, WorkspaceRef("w"), steps)


def test_the_most_similar_result_is_compared_with(context, fingerprint, record):
    """Not the newest result counts but the one with the fewest differences; the newest of equals."""
    steps = [replace(STEP, version=version, script=script) for version, script in (("1", "a.py"), ("2", "b.py"))]
    older, similar, newest = (record(fingerprint(step)) for step in (steps[0], steps[0], steps[1]))
    now = replace(STEP, version="3", script="a.py")

    explanation = explain(context, now, in_graph(now), fingerprint(now))

    assert (explanation.sentences, explanation.compared_run_id) == (("version 1 -> 3",), similar)
    assert older != similar != newest


def test_without_an_earlier_result_that_is_said(context, fingerprint, record):
    """Results of other steps are nothing to compare with."""
    record(fingerprint(STEP), step="other")
    now = replace(STEP, script="new.py")

    explanation = explain(context, now, in_graph(now), fingerprint(now))

    assert (explanation.sentences, explanation.compared_run_id) == (("no earlier result of this step",), None)


def test_a_renamed_step_is_known_by_its_script(context, fingerprint, record):
    """A step with another name is compared with what ran the same script in the same pipeline."""
    run_id = record(fingerprint(STEP), step="old name")
    now = replace(STEP, version="2")

    assert explain(context, now, in_graph(now), fingerprint(now)).compared_run_id == run_id


def test_steps_that_are_only_called_alike_are_not_compared(context, fingerprint, record):
    """A step of another pipeline or of another name with other outputs is something else, whatever script it runs."""
    record(fingerprint(replace(STEP, outputs=(OutputPort("forest", "pipeline_data"),))), step="train forest")
    record(fingerprint(replace(STEP, script="other.py")), pipeline="q")
    record(fingerprint(STEP), pipeline="r", step="old name")

    assert explain(context, STEP, in_graph(STEP), fingerprint(STEP)).compared_run_id is None


def test_records_of_another_form_break_nothing(context, fingerprint, record):
    """Notes and values that a later version writes make an explanation plain, never an error."""
    strange = Fingerprint("f", (Record("argument", "00000", 5, {"a": 1}), Record("variable", "A", {"x": []}, 7)))
    record(strange)
    now = replace(STEP, environment_variables={"A": "1"}, arguments=(("a",),))

    sentences = explain(context, now, in_graph(now), fingerprint(now)).sentences

    assert any("A" in sentence for sentence in sentences)


def test_an_invalidated_result_says_why(context, fingerprint, record):
    """If nothing changed, what was said when the result was invalidated is the reason."""
    run_id = record(fingerprint(STEP))
    context.registry.results.invalidate(reason="bad labels", run_id=run_id)

    (sentence,) = explain(context, STEP, in_graph(STEP), fingerprint(STEP)).sentences

    assert sentence == f"the result of run {run_id} was invalidated: bad labels"


def test_a_result_is_compared_with_those_before_it(context, fingerprint, record):
    """Looking back at a result, later ones do not count."""
    first = record(fingerprint(replace(STEP, version="1")))
    second = record(fingerprint(replace(STEP, version="2")))
    record(fingerprint(replace(STEP, version="2", script="later.py")))

    explanation = explain_result(context, context.registry.results.of_run(second))

    assert (explanation.sentences, explanation.compared_run_id) == (("version 1 -> 2",), first)


@pytest.fixture
def written(context, tmp_path):
    """Return a function that commits an output `table` of files and gives its record."""

    def commit(run_id: str, **files: str) -> OutputRecord:
        folder = tmp_path / run_id
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.csv").write_text(text)
        place = {"destination": f"out/{run_id}", "run_id": run_id, "output": "table", "datastore": "blobs"}
        manifest = commit_output(context.store("blobs"), folder, **place)
        path = f".airflow_ml/manifests/{run_id}/table.json"
        now = datetime.now(timezone.utc)
        return OutputRecord(
            run_id, "table", "pipeline_data", "blobs", manifest.path, False, manifest.digest, path, 1, 1, now
        )

    return commit


def test_files_of_earlier_steps_are_named(context, fingerprint, written):
    """An input that another step wrote is compared by the manifests of both outputs."""
    runs = [context.registry.runs.create("e", "prepare", kind="step", status="Running").id for _ in range(2)]
    outputs = [written(runs[0], a="1", b="1"), written(runs[1], a="1", b="2", c="1")]
    for run_id, output in zip(runs, outputs, strict=True):
        context.registry.outputs.add(run_id, [output])
    step = replace(STEP, inputs=(InputPort("in", StepOutputSource("prepare", "table")),))
    old, new = (
        fingerprint(step, upstream={("prepare", "table"): UpstreamOutput(output.digest, False, output.run_id)}).records
        for output in outputs
    )

    assert difference_sentences(Comparison(context, old, new)) == [
        "input in: 1 of 3 files changed (b.csv), 1 added (c.csv)"
    ]


def test_what_waits_is_foreseen_where_it_runs_in_any_case(context, fingerprint, record):
    """A step that changed itself runs whatever its producer writes; one that did not may take a result."""
    port = InputPort("in", StepOutputSource("prepare", "table"))
    step = replace(STEP, inputs=(port,))

    def of(version: str, content: str) -> Fingerprint:
        upstream = {("prepare", "table"): UpstreamOutput(content, False, "r")}
        return fingerprint(replace(step, version=version), upstream=upstream)

    run_id = record(of("1", "first"))

    assert foresee(context, step, in_graph(step), of("2", ""), {"in"}) == (("version 1 -> 2",), ())
    assert foresee(context, step, in_graph(step), of("1", ""), {"in"}) == ((), (run_id,))
    assert foresee(context, replace(step, name="x"), in_graph(step, name="q"), of("1", ""), {"in"})[1] == ()
