"""Schedules, what they have started, and the files that they have seen."""

import pytest
from plain_text import files_with

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import Home, ScheduleContent, ScheduleNotFoundError, Watch, open_registry
from airflow_ml.registry.schedule_starts import SeenFile

RECURRENCE = {"frequency": "Day", "interval": 1, "since": "2026-01-01T00:00:00+00:00"}
CONTENT = ScheduleContent("nightly", "exp", pipeline_id="p", description="d", recurrence=RECURRENCE)
WATCHING = ScheduleContent("new", "exp", endpoint_id="e", watch=Watch("store", "in", 7, "input"))


def create(registry, content=CONTENT):
    """Keep a schedule."""
    return registry.schedules.create(content, dag_prefix="nightly")


@pytest.mark.parametrize("content", [CONTENT, WATCHING])
def test_a_schedule_is_kept_whole(registry, content):
    """Everything that was said comes back, with an id and a DAG of its own, active."""
    made = create(registry, content)

    assert registry.schedules.get(made.id) == made
    assert (made.content, made.status, made.is_active) == (content, "Active", True)
    assert made.dag_id == f"nightly-{made.id[:8]}"


def test_values_of_secret_names_are_sealed(sqlite_registry):
    """No value of a parameter that is called like a secret stands in the file, and it comes back all the same."""
    mark = "-".join(("a", "word", "to", "hide"))
    made = create(sqlite_registry, ScheduleContent("n", "exp", parameters={"db_password": mark, "rate": 1}))

    assert sqlite_registry.schedules.get(made.id).content.parameters == {"db_password": mark, "rate": 1}
    assert files_with(Home.default().root, mark) == []


def test_lists_are_in_the_order_of_creation(registry):
    """Disabled ones are left out unless they are asked for; pipeline and endpoint choose."""
    first, second, third = create(registry), create(registry, WATCHING), create(registry)
    registry.schedules.set_active(third.id, active=False)

    listed = registry.schedules.list
    assert [one.id for one in listed()] == [first.id, second.id]
    assert [one.id for one in listed(active_only=False)] == [first.id, second.id, third.id]
    assert [one.id for one in listed(pipeline_id="p", active_only=False)] == [first.id, third.id]
    assert [one.id for one in listed(endpoint_id="e")] == [second.id]


def test_enabling_again_counts_from_now(registry):
    """What was due while it was disabled is told from what is due afterwards; enabling twice changes nothing."""
    made = create(registry)
    assert registry.schedules.set_active(made.id, active=True).enabled_at == made.enabled_at

    registry.schedules.set_active(made.id, active=False)
    assert registry.schedules.set_active(made.id, active=True).enabled_at > made.enabled_at


def test_an_update_replaces_everything_but_the_dag(registry):
    """The DAG keeps its id, so that its runs stay together."""
    made = create(registry)
    updated = registry.schedules.put(made.id, WATCHING)

    assert (updated.content, updated.dag_id) == (WATCHING, made.dag_id)
    assert registry.schedules.get(made.id) == updated


def test_those_of_another_workspace_are_not_found(registry, ref):
    """An id means nothing in another workspace, whatever is asked."""
    made = create(registry)

    with open_registry(WorkspaceRef(f"{ref.name}-other", registry_url=ref.registry_url)) as other:
        for ask in (other.schedules.get, other.schedule_starts.runs, other.schedule_starts.seen):
            with pytest.raises(ScheduleNotFoundError, match=f"{made.id!r} does not exist"):
                ask(made.id)
        assert other.schedules.list(active_only=False) == []


def test_one_cause_is_one_start(registry):
    """Whoever comes again with a cause gets what is recorded, with the pipeline that was chosen first."""
    made, starts = create(registry), registry.schedule_starts
    first = starts.plan(made.id, "scheduled__1", pipeline_id="p")
    starts.set_run(first, "run")
    again = starts.plan(made.id, "scheduled__1", pipeline_id="other")

    assert (again.key, again.pipeline_id, again.run_id, again.started_at) == (first.key, "p", "run", None)
    starts.set_started(again)
    assert starts.plan(made.id, "scheduled__1", pipeline_id="p").started_at is not None


def test_runs_are_listed_from_the_newest_on(registry):
    """Starts whose run is not recorded yet have none."""
    made, starts = create(registry), registry.schedule_starts
    for number in range(3):
        starts.set_run(starts.plan(made.id, f"c{number}", pipeline_id="p"), f"r{number}")
    starts.plan(made.id, "c3", pipeline_id="p")

    assert starts.runs(made.id) == ["r2", "r1", "r0"]
    assert starts.runs(made.id, limit=1) == ["r2"]


def test_a_file_is_seen_when_its_run_is_taken(registry):
    """Both are recorded at once; until then the file is as it was seen before."""
    made, starts = create(registry, WATCHING), registry.schedule_starts
    starts.begin_with(made.id, {"in/a": "1", "in/b": "1"})
    start = starts.plan(made.id, "in/a 1", pipeline_id="p", path="in/a")
    assert starts.seen(made.id)["in/a"] == SeenFile("1")

    starts.set_started(start, SeenFile("2", 1))
    assert starts.seen(made.id) == {"in/a": SeenFile("2", 1), "in/b": SeenFile("1")}


def test_a_schedule_can_begin_with_many_files(registry):
    """What was there before is not new, however much it is; a second beginning forgets the first."""
    made, starts = create(registry, WATCHING), registry.schedule_starts
    starts.begin_with(made.id, {f"in/{number}": "1" for number in range(1000)})
    assert len(starts.seen(made.id)) == 1000

    starts.begin_with(made.id, {"elsewhere/a": "1"})
    assert [*starts.seen(made.id)] == ["elsewhere/a"]
