"""Adoption: a step run that takes the results of another one, recorded in one moment and once."""

import dataclasses
import uuid

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import (
    Adoption,
    ArtifactRecord,
    DatasetRegistration,
    MetricPoint,
    OutputRecord,
    ResultGoneError,
    RunInputRecord,
    RunNotFoundError,
)
from airflow_ml.registry.values import utc_now


@pytest.fixture
def pipeline(registry):
    """Record the pipeline run whose steps are reused."""
    return registry.runs.create("letters", "digits", kind="pipeline", status="Running")


@pytest.fixture
def rich(registry, begin):
    """Run a step that left outputs, metrics and files, registered a dataset, and consumed one."""
    run = begin()
    moment = utc_now()
    registry.metrics.append([MetricPoint(run.id, "loss", "scalar", value, moment, value) for value in (3, 1, 2)])
    registry.inputs.record(run.id, [RunInputRecord(run.id, "raw", "mount", "dataset")])
    outputs = [
        OutputRecord(
            run_id=run.id,
            name=name,
            kind="pipeline_data",
            datastore="workspaceblobstore",
            path=f"azureml/{run.id}/{name}",
            is_file=False,
            digest="d" * 64,
            manifest_path=f".airflow_ml/manifests/{run.id}/{name}.json",
            files=3,
            size=100,
            committed_at=moment,
            pipeline_output_name=f"pipeline {name}",
            identity="i" * 64,
        )
        for name in ("model", "report")
    ]
    return registry.runs.finish_step(
        run.id,
        status="Completed",
        outputs=outputs,
        artifacts=[ArtifactRecord(run.id, f"logs/{number}", "s", f"p/{number}", number) for number in range(3)],
        registrations=[DatasetRegistration("model", "digits", {"kind": "file", "sources": []})],
    )


def test_a_reused_step_has_all_that_the_original_left(registry, pipeline, rich):
    """Outputs at their old places, metrics in their order and files are the new run's too."""
    reused = registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit")

    assert (reused.parent_id, reused.root_id, reused.experiment) == (pipeline.id, pipeline.id, "letters")
    assert (reused.kind, reused.status, reused.attempt, reused.node_id) == ("step", "Completed", 1, "fit")
    assert reused.created_at == reused.started_at == reused.ended_at
    assert reused.properties == {"azureml.reusedrunid": rich.id}
    old, new = (registry.outputs.of(run_id) for run_id in (rich.id, reused.id))
    assert [output.dataset_name for output in old] == ["digits", None]
    unnamed = {"dataset_name": None, "dataset_version": None}
    assert new == [dataclasses.replace(output, run_id=reused.id, **unnamed) for output in old]
    assert [point.value for point in registry.metrics.read(reused.id)] == [3, 1, 2]
    assert [file.path for file in registry.artifacts.list(reused.id)] == ["p/0", "p/1", "p/2"]
    assert registry.results.times_reused([rich.id]) == {rich.id: 1}


def test_a_reused_step_says_what_its_own_pipeline_says(registry, pipeline, rich):
    """Names of pipeline outputs, inputs, datasets, tags and details come from the pipeline run that reuses."""
    definition = {"kind": "file", "sources": [{"datastore": "workspaceblobstore", "path": "elsewhere"}]}
    reused = registry.runs.adopt(
        pipeline.id,
        rich.id,
        name="fit",
        node_id="fit",
        task_id="fit",
        tags={"a": "b"},
        properties={"azureml.isreused": "true"},
        details={"reuse": {"decision": "reused"}},
        inputs=[RunInputRecord("", "raw", "mount", "output", producer_run_id="p")],
        registrations=[DatasetRegistration("report", "letters", definition)],
        pipeline_outputs={"model": None, "report": "result"},
    )

    assert (reused.task_id, reused.tags, reused.details) == ("fit", {"a": "b"}, {"reuse": {"decision": "reused"}})
    assert reused.properties == {"azureml.isreused": "true", "azureml.reusedrunid": rich.id}
    assert [output.pipeline_output_name for output in registry.outputs.of(reused.id)] == [None, "result"]
    assert registry.outputs.get(reused.id, "report").dataset_version == 1
    assert [(consumed.run_id, consumed.source) for consumed in registry.inputs.of(reused.id)] == [(reused.id, "output")]


def test_a_registration_that_changed_nothing_makes_no_version(registry, pipeline, rich):
    """The dataset that the original's output became stays the name's latest version."""
    wanted = DatasetRegistration("model", "digits", {"kind": "file", "sources": []})

    reused = registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit", registrations=[wanted])

    assert registry.outputs.get(reused.id, "model").dataset_version == 1
    assert len(registry.datasets.versions("digits")) == 1


def test_many_who_adopt_at_once_record_one_run(registry, pipeline, rich, at_once):
    """Of many processes one records the reused step; the others learn that it is there."""

    def adopt(_number):
        run = registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit")
        return None if run is None else run.id

    (adopted,) = [run_id for run_id in at_once(adopt) if run_id is not None]

    assert [run.id for run in registry.runs.list(parent_id=pipeline.id)] == [adopted]


def test_many_pipelines_adopt_one_result_at_once(registry, rich, at_once):
    """A result is taken by as many as like."""
    pipelines = [registry.runs.create("letters", "digits", kind="pipeline") for _ in range(6)]

    adopted = at_once(
        lambda number: registry.runs.adopt(pipelines[number].id, rich.id, name="fit", node_id="fit").attempt
    )

    assert adopted == [1] * 6
    assert registry.results.times_reused([rich.id]) == {rich.id: 6}


def test_a_step_that_was_tried_is_not_adopted_behind_its_back(registry, pipeline, rich):
    """Whoever decides for others leaves a node alone that has an attempt, also one that failed."""
    registry.runs.create("letters", "fit", kind="step", parent_id=pipeline.id, node_id="fit", status="Failed")

    assert registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit") is None
    assert len(registry.runs.list(parent_id=pipeline.id)) == 1


def test_a_step_that_starts_again_may_find_a_result(registry, pipeline, rich):
    """A task that is at the node itself takes the node's next attempt."""
    registry.runs.create("letters", "fit", kind="step", parent_id=pipeline.id, node_id="fit", status="Failed")

    reused = registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit", only_first=False)

    assert (reused.attempt, reused.status) == (2, "Completed")
    assert registry.runs.steps(pipeline.id)[0].id == reused.id


def test_a_node_is_completed_once(registry, pipeline, rich):
    """A task that comes after somebody has recorded the node's completion gets that record."""
    first = registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit")

    assert registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit", only_first=False) == first


def test_the_run_that_computed_is_the_one_to_name(registry, pipeline, rich):
    """A reused step's results are the original's: the chain is never longer than one."""
    reused = registry.runs.adopt(pipeline.id, rich.id, name="fit", node_id="fit")

    with pytest.raises(ResultGoneError, match=f"it took them itself from run '{rich.id}', which is the one to name"):
        registry.runs.adopt(pipeline.id, reused.id, name="again", node_id="again")
    with pytest.raises(UserErrorException, match=r"'azureml\.reusedrunid' is 'other', expected"):
        registry.runs.adopt(
            pipeline.id, rich.id, name="again", node_id="again", properties={"azureml.reusedrunid": "other"}
        )


@pytest.mark.parametrize("status", ["Running", "Failed", "Canceled"])
def test_only_completed_step_runs_are_taken(registry, pipeline, begin, status):
    """A run that has not ended, or ended in another way, has no results."""
    run = begin()
    registry.runs.set_status(run.id, status)

    with pytest.raises(ResultGoneError, match=f"a step run that is {status}"):
        registry.runs.adopt(pipeline.id, run.id, name="fit", node_id="fit")
    with pytest.raises(RunNotFoundError):
        registry.runs.adopt(pipeline.id, "nobody", name="fit", node_id="fit")


def test_results_that_went_away_meanwhile_are_not_taken(registry, pipeline, compute):
    """What was invalidated or collected after the decision is refused, and nothing is recorded."""
    bad, gone = compute("f"), compute("g")
    registry.results.invalidate(reason="wrong labels", run_id=bad.id)
    assert registry.retention.collect(gone.id, unused_since=utc_now())

    for run, reason in ((bad, r"invalidated \(wrong labels\)"), (gone, "files were collected")):
        with pytest.raises(ResultGoneError, match=reason):
            registry.runs.adopt(pipeline.id, run.id, name="fit", node_id="fit")
    assert list(registry.runs.list(parent_id=pipeline.id)) == []


def test_an_adoption_that_fails_leaves_nothing(registry, pipeline, rich):
    """A registration of an output that is not there takes the whole record back."""
    with pytest.raises(UserErrorException, match="output 'table' is to be registered"):
        registry.runs.adopt(
            pipeline.id, rich.id, name="fit", node_id="fit", registrations=[DatasetRegistration("table", "t", {})]
        )

    assert list(registry.runs.list(parent_id=pipeline.id)) == []


def test_a_batch_records_what_single_adoptions_do(registry, pipeline, rich):
    """Two nodes of one source: outputs, metrics, files, inputs, labels and datasets as if recorded one by one."""
    definition = {"kind": "file", "sources": []}
    adoptions = [
        Adoption(
            run_id=node,
            source_run_id=rich.id,
            name="fit",
            options={"node_id": node, "task_id": f"g.{node}", "tags": {"a": "b"}, "details": {"x": 1}},
            inputs=[RunInputRecord("", "raw", "mount", "output", producer_run_id="one" if node == "two" else "p")],
            registrations=[DatasetRegistration("report", node, definition)],
            pipeline_outputs={"model": None, "report": "result"},
        )
        for node in ("one", "two")
    ]

    found = registry.runs.adopt_all(pipeline.id, adoptions)

    assert [*found] == ["one", "two"]
    run = found["two"]
    assert (run.parent_id, run.root_id, run.experiment) == (pipeline.id, pipeline.id, "letters")
    assert (run.kind, run.status, run.attempt, run.task_id) == ("step", "Completed", 1, "g.two")
    assert run.created_at == run.started_at == run.ended_at
    assert (run.tags, run.details, run.properties) == ({"a": "b"}, {"x": 1}, {"azureml.reusedrunid": rich.id})
    assert [output.pipeline_output_name for output in registry.outputs.of("one")] == [None, "result"]
    assert [output.dataset_name for output in registry.outputs.of("two")] == [None, "two"]
    for node in ("one", "two"):
        assert [point.value for point in registry.metrics.read(node)] == [3, 1, 2]
        assert [file.path for file in registry.artifacts.list(node)] == ["p/0", "p/1", "p/2"]
    assert registry.metrics.last_scalars(["one", rich.id]) == {"one": {"loss": 2}, rich.id: {"loss": 2}}
    inputs = registry.inputs.of_runs(["one", "two"])
    assert [inputs[node][0].producer_run_id for node in ("one", "two")] == ["p", "one"]
    assert registry.results.times_reused([rich.id]) == {rich.id: 2}


def test_a_batch_leaves_out_what_cannot_be_taken(registry, pipeline, rich, compute):
    """Nodes that were tried, results that went away and what would consume their runs are left out."""
    gone = compute("f")
    registry.results.invalidate(reason="wrong", run_id=gone.id)
    registry.runs.create("letters", "fit", kind="step", parent_id=pipeline.id, node_id="tried", status="Running")
    producers = {"behind": "gone", "further": "behind", "fine": "first"}
    sources = {"tried": rich.id, "gone": gone.id, "reused": "first"}
    adoptions = [
        Adoption(
            run_id=node,
            source_run_id=sources.get(node, rich.id),
            name=node,
            options={"node_id": node},
            inputs=[RunInputRecord("", "in", "mount", "output", producer_run_id=producers.get(node))],
        )
        for node in ("first", "tried", "gone", "reused", "behind", "further", "fine")
    ]

    assert [*registry.runs.adopt_all(pipeline.id, adoptions)] == ["first", "fine"]
    assert [*registry.runs.adopt_all(pipeline.id, adoptions)] == []
    assert len(registry.runs.children(pipeline.id)) == 3


def test_many_batches_at_once_record_each_node_once(registry, pipeline, rich, at_once):
    """Of many processes that adopt the same steps, one records each."""
    nodes = ("a", "b", "c")

    def adopt(_number):
        adoptions = [Adoption(str(uuid.uuid4()), rich.id, node, {"node_id": node}) for node in nodes]
        return len(registry.runs.adopt_all(pipeline.id, adoptions))

    assert sum(at_once(adopt)) == len(nodes)
    assert sorted(run.node_id for run in registry.runs.children(pipeline.id)) == [*nodes]
