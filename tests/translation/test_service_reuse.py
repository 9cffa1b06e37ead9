"""
Reuse, schedules and DAG files of teams in a real service, one for the whole file.

Runs come from REST, from the scheduler and from v1's schedules; pools are full, equal runs come at
once, and owners die.
"""

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from servers.dag_service import DagService, running_dag_service, use_home, wait_for

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineParameter, PipelineRun, Schedule, ScheduleRecurrence
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import ScheduleContent, Watch
from airflow_ml.translation import schedules

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagService]:
    """Start a service in a home folder of its own, with the DAGs in place."""
    home = tmp_path_factory.mktemp("home")
    with (
        running_dag_service(home, tmp_path_factory.mktemp("counted")) as started,
        pytest.MonkeyPatch.context() as patch,
    ):
        use_home(patch, home)
        yield started


@pytest.fixture(scope="module")
def computed(service: DagService) -> str:
    """Compute the chain once."""
    run_id, tasks = service.run("chain")
    assert set(tasks.values()) == {"success"}
    return run_id


STEPS = ("first", "second", "third")


def test_a_reused_run_is_one_task_whatever_its_pool_does(service: DagService, computed: str):
    """Triggered by REST while its steps' pool has no slot at all: one task runs, XComs and links are there."""
    pool = "/api/v2/pools/cpu?update_mask=slots"
    service.ask("PATCH", pool, {"name": "cpu", "slots": 0, "include_deferred": False})

    run_id, tasks = service.run("chain")

    service.ask("PATCH", pool, {"name": "cpu", "slots": 2, "include_deferred": False})
    assert tasks == {"reuse_check": "success", **dict.fromkeys([*STEPS, "pipeline_end"], "skipped")}
    places = [f"/api/v2/dags/chain/dagRuns/{run}/taskInstances" for run in (computed, run_id)]
    old, new = [service.ask("GET", f"{place}/second/xcomEntries/return_value")["value"] for place in places]
    assert new["outputs"] == old["outputs"]
    link = service.ask("GET", f"{places[1]}/second/links")["extra_links"]["Run in workspace"]
    assert link.endswith(new["step_run_id"])
    of_check = service.ask("GET", f"{places[1]}/reuse_check/xcomEntries")["xcom_entries"]
    assert {entry["key"] for entry in of_check} == {"return_value", "airflow_ml_run_link"}


def test_a_scheduled_run_takes_the_results(service: DagService, computed: str):
    """A run that the scheduler makes, of another DAG with the same steps, costs one task too."""
    service.ask("PATCH", "/api/v2/dags/scheduled?update_mask=is_paused", {"is_paused": False})
    runs = "/api/v2/dags/scheduled/dagRuns"
    wait_for(lambda: service.ask("GET", runs)["total_entries"])

    run_id = service.ask("GET", runs)["dag_runs"][0]["dag_run_id"]

    assert [*service.wait("scheduled", run_id).values()].count("skipped") == 4


def test_clearing_a_reused_task_runs_it_for_real(service: DagService, computed: str):
    """Cleared in Airflow with what is behind it, a reused step and its consumers run; the rest stays skipped."""
    run_id, _ = service.run("chain")
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": ["second"], "only_failed": False}
    service.ask("POST", "/api/v2/dags/chain/clearTaskInstances", {**body, "include_downstream": True})

    tasks = service.wait("chain", run_id)

    assert tasks == {
        "reuse_check": "success",
        "first": "skipped",
        **dict.fromkeys(("second", "third", "pipeline_end"), "success"),
    }
    [run] = [run for run in Workspace.get("ml").registry().runs.list(kind="pipeline") if run.dag_run_id == run_id]
    assert run.status == "Completed"


def test_ten_equal_runs_at_once_compute_once(service: DagService):
    """Nine wait without a slot and take what the tenth computes."""
    runs = [service.trigger("equal", number=1) for _ in range(10)]
    states = [lambda run=run: service.tasks("equal", run).get("count") for run in runs]
    wait_for(lambda: sorted(str(state()) for state in states) == ["running", *["up_for_reschedule"] * 9])
    pool = service.ask("GET", "/api/v2/pools/default_pool")
    (service.counted / "1" / "go").touch()

    for run in runs:
        service.wait("equal", run)

    assert pool["occupied_slots"] == 1
    assert len([*(service.counted / "1").glob("[0-9]*")]) == 1


def test_when_the_owner_is_killed_the_next_takes_over(service: DagService):
    """A killed process computes no more: its lease runs out, one of the others computes, and all get the result."""
    first = service.trigger("equal", number=2)
    wait_for(lambda: [*service.counted.glob("2/[0-9]*")])
    second = service.trigger("equal", number=2)
    wait_for(lambda: service.tasks("equal", second).get("count") == "up_for_reschedule")
    task = service.ask("GET", f"/api/v2/dags/equal/dagRuns/{first}/taskInstances/count")

    os.kill(task["pid"], signal.SIGKILL)
    wait_for(lambda: len([*service.counted.glob("2/[0-9]*")]) == 2)
    (service.counted / "2" / "go").touch()

    assert service.wait("equal", first)["pipeline_end"] == "success"
    assert service.wait("equal", second)["pipeline_end"] == "success"
    assert len([*service.counted.glob("2/[0-9]*")]) == 2


def test_mapped_steps_that_start_at_once_compute_each_value_once(service: DagService):
    """Of mapped tasks that start together, those with equal values compute once, in their compute target's pool."""
    for number in ("m1", "m2"):
        (service.counted / number).mkdir()
        (service.counted / number / "go").touch()

    run_id, _ = service.run("mapped", numbers=["m1", "m2"] * 3)

    found = service.ask("GET", f"/api/v2/dags/mapped/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"]
    counts = [task for task in found if task["task_id"] == "count"]
    assert [(task["state"], task["pool"]) for task in counts] == [("success", "cpu")] * 6
    assert [len([*service.counted.glob(f"{number}/[0-9]*")]) for number in ("m1", "m2")] == [1, 1]
    [pipeline] = [run for run in Workspace.get("ml").registry().runs.list(kind="pipeline") if run.dag_id == "mapped"]
    steps = Workspace.get("ml").registry().runs.steps(pipeline.id)
    assert sorted(str(step.node_id) for step in steps) == [f"count[{index}]" for index in range(6)]
    assert pipeline.status == "Completed"


def said(runs: list[PipelineRun]) -> list[str]:
    """Return what the only steps of runs have said."""
    return [run.find_step_run("say")[0].get_metrics()["said"] for run in runs]


def test_a_dag_of_a_team_catches_up(service: DagService):
    """
    A DAG of a team, with a pipeline as a task group, catches up day by day, one run at a time.

    Each day's step gets its day and what the task before it said.
    """
    service.wait_for_dag("daily")
    service.ask("PATCH", "/api/v2/dags/daily?update_mask=is_paused", {"is_paused": False})
    place = "/api/v2/dags/daily/dagRuns?order_by=start_date"
    wait_for(lambda: [run["state"] for run in service.ask("GET", place)["dag_runs"]] == ["success"] * 3)
    found = service.ask("GET", place)["dag_runs"]

    days = [run["logical_date"][:10] for run in found]
    assert days == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert all(earlier["end_date"] <= later["start_date"] for earlier, later in pairwise(found))
    records = Workspace.get("ml").registry().runs.list(kind="pipeline")
    runs = {record.dag_run_id: record.id for record in records if record.dag_id == "daily"}
    by_day = [PipelineRun.get(Workspace.get("ml"), runs[run["dag_run_id"]]) for run in found]
    assert said(by_day) == [f"{day} told {day.replace('-', '')}" for day in days]


@pytest.fixture(scope="module")
def published(service: DagService, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Publish a pipeline of one step that says its parameter, and return its id."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "say.py").write_text((service.running.files.dags / "source" / "say.py").read_text())
    step = PythonScriptStep("say.py", "say", [PipelineParameter("text", "none")], source_directory=str(folder))
    return Pipeline(Workspace.get("ml"), [step]).publish("said").id


def runs_of(schedule: Schedule, count: int) -> list[PipelineRun]:
    """Wait until a schedule has started so many runs, and until they have ended; return them from the oldest on."""
    wait_for(lambda: len(schedule.get_pipeline_runs()) >= count)
    runs = schedule.get_pipeline_runs()[::-1]
    assert [run.wait_for_completion(show_output=False) for run in runs] == ["Finished"] * count
    return runs


def test_a_schedule_is_a_dag_with_its_times(service: DagService, published: str):
    """Airflow shows it in words with its next run; the first is due at once, and has the schedule's parameters."""
    schedule = Schedule.create(
        Workspace.get("ml"),
        "hourly",
        published,
        "exp",
        recurrence=ScheduleRecurrence("Hour", 1),
        pipeline_parameters={"text": "tick"},
        wait_for_provisioning=True,
    )
    [run] = runs_of(schedule, 1)
    dag = service.ask("GET", f"/api/v2/dags/hourly-{schedule.id[:8]}")

    assert (said([run]), run.get_properties()["runType"]) == (["tick"], "Schedule")
    assert (dag["timetable_summary"], dag["dag_display_name"]) == ("every hour (UTC)", "hourly")
    assert dag["next_dagrun_run_after"] is not None


def test_a_schedule_and_its_dag_are_paused_together(service: DagService, published: str):
    """Disabling pauses the DAG, pausing disables, enabling lets both run; a disabled pipeline refuses visibly."""
    weekly = ScheduleRecurrence("Week", 1, start_time="2099-01-01T00:00:00")
    schedule = Schedule.create(Workspace.get("ml"), "weekly", published, "exp", weekly, wait_for_provisioning=True)
    dag_id = f"weekly-{schedule.id[:8]}"
    dag = f"/api/v2/dags/{dag_id}"
    schedule.disable()
    assert service.ask("GET", dag)["is_paused"]
    schedule.enable()
    assert not service.ask("GET", dag)["is_paused"]
    service.ask("PATCH", f"{dag}?update_mask=is_paused", {"is_paused": True})
    assert Schedule.get(Workspace.get("ml"), schedule.id).status == "Disabled"
    assert schedule.id not in [one.id for one in Schedule.list(Workspace.get("ml"))]
    schedule.enable()

    pipelines = Workspace.get("ml").registry().published_pipelines
    pipelines.set_active(published, active=False)
    run_id = service.trigger(dag_id)
    assert service.wait(dag_id, run_id, state="failed") == {"start_pipeline": "failed"}
    pipelines.set_active(published, active=True)
    log = service.ask("GET", f"{dag}/dagRuns/{run_id}/taskInstances/start_pipeline/logs/1?full_content=true")
    assert "is Disabled and takes no runs; enable it first" in str(log)
    assert schedule.get_last_pipeline_run() is None


def put(file: Path, text: str) -> None:
    """Write a file at once: one that is looked at while it is written has changed when it is whole."""
    beside = file.parents[1] / "beside"
    beside.write_text(text)
    beside.replace(file)


def test_each_new_file_is_one_run(service: DagService, published: str):
    """The triggerer looks into the folder; new and changed files start a run each, with their path, and no other."""
    workspace = Workspace.get("ml")
    folder = workspace.registry().home.root / "stores" / "workspaceblobstore" / "in"
    (folder / "below").mkdir(parents=True)
    put(folder / "old.csv", "there before")
    # The face takes whole minutes.
    watch = Watch("workspaceblobstore", "in", polling_minutes=0.05, parameter="text")  # type: ignore[arg-type]
    content = ScheduleContent("new files", "exp", pipeline_id=published, watch=watch)
    schedule = Schedule.get(workspace, schedules.create(workspace.ref, content, wait=True).id)
    for name in ("a.csv", "b.csv", "below/c.csv"):
        put(folder / name, "first")
    runs = runs_of(schedule, 2)

    assert sorted(said(runs)) == ["in/a.csv", "in/b.csv"]
    put(folder / "a.csv", "changed since")
    assert said(runs_of(schedule, 3))[2] == "in/a.csv"
    schedule.disable()
