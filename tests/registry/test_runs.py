"""Runs: recording them and moving them on."""

from datetime import datetime, timedelta, timezone
from itertools import chain

import pytest

from airflow_ml.exceptions import SnapshotException, UserErrorException
from airflow_ml.registry import RUN_STATUSES, RunNotFoundError, RunStateError


def open_digits(registry, **options):
    """Open the pipeline run that most tests are about."""
    return registry.runs.open_pipeline("digits", "p", dag_id="d", dag_run_id="r", **options)


def test_root_runs_are_numbered_per_experiment(registry):
    """Each experiment counts its root runs from 1; runs below a root have no number."""
    first, second = (registry.runs.create("a", "run", kind="script") for _ in range(2))
    child = registry.runs.create("a", "child", kind="child", parent_id=first.id)
    elsewhere = registry.runs.create("b", "run", kind="script")

    assert [run.number for run in (first, second, child, elsewhere)] == [1, 2, None, 1]
    assert (child.parent_id, child.root_id, first.root_id) == (first.id, first.id, first.id)


def test_many_processes_number_runs(registry, at_once):
    """Numbers given out to many processes at once have no gap and no double."""

    def create(_number):
        return [registry.runs.create("digits", "run", kind="script").number for _ in range(5)]

    numbers = at_once(create)

    assert sorted(chain.from_iterable(numbers)) == list(range(1, 31))


def test_many_processes_open_one_pipeline(registry, at_once):
    """Of many who open the same pipeline run one decides what it says, and no number is lost."""

    def open_it(number):
        run = open_digits(registry, group_id="g", tags={"opener": str(number)})
        return run.id, run.number, run.tags["opener"]

    seen = at_once(open_it)

    assert len(set(seen)) == 1
    assert registry.runs.create("digits", "next", kind="script").number == 2


def test_a_pipeline_is_found_by_its_place_in_airflow(registry):
    """DAG, DAG run and group together say which pipeline run it is."""
    assert registry.runs.find_pipeline("d", "r") is None
    whole, group = open_digits(registry), open_digits(registry, group_id="g")

    assert registry.runs.find_pipeline("d", "r") == whole
    assert registry.runs.find_pipeline("d", "r", "g") == group
    assert open_digits(registry, tags={"late": "yes"}) == whole


def test_a_retry_is_the_next_attempt_of_its_node(registry):
    """Each record of the same node is a new attempt; steps shows the newest of each node, newest first."""
    pipeline = open_digits(registry)
    for node in ("prepare", "train", "prepare"):
        registry.runs.create("digits", node, kind="step", parent_id=pipeline.id, node_id=node)

    assert [(run.node_id, run.attempt) for run in registry.runs.steps(pipeline.id)] == [("prepare", 2), ("train", 1)]
    assert [run.attempt for run in registry.runs.attempts(pipeline.id, "prepare")] == [2, 1]


def test_many_processes_try_one_node(registry, at_once):
    """Attempts that start at once get different numbers."""
    pipeline = open_digits(registry)

    def create(_number):
        return registry.runs.create("digits", "s", kind="step", parent_id=pipeline.id, node_id="n").attempt

    assert sorted(at_once(create)) == [1, 2, 3, 4, 5, 6]


def test_an_attempt_is_recorded_once(registry):
    """An attempt or an id that is there is refused, and the error says what to leave out."""
    pipeline = open_digits(registry)
    place = {"kind": "step", "parent_id": pipeline.id, "node_id": "n", "attempt": 1}
    first = registry.runs.create("digits", "s", **place)

    with pytest.raises(UserErrorException, match="attempt 1 of node 'n' is recorded already"):
        registry.runs.create("digits", "s", **place)
    with pytest.raises(UserErrorException, match="leave them out"):
        registry.runs.create("digits", "s", kind="script", id=first.id)


def test_children_are_listed_newest_first(registry):
    """Direct children, or all that are below, without the run itself."""
    root = registry.runs.create("e", "root", kind="pipeline")
    child = registry.runs.create("e", "child", kind="step", parent_id=root.id, node_id="n")
    grandchild = registry.runs.create("e", "grandchild", kind="child", parent_id=child.id)

    assert list(registry.runs.children(root.id)) == [child]
    assert list(registry.runs.children(root.id, recursive=True)) == [grandchild, child]
    assert grandchild.root_id == root.id


def test_the_newest_runs_of_a_dag_have_a_graph(registry):
    """Of each pipeline of a DAG the last run whose graph is recorded is given, the newest of them first."""
    runs = [
        registry.runs.open_pipeline("e", "p", dag_id="d", dag_run_id=str(number), group_id=group, graph_json=graph)
        for number, (group, graph) in enumerate([("", "{}"), ("", "{}"), ("g", "{}"), ("", None)])
    ]
    registry.runs.open_pipeline("e", "p", dag_id="other", dag_run_id="0", graph_json="{}")

    assert [run.id for run in registry.runs.newest_of_dag("d")] == [runs[2].id, runs[1].id]
    assert list(registry.runs.newest_of_dag("nothing")) == []


def test_a_graph_is_kept_apart(registry):
    """The graph of a run comes back as it was given, also when two runs share it."""
    text = '{"name": "zażółć"}'
    first = registry.runs.create("e", "a", kind="pipeline", graph_json=text)
    second = registry.runs.create("e", "b", kind="pipeline", graph_json=text)
    bare = registry.runs.create("e", "c", kind="pipeline")

    assert [registry.runs.graph(run.id) for run in (first, second, bare)] == [text, text, None]


def test_a_run_lives_through_its_statuses(registry):
    """Running sets the start, a final status the end; both times are in UTC."""
    run = registry.runs.create("e", "run", kind="script")
    running = registry.runs.set_status(run.id, "Running")
    ended = registry.runs.set_status(run.id, "Failed", error={"message": "exit code 1"})

    assert (run.status, run.started_at, running.ended_at, ended.is_final) == ("NotStarted", None, None, True)
    assert run.created_at <= running.started_at <= ended.ended_at
    assert ended.started_at == running.started_at
    assert ended.error == {"message": "exit code 1"}
    assert registry.runs.get(run.id) == ended


def test_a_final_run_is_immutable(registry):
    """Nothing that belongs to the record changes once a run has ended; the same status again is no change."""
    run = registry.runs.create("e", "run", kind="script")
    ended = registry.runs.set_status(run.id, "Completed")

    for change in (
        lambda: registry.runs.set_status(run.id, "Failed"),
        lambda: registry.runs.set_status(run.id, "Running"),
        lambda: registry.runs.set_details(run.id, {"a": 1}),
        lambda: registry.runs.set_snapshot(run.id, "0" * 64),
        lambda: registry.runs.finish_step(run.id, status="Completed"),
    ):
        with pytest.raises(RunStateError, match="final") as caught:
            change()
        assert (caught.value.run_id, caught.value.status) == (run.id, "Completed")
    assert registry.runs.set_status(run.id, "Completed", error={"late": True}) == ended
    assert registry.runs.get(run.id) == ended


def test_a_final_run_takes_new_properties(registry):
    """Properties can be added after the end, as v1 code does; those that are there never change."""
    run = registry.runs.create("e", "run", kind="script", status="Completed", properties={"a": "1"})

    registry.runs.add_properties(run.id, {"a": "1", "b": "2"})

    assert registry.runs.get(run.id).properties == {"a": "1", "b": "2"}
    with pytest.raises(UserErrorException, match="property 'b' is '2' and properties never change"):
        registry.runs.add_properties(run.id, {"b": "3"})


def test_a_snapshot_is_kept_once(registry):
    """A run without a snapshot takes one, and shows it under v1's property; another one is refused."""
    run = registry.runs.create("e", "run", kind="interactive", status="Running")

    kept = registry.runs.set_snapshot(run.id, "one")

    assert (kept.snapshot_id, kept.properties) == ("one", {"ContentSnapshotId": "one"})
    assert registry.runs.set_snapshot(run.id, "one") == kept
    with pytest.raises(SnapshotException, match="has the snapshot 'one' already"):
        registry.runs.set_snapshot(run.id, "two")


def test_many_processes_end_one_run(registry, at_once):
    """Of many who end a run differently one wins, and the others are told."""
    run = registry.runs.create("e", "run", kind="script")
    endings = ["Completed", "Failed", "Canceled"]

    def end(number):
        try:
            return registry.runs.set_status(run.id, endings[number], expected="NotStarted").status
        except RunStateError as exc:
            return f"lost to {exc.status}"

    told = at_once(end, 3)

    won = registry.runs.get(run.id).status
    assert sorted(told) == sorted([won, f"lost to {won}", f"lost to {won}"])


def test_a_status_can_be_changed_from_the_expected_one_alone(registry):
    """`expected` makes the change conditional, and the error says what was found."""
    run = registry.runs.create("e", "run", kind="script", status="CancelRequested")

    with pytest.raises(RunStateError, match=r"the run is CancelRequested, expected \['Queued', 'Running'\]"):
        registry.runs.set_status(run.id, "Running", expected={"Queued", "Running"})
    assert registry.runs.set_status(run.id, "Canceled", expected="CancelRequested").status == "Canceled"


@pytest.mark.parametrize("status", RUN_STATUSES)
def test_every_status_of_v1_can_be_kept(registry, status):
    """The words of v1's run history are kept as they are."""
    run = registry.runs.create("e", "run", kind="script")

    assert registry.runs.set_status(run.id, status).status == status


def test_words_that_are_none_of_ours_are_refused(registry):
    """Unknown statuses, kinds and options are errors that quote the word."""
    with pytest.raises(UserErrorException, match="'Finished': expected one of NotStarted"):
        registry.runs.create("e", "run", kind="script", status="Finished")
    with pytest.raises(UserErrorException, match="'job', expected one of pipeline"):
        registry.runs.create("e", "run", kind="job")
    with pytest.raises(TypeError, match="'tag'"):
        registry.runs.create("e", "run", kind="script", tag={})
    assert list(registry.runs.list(experiment="e")) == []


def test_a_missing_run_is_named(registry):
    """Asking for a run that is not there says so, also through what belongs to runs."""
    assert registry.runs.find("nowhere") is None
    for ask in (registry.runs.get, registry.runs.graph, registry.metrics.read, registry.outputs.of):
        with pytest.raises(RunNotFoundError, match="run 'nowhere' does not exist"):
            ask("nowhere")


def test_labels_of_a_run(registry):
    """Tags change freely, also after the end; properties are only ever added."""
    run = registry.runs.create("e", "run", kind="script", tags={"a": "1"}, properties={"p": "1"})
    registry.runs.add_properties(run.id, {"p": "1", "q": "2"})
    with pytest.raises(UserErrorException, match="'p' is '1' and properties never change"):
        registry.runs.add_properties(run.id, {"z": "1", "p": "2"})
    registry.runs.set_status(run.id, "Completed")
    registry.runs.set_tags(run.id, {"a": "2", "b": "3", "c": "4"})
    registry.runs.remove_tags(run.id, ["c", "never there"])

    kept = registry.runs.get(run.id)
    assert kept.tags == {"a": "2", "b": "3"}
    assert kept.properties == {"p": "1", "q": "2"}


def test_what_people_say_of_a_run(registry):
    """Display name and description may be set at any time; details are merged while the run is open."""
    run = registry.runs.create("e", "run", kind="script", details={"a": 1, "b": {"c": [1, None]}})
    registry.runs.set_details(run.id, {"a": 2})
    registry.runs.set_status(run.id, "Completed")
    registry.runs.set_display_name(run.id, "Żółw")
    registry.runs.set_description(run.id, "slow \0 but sure")

    kept = registry.runs.get(run.id)
    assert kept.details == {"a": 2, "b": {"c": [1, None]}}
    assert (kept.display_name, kept.description) == ("Żółw", "slow \ufffd but sure")


def test_times_come_back_in_utc(registry):
    """A time of any zone comes back as the same moment in UTC, to the microsecond."""
    there = datetime(2024, 3, 31, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    run = registry.runs.create("e", "run", kind="script", created_at=there)
    registry.runs.set_status(run.id, "Running", started_at=there)

    kept = registry.runs.get(run.id)
    assert kept.created_at == kept.started_at == there
    assert kept.created_at.tzinfo is timezone.utc


def test_a_time_without_a_zone_is_refused(registry):
    """A time that does not say which moment it is cannot be recorded."""
    with pytest.raises(Exception, match="has no zone"):
        registry.runs.create("e", "run", kind="script", created_at=datetime(2024, 1, 1))  # noqa: DTZ001
