"""Which outputs a collection of garbage finds and removes, and which it never touches."""

from datetime import timedelta

import pytest
from collecting import NOW, STORE, all_files, collect, found

from airflow_ml.graph import (
    DataReferenceSource,
    Graph,
    InputPort,
    Step,
    StepOutputSource,
    WorkspaceRef,
    to_json,
)
from airflow_ml.registry import (
    DatasetRegistration,
    ResultGoneError,
    RunInputRecord,
)
from airflow_ml.reuse.verification import verify_outputs
from airflow_ml.storage.commit import commit_output
from airflow_ml.storage.manifests import manifest_path, read_manifest


def test_an_unused_output_goes_and_cannot_be_reused(context, store, compute):
    """Files, manifest and folders are gone, and no run can take the result, however it comes to it."""
    run = compute()

    collection = collect(context)

    assert found(collection) == [("output", run.id)]
    assert (collection.removed, collection.freed, collection.failures) == (2, 6, [])
    assert not {path for path in all_files(store) if run.id in path}
    assert context.registry.results.find("f") == []
    record = context.registry.outputs.get(run.id, "model")
    assert verify_outputs(context, [(record, "exists")])[0].startswith("output deleted: model: it was collected on")
    assert found(collect(context)) == []


def test_nothing_is_touched_unless_it_is_asked_for(context, store, compute):
    """Without `delete` the same is found and everything stays as it is."""
    run = compute()
    before = all_files(store)

    collection = collect(context, delete=False)

    assert (found(collection), collection.removed) == ([("output", run.id)], 0)
    assert all_files(store) == before
    assert [result.run_id for result in context.registry.results.find("f")] == [run.id]


def test_an_open_run_keeps_its_outputs(context, begin, write, end):
    """A step that ended long ago belongs to a pipeline run that still runs."""
    run = begin()
    end(run, write(run, {"a": "x"}), close=False)

    assert collect(context).kept == {"in use by an open run": 1}


def test_an_open_run_keeps_what_it_took(context, compute, adopt):
    """A run that took the results long ago and is still open needs the original's files."""
    adopt(compute(days=200), open_pipeline=True, days=100)

    assert collect(context).kept == {"in use by an open run": 1}


def test_an_open_run_keeps_what_it_consumes(context, compute, begin):
    """A consumer in another pipeline run keeps the producer."""
    produced = compute()
    consumer = begin(days=1)
    context.registry.inputs.record(
        consumer.id,
        [
            RunInputRecord(
                run_id=consumer.id, name="i", mode="mount", source="output", producer_run_id=produced.id,
                producer_output="model",
            )
        ],
    )  # fmt: skip

    assert collect(context).kept == {"in use by an open run": 1}


def test_an_open_run_keeps_what_its_graph_names(context, compute, begin):
    """A step that has not begun will read a path of the datastore."""
    produced = compute()
    source = DataReferenceSource(STORE, f"azureml/{produced.id}/model/sub")
    run = begin(days=1, step=Step("later", "later", "python_script", inputs=(InputPort("data", source),)))

    assert collect(context).kept == {f"needed by run {run.parent_id}": 1}


def test_an_open_run_keeps_what_its_parameters_name(context, compute, begin):
    """A datapath parameter names a place too."""
    produced = compute()
    run = begin(days=1, details={"parameters": {"data": f"datastore://{STORE}/azureml/{produced.id}"}})

    assert collect(context).kept == {f"needed by run {run.parent_id}": 1}


def test_reuse_makes_an_output_young_again(context, compute, adopt):
    """What was taken not long ago is needed, however old it is."""
    adopt(compute(days=400))

    assert collect(context).kept == {"used not long ago": 1}


def test_a_young_output_stays(context, compute):
    """The age is that of the terms."""
    compute(days=20)

    assert collect(context).kept == {"used not long ago": 1}
    assert len(collect(context, unused_days=10).garbage) == 1


def test_the_longest_run_is_grace(context, compute, begin):
    """Where a run took 60 days, nothing younger than that is touched."""
    compute(days=40)
    slow = begin(days=70)
    context.registry.runs.set_status(slow.id, "Failed", ended_at=NOW - timedelta(days=10))

    assert collect(context, unused_days=1).kept == {"used not long ago": 1}


def test_an_invalidated_result_goes_after_the_grace_time(context, compute, monkeypatch):
    """Whoever looked it up right before is let through."""
    runs = [compute(days=10, fingerprint=fingerprint) for fingerprint in "fg"]
    context.registry.results.invalidate(reason="wrong data", run_id=runs[0].id)
    monkeypatch.setattr("airflow_ml.registry.result_queries.utc_now", lambda: NOW - timedelta(days=2))
    context.registry.results.invalidate(reason="wrong data", run_id=runs[1].id)

    collection = collect(context)

    assert found(collection) == [("output", runs[1].id)]
    assert collection.kept == {"invalidated a short time ago": 1}


def test_the_newest_of_each_step_are_kept_if_that_is_asked_for(context, compute):
    """`keep_last` counts the results of a step, newest first."""
    runs = [compute(days=days, fingerprint=str(days)) for days in (60, 50, 40)]

    collection = collect(context, keep_last=2)

    assert found(collection) == [("output", runs[0].id)]
    assert collection.kept == {"among the newest 2 of their step": 2}


def test_a_registered_output_stays(context, begin, write, end):
    """Registered by its step, or by its path under a name of its own, or as a model."""
    run = begin()
    manifest = write(run, {"a": "x"})
    definition = {"kind": "file", "sources": [{"datastore": STORE, "path": f"{manifest.path}/"}]}
    end(run, manifest, registrations=[DatasetRegistration(output="model", name="digits", definition=definition)])

    assert collect(context).kept == {"registered as a dataset": 1}
    context.registry.datasets.unregister("digits")
    assert len(collect(context).garbage) == 1


@pytest.mark.parametrize(
    "path", ["azureml/{run}/model/a", "azureml/{run}/**/*.csv", "azureml/{run}", "azureml/*/model"]
)
def test_a_place_that_a_dataset_names_stays(context, compute, path):
    """A dataset that was made of a path inside, at or around the output keeps it, patterns too."""
    run = compute()
    definition = {"kind": "file", "sources": [{"datastore": STORE, "path": path.format(run=run.id)}]}
    context.registry.datasets.register("mine", definition)

    assert collect(context).kept == {"needed by dataset 'mine' version 1": 1}


def test_a_model_of_an_output_stays(context, compute):
    """A registered model names the output's file."""
    run = compute()
    context.registry.models.register("digits", datastore=STORE, path=f"azureml/{run.id}/model/a")

    assert collect(context).kept == {"needed by model 'digits' version 1": 1}


def test_a_place_of_a_published_pipeline_stays(context, compute):
    """Published pipelines may run again at any time."""
    run = compute()
    source = DataReferenceSource(STORE, f"azureml/{run.id}/model")
    step = Step("s", "s", "python_script", inputs=(InputPort("data", source),))
    graph = Graph("p", WorkspaceRef("w"), (step,))
    context.registry.published_pipelines.add("p", graph_json=to_json(graph), steps=1)

    assert collect(context).kept == {"needed by a published pipeline": 1}


def test_what_is_being_computed_anew_stays(context, compute):
    """A lease on the fingerprint is held."""
    compute()
    context.registry.fingerprint_leases.acquire("f", "somebody", seconds=60)

    assert collect(context).kept == {"being computed anew": 1}


def test_outputs_that_are_no_results_stay(context, compute):
    """A step without reuse has made them for people, not for later runs."""
    compute(fingerprint=None)

    assert collect(context).kept == {"not offered to later runs": 1}


def test_a_shared_destination_stays_while_one_output_in_it_is_needed(context, store, compute):
    """Nothing of a fixed folder goes before all that was written there may go, and then what is the runs' own."""
    compute(files={"a": "1", "b": "1"}, destination="shared/x")
    compute(files={"b": "2"}, destination="shared", days=1, fingerprint="g")

    assert collect(context).kept["in a destination that others share"] == 1
    assert found(collect(context, unused_days=0, grace_hours=0))[0][0] == "output"
    assert [info.path for info in store.list("shared")] == []


def test_a_shared_destination_stays_while_another_workspace_writes_there(context, store, compute, tmp_path):
    """A manifest of a run that this workspace does not know speaks for the folder."""
    compute(destination="shared")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "z").write_text("x")
    commit_output(store, tmp_path / "theirs", destination="shared", run_id="elsewhere", output="o", datastore="other")

    assert collect(context).kept["in a destination that others share"] == 1


def test_what_is_adopted_while_it_is_collected_is_spared(context, store, compute, adopt, monkeypatch):
    """A run that takes the result between the search and the removal keeps it."""
    run = compute()
    collection = collect(context, delete=False)
    adopt(run)

    assert collection.garbage[0].remove() is None
    assert read_manifest(store, run.id, "model") is not None


def test_whoever_is_late_cannot_adopt_what_was_collected(context, compute, adopt):
    """A run that had looked the result up, and its outputs, is refused and decides again."""
    run = compute()
    collect(context)

    with pytest.raises(ResultGoneError, match="collected"):
        adopt(run)


def test_what_one_piece_does_wrong_does_not_keep_the_others(context, store, compute):
    """A manifest that was tampered with is reported, and the next one goes."""
    bad, good = compute(), compute(fingerprint="g")
    path = manifest_path(bad.id, "model")
    text = (store.root / path).read_text().replace('"a"', '"../a"')
    store.write(path, text.encode())

    collection = collect(context)

    assert [failure.partition(":")[0] for failure in collection.failures] == [f"output 'train.model' at {STORE}"]
    assert not store.exists(f"azureml/{good.id}/model/a")


def test_an_empty_workspace_has_no_garbage(context):
    """Nothing is there, and nothing is found."""
    assert collect(context).garbage == []


def test_steps_of_one_pipeline_are_judged_one_by_one(context, begin, write, end):
    """A source that is a step's output names no place; the run that consumed it did."""
    step = Step("s", "s", "python_script", inputs=(InputPort("i", StepOutputSource("train", "model")),))
    begin(days=1, step=step)
    run = begin()
    end(run, write(run, {"a": "x"}))

    assert len(collect(context).garbage) == 1
