"""Schedules as v1 code sees them; what Airflow makes of them is tested with a service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.exceptions import UserErrorException
from airflow_ml.pipeline.core import (
    Pipeline,
    PipelineEndpoint,
    PipelineParameter,
    PublishedPipeline,
    Schedule,
    ScheduleRecurrence,
    TimeZone,
)
from airflow_ml.pipeline.steps import PythonScriptStep

DAILY = ScheduleRecurrence("Day", 1, time_of_day="6:30", time_zone=TimeZone.PacificStandardTime)


@pytest.fixture
def published(workspace: Workspace, step: Callable[..., PythonScriptStep]) -> PublishedPipeline:
    """A published pipeline with two parameters."""
    arguments = [PipelineParameter("rate", 1), PipelineParameter("text", "")]
    return Pipeline(workspace, [step("one", arguments=arguments)]).publish("p")


def create(workspace: Workspace, published: PublishedPipeline, name: str = "nightly", **given: object) -> Schedule:
    """Make a schedule; by the clock unless another is asked for."""
    if "datastore" not in given:
        given.setdefault("recurrence", DAILY)
    return Schedule.create(workspace, name, published.id, "exp", **given)  # type: ignore[arg-type]


def test_a_schedule_by_the_clock_is_kept(workspace: Workspace, published: PublishedPipeline) -> None:
    """The object has v1's properties, and is found again by its id."""
    made = create(workspace, published, description="d", continue_on_step_failure=True, pipeline_parameters={"rate": 2})

    for one in (made, Schedule.get(workspace, made.id)):
        assert (one.name, one.description, one.status, one.pipeline_id) == ("nightly", "d", "Active", published.id)
        assert (one.continue_on_step_failure, one.pipeline_endpoint_id, one.datastore_name) == (True, None, None)
        assert one.recurrence is not None
        assert vars(one.recurrence) == vars(DAILY)
    assert "nightly" in repr(made)
    assert "nightly" in made._repr_html_()


def test_a_schedule_on_new_data_is_kept(workspace: Workspace, published: PublishedPipeline) -> None:
    """Datastore, folder, interval and parameter come back; there is no recurrence (v1)."""
    store = workspace.get_default_datastore()
    made = create(
        workspace,
        published,
        datastore=store,
        polling_interval=7,
        data_path_parameter_name="text",
        path_on_datastore="in/",
    )

    assert (made.datastore_name, made.polling_interval, made.path_on_datastore) == (store.name, 7, "in")
    assert (made.data_path_parameter_name, made.recurrence) == ("text", None)


def test_lists_are_in_the_order_of_creation(workspace: Workspace, published: PublishedPipeline) -> None:
    """Several may share a name; disabled ones are left out, unless those of one pipeline are asked for (v1)."""
    first, second = create(workspace, published), create(workspace, published)
    second.disable()

    assert [one.id for one in Schedule.list(workspace)] == [first.id]
    assert [one.status for one in Schedule.list(workspace, active_only=False)] == ["Active", "Disabled"]
    assert [one.id for one in Schedule.list(workspace, pipeline_id=published.id)] == [first.id, second.id]
    assert Schedule.list(workspace, pipeline_endpoint_id="e") == []
    with pytest.warns(UserWarning, match="old name"):
        assert len(Schedule.get_all(workspace)) == 1
    second.enable()
    assert (second.status, Schedule.get(workspace, second.id).status) == ("Active", "Active")


def test_a_pipeline_with_active_schedules_stays_enabled(workspace: Workspace, published: PublishedPipeline) -> None:
    """The refusal names the schedule; when that is disabled, the pipeline can be (v1)."""
    made = create(workspace, published)
    with pytest.raises(UserErrorException, match=r"schedule 'nightly' .* starts it; disable its schedules first"):
        published.disable()
    made.disable()
    published.disable()

    assert published.status == "Disabled"


def test_an_endpoint_is_scheduled_by_its_id(workspace: Workspace, published: PublishedPipeline) -> None:
    """A disabled endpoint takes no schedule."""
    endpoint = PipelineEndpoint.publish(workspace, "e", None, published)
    made = Schedule.create_for_pipeline_endpoint(workspace, "s", endpoint.id, "exp", recurrence=DAILY)

    assert (made.pipeline_id, made.pipeline_endpoint_id) == (None, endpoint.id)
    assert [one.id for one in Schedule.get_schedules_for_pipeline_endpoint_id(workspace, endpoint.id)] == [made.id]
    endpoint.disable()
    with pytest.raises(UserErrorException, match="takes no runs"):
        Schedule.create_for_pipeline_endpoint(workspace, "s", endpoint.id, "exp", recurrence=DAILY)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"recurrence": None}, ValueError, "neither a recurrence nor a datastore"),
        ({"recurrence": ScheduleRecurrence("Often", 1)}, ValueError, "frequency is 'Often'"),
        ({"recurrence": ScheduleRecurrence("Day", 1.5)}, ValueError, "interval is 1.5"),  # type: ignore[arg-type]
        ({"recurrence": ScheduleRecurrence("Day", 1, "noon")}, ValueError, "start_time is 'noon'"),
        ({"path_on_datastore": "in"}, ValueError, "path_on_datastore is for schedules on new data"),
        ({"pipeline_parameters": {"no": 1}}, UserErrorException, "no parameter 'no'|'no'"),
        ({"pipeline_parameters": {"rate": "x"}}, UserErrorException, "'rate'"),
    ],
)
def test_what_cannot_be_is_refused(
    workspace: Workspace, published: PublishedPipeline, given: dict[str, object], error: type[Exception], message: str
) -> None:
    """Nothing is kept of a schedule that could never start a run."""
    with pytest.raises(error, match=message):
        create(workspace, published, **given)
    assert Schedule.list(workspace) == []


def test_new_data_is_looked_for_in_blobs_alone(workspace: Workspace, published: PublishedPipeline) -> None:
    """A datastore of another kind, a parameter that takes no path, and a recurrence besides are refused (v1)."""
    store = workspace.get_default_datastore()
    with pytest.raises(ValueError, match="datastore is for schedules"):
        create(workspace, published, datastore=store, recurrence=DAILY)
    with pytest.raises(UserErrorException, match="parameter 'rate' of pipeline"):
        create(workspace, published, datastore=store, data_path_parameter_name="rate")
    with pytest.raises(UserErrorException, match="'no' is no parameter of pipeline"):
        create(workspace, published, datastore=store, data_path_parameter_name="no")
    with pytest.raises(ValueError, match="no blob container"):
        create(workspace, published, datastore="store")
    with pytest.raises(ValueError, match="polling_interval is 0"):
        create(workspace, published, datastore=store, polling_interval=0)


def test_an_update_changes_what_it_names(workspace: Workspace, published: PublishedPipeline) -> None:
    """The rest stays; a recurrence is for schedules by the clock, a folder for those on new data (v1)."""
    made = create(workspace, published, description="d")
    made.update(name="weekly", recurrence=ScheduleRecurrence("Week", 1), status="Disabled")

    assert (made.name, made.description, made.status) == ("weekly", "d", "Disabled")
    assert Schedule.get(workspace, made.id).recurrence.frequency == "Week"  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="has a recurrence and takes no path_on_datastore"):
        made.update(path_on_datastore="in")
    with pytest.raises(ValueError, match="status is 'Off'"):
        made.update(status="Off")


def test_an_update_of_a_watched_folder(workspace: Workspace, published: PublishedPipeline) -> None:
    """Interval, folder and parameter change one by one."""
    made = create(workspace, published, datastore=workspace.get_default_datastore())
    made.update(path_on_datastore="in", polling_interval=9)
    made.update(data_path_parameter_name="text")

    assert (made.path_on_datastore, made.polling_interval, made.data_path_parameter_name) == ("in", 9, "text")
    with pytest.raises(ValueError, match="takes no recurrence"):
        made.update(recurrence=DAILY)


def test_a_schedule_that_has_started_nothing(workspace: Workspace, published: PublishedPipeline) -> None:
    """It has no runs, and no last one (v1)."""
    made = create(workspace, published)

    assert (made.get_pipeline_runs(), made.get_last_pipeline_run()) == ([], None)


YAML = """
Schedule:
    description: "from a file"
    recurrence:
        frequency: Week
        interval: 1
        start_time: 2019-06-07T10:50:00
        time_zone: UTC
        hours: [1]
        minutes: [0]
        time_of_day: null
        week_days: [Friday]
    pipeline_parameters: {'rate': 3}
    polling_interval: ~
"""


def test_a_yaml_file_holds_the_arguments(workspace: Workspace, published: PublishedPipeline, tmp_path: Path) -> None:
    """v1's `load_yaml` returns a dictionary, of which `create` takes what it knows."""
    (tmp_path / "schedule.yml").write_text(YAML)
    found = Schedule.load_yaml(workspace, str(tmp_path / "schedule.yml"))
    made = create(workspace, published, recurrence=found["recurrence"], description=found["description"])

    assert found["pipeline_parameters"] == {"rate": 3}
    assert made.recurrence is not None
    assert (made.recurrence.week_days, made.recurrence.start_time) == (["Friday"], "2019-06-07T10:50:00")
    assert datetime.fromisoformat(str(made.recurrence.start_time)).year == 2019


def test_a_yaml_file_without_a_schedule_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """The error says what is missing (a ValueError in v1 too)."""
    (tmp_path / "other.yml").write_text("pipeline: {}")
    with pytest.raises(ValueError, match="no section 'Schedule'"):
        Schedule.load_yaml(workspace, str(tmp_path / "other.yml"))
