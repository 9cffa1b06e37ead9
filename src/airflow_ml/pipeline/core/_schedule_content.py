"""From v1's arguments to what the workspace keeps of a schedule, and back. Imported at its first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow_ml._late import late
from airflow_ml.core.datastore import Datastore
from airflow_ml.exceptions import GraphError
from airflow_ml.execution.scheduling import check_schedule
from airflow_ml.pipeline.core import _values
from airflow_ml.pipeline.core._recurrence import ScheduleRecurrence, TimeZone
from airflow_ml.registry import ScheduleContent, Watch
from airflow_ml.storage.protocol import normalise_path

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph import Json

__all__ = ["changed_content", "content_of", "read_yaml", "recurrence_of"]

yaml: Any = late("yaml")

_RECURRENCE = ("frequency", "interval", "start_time", "time_zone", "hours", "minutes", "time_of_day", "week_days")
_SCHEDULE = (
    *("description", "recurrence", "pipeline_parameters", "wait_for_provisioning", "wait_timeout", "datastore_name"),
    *("polling_interval", "data_path_parameter_name", "continue_on_step_failure", "path_on_datastore"),
)

#: v1's arguments of a schedule on new data, which one by the clock does not take.
_OF_DATA = ("datastore", "data_path_parameter_name", "path_on_datastore")


def content_of(
    workspace: Workspace,
    content: ScheduleContent,
    *,
    recurrence: ScheduleRecurrence | None,
    pipeline_parameters: Mapping[str, object] | None,
    polling_interval: int | None,
    **of_data: Any,
) -> ScheduleContent:
    """
    Return what a new schedule is.

    Args:
        content: what needs no look: the names, the pipeline or the endpoint.
        of_data: `datastore`, `data_path_parameter_name` and `path_on_datastore`.

    Raises:
        ValueError: a recurrence and a datastore, or neither; a recurrence that cannot be; a datastore that is no
            blob container (v1 raises the same).
        UserErrorException: pipeline, endpoint or parameter is not there or not right.
    """
    where = f"schedule {content.name!r}"
    datastore = cast("AbstractDatastore | None", of_data["datastore"])
    if recurrence is None and datastore is None:
        raise GraphError(f"{where}: neither a recurrence nor a datastore is given; give the one that shall start runs")
    if recurrence is not None:
        given = [name for name in _OF_DATA if of_data[name] is not None]
        if given:
            raise GraphError(f"{where}: {given[0]} is for schedules on new data, and a recurrence is given; drop one")
        content = replace(content, recurrence=_recurrence_values(recurrence))
    if datastore is not None:
        watch = Watch(
            datastore=_blob_name(datastore, where),
            path=normalise_path(cast("str | None", of_data["path_on_datastore"]) or ""),
            polling_minutes=_minutes(5 if polling_interval is None else polling_interval, where),
            parameter=cast("str | None", of_data["data_path_parameter_name"]),
        )
        content = replace(content, watch=watch)
    return _with_parameters(workspace, content, pipeline_parameters)


def changed_content(
    workspace: Workspace,
    content: ScheduleContent,
    *,
    recurrence: ScheduleRecurrence | None,
    pipeline_parameters: Mapping[str, object] | None,
    watch: Mapping[str, Any],
    **others: Any,
) -> ScheduleContent:
    """
    Return what a schedule becomes; None changes nothing.

    Args:
        watch: v1's arguments of schedules on new data.
        others: `name`, `description` and `continue_on_step_failure`.

    Raises:
        ValueError: a recurrence for a schedule on new data or the other way round (v1 raises the same).
    """
    where = f"schedule {content.name!r}"
    content = replace(content, **{name: value for name, value in others.items() if value is not None})
    given = {name: value for name, value in watch.items() if value is not None}
    if recurrence is not None:
        if content.recurrence is None:
            raise GraphError(f"{where}: it starts runs on new data and takes no recurrence; create another schedule")
        content = replace(content, recurrence=_recurrence_values(recurrence))
    if given:
        if content.watch is None:
            raise GraphError(f"{where}: it has a recurrence and takes no {next(iter(given))}; create another schedule")
        content = replace(content, watch=_changed_watch(content.watch, given, where))
    if pipeline_parameters is None:
        return content
    return _with_parameters(workspace, content, pipeline_parameters)


def recurrence_of(values: Mapping[str, Json] | None) -> ScheduleRecurrence | None:
    """Return v1's object of what is kept of a recurrence."""
    if values is None:
        return None
    given = {name: value for name, value in values.items() if name in _RECURRENCE}
    zone = given.pop("time_zone", None)
    return ScheduleRecurrence(**cast("dict[str, Any]", given), time_zone=None if zone is None else TimeZone(zone))


def read_yaml(workspace: Workspace, filename: str) -> dict[str, Any]:
    """
    Return the arguments of `Schedule.create` that a file holds, as v1's `load_yaml` does.

    Raises:
        ValueError: it has no section `Schedule`, or a recurrence that cannot be.
    """
    document = yaml.safe_load(Path(filename).read_text(encoding="utf-8"))
    section = document.get("Schedule") if isinstance(document, dict) else None
    if not isinstance(section, dict):
        raise GraphError(f"file {filename!r}: it has no section 'Schedule'; see Schedule.load_yaml for its form")
    found = {name: section[name] for name in _SCHEDULE if name in section}
    if found.get("datastore_name") is not None:
        found["datastore_name"] = Datastore.get(workspace, found["datastore_name"])
    if found.get("recurrence") is not None:
        found["recurrence"] = _yaml_recurrence(filename, found["recurrence"])
    return found


def _yaml_recurrence(filename: str, section: Any) -> ScheduleRecurrence:
    if not isinstance(section, dict) or not {"frequency", "interval"} <= section.keys():
        raise GraphError(f"file {filename!r}: its recurrence is {section!r}; it needs a frequency and an interval")
    given: dict[str, Any] = {name: section.get(name) for name in _RECURRENCE}
    zone = given.pop("time_zone")
    try:
        return ScheduleRecurrence(**given, time_zone=None if zone is None else TimeZone(zone))
    except ValueError as error:
        raise GraphError(f"file {filename!r}: {error}") from error


def _recurrence_values(recurrence: ScheduleRecurrence) -> dict[str, Json]:
    """Check a recurrence, and return what is kept of it; it counts from now on."""
    recurrence.validate()
    if not isinstance(recurrence.interval, int) or isinstance(recurrence.interval, bool):
        raise GraphError(f"recurrence: interval is {recurrence.interval!r}; give a whole number from 1 on")
    start = recurrence.start_time
    if start is not None:
        try:
            is_local = datetime.fromisoformat(start).tzinfo is None
        except ValueError:
            is_local = False
        if not is_local:
            raise GraphError(
                f"recurrence: start_time is {start!r}; write it like '2019-11-01T09:00:00', without a zone"
            )
    zone = recurrence.time_zone
    return {
        "frequency": recurrence.frequency,
        "interval": recurrence.interval,
        "start_time": start,
        "time_zone": None if zone is None else zone.value,
        "hours": None if recurrence.hours is None else [*recurrence.hours],
        "minutes": None if recurrence.minutes is None else [*recurrence.minutes],
        "week_days": None if recurrence.week_days is None else [*recurrence.week_days],
        "since": datetime.now(timezone.utc).isoformat(),
    }


def _changed_watch(watch: Watch, given: Mapping[str, Any], where: str) -> Watch:
    changes: dict[str, Any] = {}
    if "datastore" in given:
        changes["datastore"] = _blob_name(given["datastore"], where)
    if "path_on_datastore" in given:
        changes["path"] = normalise_path(given["path_on_datastore"])
    if "polling_interval" in given:
        changes["polling_minutes"] = _minutes(given["polling_interval"], where)
    if "data_path_parameter_name" in given:
        changes["parameter"] = given["data_path_parameter_name"]
    return replace(watch, **changes)


def _blob_name(datastore: AbstractDatastore, where: str) -> str:
    """Return a datastore's name if it is a blob container, or the folder that stands for the workspace's (v1)."""
    if getattr(datastore, "datastore_type", None) != "AzureBlob":
        raise GraphError(
            f"{where}: datastore {datastore!r} is no blob container; new data is looked for in those alone"
        )
    return datastore.name


def _minutes(interval: int, where: str) -> int:
    if not isinstance(interval, int) or interval < 1:
        raise GraphError(f"{where}: polling_interval is {interval!r}; give minutes, a whole number from 1 on")
    return interval


def _with_parameters(
    workspace: Workspace, content: ScheduleContent, given: Mapping[str, object] | None
) -> ScheduleContent:
    _, graph = check_schedule(workspace.registry(), content)
    return replace(content, parameters=_values.parameter_values(graph, given or {}, workspace))
