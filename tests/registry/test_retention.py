"""Retention: what is still needed, and marking what is not, against everybody who might just want it."""

from datetime import timedelta

import pytest

from airflow_ml.exceptions import AzureMLException
from airflow_ml.registry import DatasetRegistration, ResultGoneError, RunInputRecord
from airflow_ml.registry.retention_records import KeptRun, NeededPlace
from airflow_ml.registry.values import utc_now


def open_pipeline(registry):
    """Record a pipeline run that is going on."""
    return registry.runs.create("digits", "digits", kind="pipeline", status="Running")


def kept(registry) -> dict[str, KeptRun]:
    """Return what retention says of each run."""
    return {run.run_id: run for run in registry.retention.runs()}


def test_a_result_that_nobody_uses_is_told_by_its_run(registry, compute):
    """Status, step, pipeline, outputs and fingerprint are at hand, newest run first."""
    first, second = compute("f"), compute("g", "prepare", pipeline_name="letters")

    newest, oldest = registry.retention.runs()

    assert (newest.run_id, oldest.run_id) == (second.id, first.id)
    assert (newest.step_name, newest.pipeline_name, newest.fingerprint) == ("prepare", "letters", "g")
    assert (newest.status, newest.ended_at) == ("Completed", second.ended_at)
    assert list(newest.outputs) == list(registry.outputs.of(second.id))
    assert (newest.times_reused, newest.last_reused_at, newest.invalidated_at) == (0, None, None)
    assert (newest.is_registered, newest.is_in_use) == (False, False)


def test_runs_that_took_a_result_count_for_the_original(registry, compute):
    """They have no files of their own; the newest of them says when the result was last used."""
    run = compute("f")
    takers = [registry.runs.adopt(open_pipeline(registry).id, run.id, name="t", node_id="t") for _ in range(2)]
    for taker in takers:
        registry.runs.set_status(taker.root_id, "Completed")

    (entry,) = registry.retention.runs()

    assert (entry.run_id, entry.times_reused, entry.last_reused_at) == (run.id, 2, takers[1].created_at)
    assert not entry.is_in_use


def test_more_runs_than_a_page_are_all_told(registry, compute, monkeypatch):
    """Pages meet without a gap."""
    monkeypatch.setattr("airflow_ml.registry.retention._PAGE", 2)
    runs = [compute(f"f{number}").id for number in range(5)]

    assert [run.run_id for run in registry.retention.runs()] == runs[::-1]


def test_open_runs_use_what_lies_below_their_root(registry, compute):
    """A pipeline run that goes on may need all that its steps computed or took."""
    run = compute("f")
    taker = registry.runs.adopt(open_pipeline(registry).id, run.id, name="t", node_id="t")

    assert kept(registry)[run.id].is_in_use
    states = registry.retention.states([taker.id, run.id, "nobody"])
    assert {run_id: state.is_in_use for run_id, state in states.items()} == {taker.id: True, run.id: False}
    assert not registry.retention.collect(run.id, unused_since=utc_now())


def test_open_runs_use_what_they_consume(registry, compute):
    """A script that reads a step's output keeps it, wherever the script belongs."""
    run = compute("f")
    reader = registry.runs.create("digits", "reader", kind="script", status="Running")
    registry.inputs.record(reader.id, [RunInputRecord(reader.id, "raw", "mount", "output", producer_run_id=run.id)])
    assert kept(registry)[run.id].is_in_use
    assert not registry.retention.collect(run.id, unused_since=utc_now())

    registry.runs.set_status(reader.id, "Completed")

    assert registry.retention.collect(run.id, unused_since=utc_now())


def test_registered_outputs_are_kept_until_the_dataset_is_unregistered(registry, compute):
    """Also when a run that took the result registered it."""
    run = compute("f")
    wanted = DatasetRegistration("model", "digits", {"kind": "file", "sources": []})
    pipeline = open_pipeline(registry)
    registry.runs.adopt(pipeline.id, run.id, name="t", node_id="t", registrations=[wanted])
    registry.runs.set_status(pipeline.id, "Completed")
    assert kept(registry)[run.id].is_registered
    assert not registry.retention.collect(run.id, unused_since=utc_now())

    registry.datasets.unregister("digits")

    assert not kept(registry)[run.id].is_registered
    assert registry.retention.collect(run.id, unused_since=utc_now())


def test_what_was_used_lately_is_kept(registry, compute):
    """The end of the run and its last reuse count, by the moment that is asked for."""
    run = compute("f")
    moment = utc_now()
    assert not registry.retention.collect(run.id, unused_since=run.ended_at - timedelta(seconds=1))
    pipeline = open_pipeline(registry)
    registry.runs.adopt(pipeline.id, run.id, name="t", node_id="t")
    registry.runs.set_status(pipeline.id, "Completed")

    assert not registry.retention.collect(run.id, unused_since=moment)
    assert registry.retention.collect(run.id, unused_since=utc_now())


def test_collected_outputs_are_nobodys_any_more(registry, compute):
    """The result is not found, and the outputs of those who took it say so too; marking twice is fine."""
    run = compute("f")
    pipeline = open_pipeline(registry)
    taker = registry.runs.adopt(pipeline.id, run.id, name="t", node_id="t")
    registry.runs.set_status(pipeline.id, "Completed")

    assert all(registry.retention.collect(run.id, unused_since=utc_now()) for _ in range(2))

    assert list(registry.results.find("f")) == []
    assert [registry.outputs.get(run_id, "model").collected_at is not None for run_id in (run.id, taker.id)] == [
        True
    ] * 2
    assert list(registry.retention.runs()) == []
    assert len(registry.results.similar("train")) == 1


def test_a_result_is_collected_or_taken_never_both(registry, compute, at_once):
    """Of a collector and a pipeline run that come at once one learns that the other was quicker."""
    for _ in range(8):
        run, pipeline = compute("f"), open_pipeline(registry)

        def compete(number, run=run, pipeline=pipeline):
            if number:
                return registry.retention.collect(run.id, unused_since=utc_now())
            try:
                return registry.runs.adopt(pipeline.id, run.id, name="t", node_id="t") is None
            except ResultGoneError:
                return True

        assert sorted(at_once(compete, 2)) in ([False, False], [True, True])
        gone = registry.outputs.get(run.id, "model").collected_at is not None
        assert gone == (not registry.runs.list(parent_id=pipeline.id))


def test_places_that_something_names_are_needed(registry, begin):
    """Registered datasets, models, and what open runs read, as it is written there."""
    saved = registry.datasets.save({"kind": "file", "sources": [{"datastore": "s", "path": "saved/"}]})
    sources = [{"datastore": "s", "path": "data/*.csv"}, {"url": "https://example.org/a.csv"}]
    registry.datasets.register("digits", {"kind": "file", "sources": sources})
    registry.datasets.register("gone", {"kind": "file", "sources": [{"datastore": "s", "path": "gone/"}]})
    registry.datasets.unregister("gone")
    registry.models.register("classifier", datastore="s", path="model.pkl")
    run = begin()
    registry.inputs.record(
        run.id,
        [
            RunInputRecord(run.id, "a", "mount", "dataset", saved),
            RunInputRecord(run.id, "b", "mount", "data_reference", datastore="s", path="plain"),
        ],
    )

    places = registry.retention.needed_places()

    assert places == [
        NeededPlace("s", "data/*.csv", "dataset 'digits' version 1"),
        NeededPlace("s", "model.pkl", "model 'classifier' version 1"),
        NeededPlace("s", "saved/", f"run {run.id}"),
        NeededPlace("s", "plain", f"run {run.id}"),
    ]


def test_snapshots_that_runs_name_are_known(registry, begin):
    """A run names its own, and a pipeline run those that it has captured for its steps."""
    for name in ("own", "captured", "young", "free"):
        registry.snapshots.record(name, files=1, size=1)
    run = begin()
    registry.runs.set_snapshot(run.id, "own")
    registry.runs.set_details(run.parent_id, {"snapshots": {"a": {"id": "captured"}, "b": {"id": None}}})
    registry.published_pipelines.add("p", graph_json="{}", steps=0)

    assert registry.retention.run_snapshots() == {"own", "captured"}
    assert [snapshot.id for snapshot in registry.retention.snapshots()] == ["captured", "free", "own", "young"]
    assert list(registry.retention.published_graphs()) == ["{}"]
    assert not registry.retention.forget_snapshot("young", recorded_before=utc_now() - timedelta(days=1))
    assert not registry.retention.forget_snapshot("own", recorded_before=utc_now())
    assert registry.retention.forget_snapshot("free", recorded_before=utc_now())
    assert not registry.snapshots.exists("free")


def test_a_snapshot_that_is_captured_again_is_young_again(registry):
    """Its record is not removed while the run that is going to name it is on its way."""
    registry.snapshots.record("abc", files=1, size=1)
    moment = utc_now()
    registry.snapshots.record("abc", files=1, size=1)

    assert not registry.retention.forget_snapshot("abc", recorded_before=moment)


def test_leases_that_ended_long_ago_are_forgotten(registry):
    """Those that are alive, or ended just now, stay."""
    for name, seconds in (("alive", 60), ("ended", 0), ("old", -3600)):
        registry.fingerprint_leases.acquire(name, "a", seconds=seconds)

    assert [lease.fingerprint for lease in registry.retention.live_leases()] == ["alive"]
    assert registry.retention.forget_leases(seconds=1800) == 1
    assert registry.fingerprint_leases.acquire("ended", "b", seconds=60).token == 2
    assert registry.fingerprint_leases.acquire("old", "b", seconds=60).token == 1


def test_the_longest_run_is_measured(registry):
    """From the record to the end; notebooks, which stay open as long as people like, do not count."""
    assert registry.retention.longest_run() == 0.0
    start = utc_now() - timedelta(hours=5)
    for kind, hours in (("script", 1), ("script", 2.5), ("interactive", 4)):
        run = registry.runs.create("e", "run", kind=kind, created_at=start)
        registry.runs.set_status(run.id, "Completed", ended_at=start + timedelta(hours=hours))

    assert registry.retention.longest_run() == pytest.approx(9000, abs=0.1)


def test_only_runs_with_files_of_their_own_are_collected(registry, compute):
    """Whoever names a run that is not there, or that took the files of another one, made a mistake."""
    run = compute("f")
    taker = registry.runs.adopt(open_pipeline(registry).id, run.id, name="t", node_id="t")

    with pytest.raises(AzureMLException, match=f"its files are those of run '{run.id}'; collect that one"):
        registry.retention.collect(taker.id, unused_since=utc_now())
    with pytest.raises(AzureMLException, match="run 'nobody' does not exist"):
        registry.retention.collect("nobody", unused_since=utc_now())
