"""What a schedule starts: the pipeline as it is now, one run per cause, and nothing lost where a process dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.execution import scheduling
from airflow_ml.execution.run_parameters import run_parameters
from airflow_ml.pipeline.core import Pipeline, PipelineEndpoint, PipelineParameter, PublishedPipeline
from airflow_ml.registry import ScheduleContent, ScheduleRecord, Watch

STORE = "workspaceblobstore"


class Airflow:
    """Takes runs, or dies before or after it has taken one."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str], str] = {}
        self.dies: str | None = None
        self.engine = scheduling.Engine(lambda pipeline: f"d-{pipeline.id}", self.trigger)

    def trigger(self, _pipeline: object, _graph: object, run: object) -> None:
        """Take a run; its place is taken once."""
        if self.dies == "before":
            raise ServiceException("died before")
        self.taken.setdefault((run.dag_id, run.dag_run_id), run.id)  # type: ignore[attr-defined]
        if self.dies == "after":
            raise ServiceException("died after")


@pytest.fixture
def airflow() -> Airflow:
    """An Airflow that lives."""
    return Airflow()


@pytest.fixture
def folder(workspace, services) -> Path:
    """The folder of the default datastore that is watched."""
    place = Path(services.home.workspace("w").root, "stores", STORE, "in")
    place.mkdir(parents=True, exist_ok=True)
    (place / "old.csv").write_text("there before")
    return place


@pytest.fixture
def published(workspace, script: Callable) -> PublishedPipeline:
    """A published pipeline that takes a path and a number."""
    path = PipelineParameter("path", DataPath(workspace.get_default_datastore(), "in/none.csv"))
    step = script("", PipelineParameter("rate", 1), inputs=[(path, DataPathComputeBinding("mount"))])
    return Pipeline(workspace, [step]).publish("p", continue_on_step_failure=True)


def make(services, published: PublishedPipeline | None = None, **content: object) -> ScheduleRecord:
    """Keep a schedule, which watches `in` unless it is told otherwise."""
    given = {"watch": Watch(STORE, "in", 1, "path"), "pipeline_id": None if published is None else published.id}
    record = services.registry.schedules.create(ScheduleContent("s", "e", **{**given, **content}), dag_prefix="s")
    scheduling.begin_watch(services.registry, services.store, record)
    return record


def start(services, record: ScheduleRecord, airflow: Airflow) -> list[str]:
    """Start what a schedule owes for its files."""
    return [*scheduling.start_for_files(services, record, airflow.engine)]


def test_each_new_or_changed_file_is_one_run(services, folder, published, airflow):
    """Files from before, and those of folders below, do not count; a run knows the path and the schedule."""
    record = make(services, published, parameters={"rate": 3})
    assert start(services, record, airflow) == []
    (folder / "below").mkdir()
    for name in ("b.csv", "a.csv", "below/c.csv"):
        (folder / name).write_text(name)

    runs = [services.registry.runs.get(run_id) for run_id in start(services, record, airflow)]

    paths = [run_parameters(run)["path"] for run in runs]
    assert paths == [f"datastore://{STORE}/in/a.csv", f"datastore://{STORE}/in/b.csv"]
    assert {run_parameters(run)["rate"] for run in runs} == {3}
    assert runs[0].properties["runType"] == "Schedule"
    assert runs[0].properties["azureml.pipelineid"] == published.id
    assert runs[0].details["continue_on_step_failure"] is True
    assert [*services.registry.schedule_starts.runs(record.id)] == [run.id for run in reversed(runs)]
    assert start(services, record, airflow) == []
    (folder / "old.csv").write_text("changed now")
    (folder / "a.csv").write_text("changed too")
    assert len(start(services, record, airflow)) == 2


@pytest.mark.parametrize("place", ["plan", "open", "before", "after", "seen"])
def test_nothing_is_lost_or_doubled_wherever_it_dies(services, folder, published, airflow, monkeypatch, place: str):
    """A process that dies between any two of its steps is followed by one that goes on: one run per file."""
    record = make(services, published)
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(name)
    starts = type(services.registry.schedule_starts)
    with monkeypatch.context() as patch:
        airflow.dies = place
        for name, method in (("plan", "set_run"), ("seen", "set_started")):
            if place == name:
                patch.setattr(starts, method, _die)
        if place == "open":
            patch.setattr(scheduling, "open_pipeline", _die)
        with pytest.raises(ServiceException, match="died"):
            start(services, record, airflow)
    airflow.dies = None

    start(services, record, airflow)

    runs = services.registry.runs.list(kind="pipeline")
    assert sorted(str(run_parameters(run)["path"])[-5:] for run in runs) == ["a.csv", "b.csv"]
    assert sorted(airflow.taken.values()) == sorted(run.id for run in runs)
    assert sorted(services.registry.schedule_starts.runs(record.id)) == sorted(run.id for run in runs)
    assert start(services, record, airflow) == []


def _die(*_arguments: object, **_others: object) -> None:
    raise ServiceException("died there")


def test_one_time_is_one_run(services, published, airflow):
    """A task that is tried again or cleared finds the run that it has started."""
    record = make(services, published, watch=None, recurrence={"frequency": "Day"})

    first, again = [scheduling.start_once(services, record, airflow.engine, "scheduled__1") for _ in range(2)]
    other = scheduling.start_once(services, record, airflow.engine, "scheduled__2")

    assert first == again != other
    assert len(airflow.taken) == 2


def test_an_endpoint_is_asked_for_its_default_at_the_time(services, workspace, published, airflow):
    """A start that was recorded keeps its pipeline; the next one gets the new default."""
    endpoint = PipelineEndpoint.publish(workspace, "e", None, published)
    record = make(services, watch=None, endpoint_id=endpoint.id)
    airflow.dies = "before"
    with pytest.raises(ServiceException):
        scheduling.start_once(services, record, airflow.engine, "1")
    newer = _again(workspace, published)
    endpoint.add_default(newer)
    airflow.dies = None

    runs = [services.registry.runs.get(scheduling.start_once(services, record, airflow.engine, c)) for c in "12"]

    assert [run.properties["azureml.pipelineid"] for run in runs] == [published.id, newer.id]


def _again(workspace, published: PublishedPipeline) -> PublishedPipeline:
    """Publish the same pipeline once more."""
    registry = workspace.registry().published_pipelines
    record = registry.add("p2", graph_json=registry.graph(published.id), steps=1)
    return PublishedPipeline.get(workspace, record.id)


def test_what_is_disabled_is_refused_and_kept_for_later(services, folder, published, airflow):
    """The refusal names the pipeline; when it is enabled again, the file is still new."""
    record = make(services, published)
    (folder / "a.csv").write_text("a")
    services.registry.published_pipelines.set_active(published.id, active=False)
    with pytest.raises(UserErrorException, match="is Disabled and takes no runs"):
        start(services, record, airflow)
    assert airflow.taken == {}
    services.registry.published_pipelines.set_active(published.id, active=True)

    assert len(start(services, record, airflow)) == 1


def test_a_disabled_schedule_has_no_news(services, folder, published, airflow):
    """Files that come meanwhile count when it is enabled."""
    record = make(services, published)
    disabled = services.registry.schedules.set_active(record.id, active=False)
    (folder / "a.csv").write_text("a")
    assert start(services, disabled, airflow) == []

    enabled = services.registry.schedules.set_active(record.id, active=True)
    assert len(start(services, enabled, airflow)) == 1


def test_a_parameter_of_text_gets_the_path_inside_the_datastore(services, workspace, folder, script, airflow):
    """Pipelines without DataPath parameters can be told the file too."""
    text = Pipeline(workspace, [script("", PipelineParameter("text", ""))]).publish("p")
    record = make(services, text, watch=Watch(STORE, "in", 1, "text"))
    (folder / "a b.csv").write_text("a")

    [run_id] = start(services, record, airflow)

    assert run_parameters(services.registry.runs.get(run_id))["text"] == "in/a b.csv"
