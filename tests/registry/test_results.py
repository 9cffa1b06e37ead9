"""Results: what later runs may take, recorded with the end of the run that computed it."""

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import NewResult, OutputRecord, RunInputRecord, RunStateError, open_registry
from airflow_ml.registry.values import utc_now

RESULT = NewResult("f", "train", "digits", [["script", "", "train.py", None]], [{"datastore": "d"}])


def test_a_result_is_there_from_the_end_of_its_run(registry, begin):
    """A result says what it was made from, and appears with its run's last status."""
    run = begin()
    assert list(registry.results.find("f")) == []

    registry.runs.finish_step(run.id, status="Completed", result=RESULT)

    (found,) = registry.results.find("f")
    assert (found.run_id, found.fingerprint, found.step_name, found.pipeline_name) == (run.id, "f", "train", "digits")
    assert (found.records, found.discovered) == (RESULT.records, RESULT.discovered)
    assert (found.invalidated_at, found.invalidation) == (None, None)
    assert registry.results.of_run(run.id) == found


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_only_completed_runs_have_results(registry, begin, status):
    """A run that failed or was cancelled offers nothing, whatever it committed."""
    run = begin()

    with pytest.raises(UserErrorException, match=f"it is {status}, and only completed runs have results"):
        registry.runs.finish_step(run.id, status=status, result=RESULT)

    assert registry.runs.get(run.id) == run


def test_a_run_that_cannot_end_offers_nothing(registry, begin):
    """A result and the status of its run are one: if the end is refused, there is no result."""
    run = begin()
    registry.runs.set_status(run.id, "Canceled")

    with pytest.raises(RunStateError):
        registry.runs.finish_step(run.id, status="Completed", result=RESULT)

    assert registry.results.of_run(run.id) is None


def test_the_newest_result_comes_first(registry, compute):
    """Equal fingerprints are found newest first, at most as many as are wanted."""
    runs = [compute("f").id for _ in range(4)]
    compute("g")

    assert [result.run_id for result in registry.results.find("f", limit=3)] == runs[:0:-1]


def test_results_do_not_cross_workspaces(registry, ref, compute):
    """Another workspace of the same database has results of its own."""
    run = compute("f")

    with open_registry(WorkspaceRef(f"{ref.name}-other", registry_url=ref.registry_url)) as other:
        assert list(other.results.find("f")) == list(other.results.list()) == []
        assert list(other.results.list(run_id=run.id)) == []
        assert other.results.invalidate(reason="all") == 0
        assert other.results.times_reused([run.id]) == {run.id: 0}
    assert len(registry.results.find("f")) == 1


def test_an_invalidated_result_is_not_found_again(registry, compute):
    """Invalidation counts what it hits, keeps the reason, and leaves earlier reasons as they are."""
    first, second = compute("f"), compute("f")

    assert registry.results.invalidate(reason="wrong labels", run_id=first.id) == 1
    assert [result.run_id for result in registry.results.find("f")] == [second.id]
    assert registry.results.invalidate(reason="all of them") == 1

    assert list(registry.results.find("f")) == []
    assert [result.invalidation for result in registry.results.similar("train")] == ["all of them", "wrong labels"]


@pytest.mark.parametrize(
    ("limit", "hit"),
    [
        ({"step": "train"}, {"a", "c"}),
        ({"pipeline": "letters"}, {"c"}),
        ({"step": "prepare", "pipeline": "letters"}, set()),
        ({"fingerprint": "b"}, {"b"}),
        ({}, {"a", "b", "c"}),
    ],
)
def test_invalidation_is_limited_by_what_is_named(registry, compute, limit, hit):
    """Step, pipeline and fingerprint limit together; none of them is everything."""
    compute("a", "train")
    compute("b", "prepare")
    compute("c", "train", pipeline_name="letters")

    assert registry.results.invalidate(reason="r", **limit) == len(hit)

    assert {result.fingerprint for result in registry.results.list() if result.invalidated_at} == hit


def test_results_of_a_dataset_are_invalidated(registry, begin):
    """A dataset names the results of the runs that consumed it."""
    dataset_id = registry.datasets.save({"kind": "file", "sources": []})
    for number, name in enumerate(("with", "without")):
        run = begin(name)
        consumed = [RunInputRecord(run.id, "raw", "mount", "dataset", dataset_id)]
        registry.inputs.record(run.id, consumed if name == "with" else [])
        registry.runs.finish_step(run.id, status="Completed", result=NewResult(f"f{number}", name, "digits", []))

    assert registry.results.invalidate(reason="r", dataset_id=dataset_id) == 1

    assert [result.step_name for result in registry.results.list() if result.invalidated_at] == ["with"]


def test_a_run_names_its_results(registry, compute):
    """A pipeline run stands for the results of its steps, and a reused step for the result that it took."""
    run = compute("f")
    compute("g")
    later = registry.runs.create("digits", "digits", kind="pipeline", status="Running")
    reused = registry.runs.adopt(later.id, run.id, name="train", node_id="train")

    for named in (run.id, run.parent_id, reused.id):
        assert [result.run_id for result in registry.results.list(run_id=named)] == [run.id]
    assert registry.results.of_run(reused.id) is None
    assert list(registry.results.list(run_id=later.id)) == []


def test_similar_results_are_of_the_step_and_the_pipeline(registry, compute):
    """The name of the pipeline limits what the name of the step finds; invalidated results count too."""
    compute("a")
    compute("b", pipeline_name="letters")
    registry.results.invalidate(reason="r", fingerprint="b")

    assert [result.fingerprint for result in registry.results.similar("train")] == ["b", "a"]
    assert [result.fingerprint for result in registry.results.similar("train", pipeline_name="letters")] == ["b"]
    assert list(registry.results.similar("train", pipeline_name="words")) == []


def test_outputs_of_many_runs_come_in_few_queries(registry, begin):
    """As many runs as like are asked for at once; those without outputs have none."""
    runs = [begin(f"step {number}") for number in range(3)]
    for run in runs[:2]:
        place = {"kind": "file", "datastore": "s", "path": run.id, "is_file": True}
        output = OutputRecord(
            run.id, "o", **place, digest="d", manifest_path="m", files=1, size=1, committed_at=utc_now()
        )
        registry.outputs.add(run.id, [output])

    found = registry.outputs.of_runs([*(run.id for run in runs), *(f"absent {number}" for number in range(2000))])

    assert [{name: output.path for name, output in found[run.id].items()} for run in runs] == [
        {"o": runs[0].id},
        {"o": runs[1].id},
        {},
    ]
    assert found["absent 7"] == {}


def test_a_property_is_added_to_many_runs(registry, begin):
    """Final runs take it too, a second time is fine, and another value is refused for all of them."""
    runs = [begin(f"step {number}") for number in range(3)]
    registry.runs.set_status(runs[0].id, "Completed")

    for _ in range(2):
        registry.runs.add_property([run.id for run in runs], "announced", "true")
    with pytest.raises(UserErrorException, match="property 'announced' is 'true' and properties never change"):
        registry.runs.add_property([begin("new").id, runs[1].id], "announced", "false")

    assert len(registry.runs.list(properties={"announced": None}, include_children=True)) == 3
