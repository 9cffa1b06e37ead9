"""
What a schedule does when its time has come or when it finds new data: runs of a published pipeline, recorded.

The pipeline is the one that the schedule or its endpoint names at that moment. Every start is recorded with its cause
before anything else (`airflow_ml.registry.schedule_starts`), and the run takes its place in Airflow from that cause:
whoever comes again after a crash goes on where it was, and nothing is started twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.pipelines import Opening, open_pipeline
from airflow_ml.execution.publishing import endpoint_to_run, graph_to_run, properties_of
from airflow_ml.graph import DataReferenceSource, datapath_uri
from airflow_ml.registry.schedule_starts import SeenFile
from airflow_ml.registry.values import content_digest

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.execution.stores import Stores
    from airflow_ml.graph import Graph, Json
    from airflow_ml.registry import (
        PublishedPipelineRecord,
        Registry,
        RunRecord,
        ScheduleContent,
        ScheduleRecord,
        StartRecord,
        Watch,
    )

__all__ = [
    "SCHEDULE_PROPERTY",
    "Engine",
    "NewFile",
    "begin_watch",
    "check_schedule",
    "new_files",
    "start_for_files",
    "start_once",
]

logger = logging.getLogger(__name__)

#: Property of a run that a schedule has started: the schedule's id.
SCHEDULE_PROPERTY = "airflow_ml.schedule_id"

#: Kinds of parameters that can take the path of a file.
_PATH_KINDS = ("datapath", "string")


@dataclass(frozen=True)
class NewFile:
    """
    A file that is new, or other than when a run was last started for it.

    Attributes:
        changes: how often runs were started for it.
    """

    path: str
    etag: str
    changes: int


@dataclass(frozen=True)
class Engine:
    """
    What runs the pipelines: Airflow, which stands above this room.

    Attributes:
        dag_id_of: gives the id of a published pipeline's DAG.
        trigger: lets it run a recorded pipeline run; one that it has taken before stays as it is.
    """

    dag_id_of: Callable[[PublishedPipelineRecord], str]
    trigger: Callable[[PublishedPipelineRecord, Graph, RunRecord], None]


def check_schedule(registry: Registry, content: ScheduleContent) -> tuple[PublishedPipelineRecord, Graph]:
    """
    Return the pipeline that a schedule would start now, and its graph.

    Raises:
        UserErrorException: pipeline or endpoint is not there or takes no runs, or the parameter for the path of the
            file is none of the pipeline's, or of another kind.
    """
    record, graph = graph_to_run(registry, _pipeline_of(registry, content))
    if content.watch is not None and content.watch.parameter is not None:
        _check_path_parameter(graph, content, content.watch.parameter)
    return record, graph


def begin_watch(registry: Registry, stores: Stores, schedule: ScheduleRecord) -> None:
    """Take what is in a schedule's folder now as seen."""
    if schedule.content.watch is not None:
        files = dict(_files(stores, schedule.content.watch))
        registry.schedule_starts.begin_with(schedule.id, files)


def new_files(registry: Registry, stores: Stores, schedule: ScheduleRecord) -> list[NewFile]:
    """Return the files of a schedule's folder that are new or have changed, in the order of their paths."""
    if schedule.content.watch is None or not schedule.is_active:
        return []
    seen = registry.schedule_starts.seen(schedule.id)
    nothing = SeenFile("")
    return [
        NewFile(path, etag, seen.get(path, nothing).changes)
        for path, etag in _files(stores, schedule.content.watch)
        if seen.get(path, nothing).etag != etag
    ]


def start_once(services: Services, schedule: ScheduleRecord, engine: Engine, cause: str) -> str:
    """
    Start a run of the pipeline that a schedule or its endpoint names now, and return its id.

    Args:
        cause: a run that was started for the same one is returned as it is.

    Raises:
        UserErrorException: pipeline or endpoint is not there or takes no runs, or something that it or its parameters
            name is not right.
        ServiceException: Airflow does not take the run now; trying again can help.
    """
    return _start(services, schedule, engine, _plan(services.registry, schedule, cause))


def start_for_files(services: Services, schedule: ScheduleRecord, engine: Engine) -> Iterator[str]:
    """
    Start a run for each file that is new, and yield their ids as they are taken; see `start_once`.

    A file counts as seen in the transaction that records that its run was taken. Whoever dies before finds it new
    again, and its run recorded and perhaps taken.
    """
    for file in new_files(services.registry, services.store, schedule):
        seen = SeenFile(file.etag, file.changes + 1)
        cause = f"file_{content_digest(file.path)[:16]}_{seen.changes}"
        yield _start(services, schedule, engine, _plan(services.registry, schedule, cause, file.path), seen)


def _plan(registry: Registry, schedule: ScheduleRecord, cause: str, path: str | None = None) -> StartRecord:
    pipeline_id = _pipeline_of(registry, schedule.content)
    return registry.schedule_starts.plan(schedule.id, cause, pipeline_id=pipeline_id, path=path)


def _start(
    services: Services, schedule: ScheduleRecord, engine: Engine, start: StartRecord, seen: SeenFile | None = None
) -> str:
    """Start one run, as far as that has not happened yet."""
    starts = services.registry.schedule_starts
    if start.run_id is not None and start.started_at is not None:
        starts.set_started(start, seen)
        logger.info("run %s was started before", start.run_id)
        return start.run_id
    record, graph = graph_to_run(services.registry, start.pipeline_id)
    run = _open(services, schedule, start, record, graph, engine.dag_id_of(record))
    engine.trigger(record, graph, run)
    starts.set_started(start, seen)
    logger.info("started run %s of %r%s", run.id, run.name, f" for {start.path!r}" if start.path else "")
    return run.id


def _open(
    services: Services,
    schedule: ScheduleRecord,
    start: StartRecord,
    record: PublishedPipelineRecord,
    graph: Graph,
    dag_id: str,
) -> RunRecord:
    """Record the run of a start, or return the one that is recorded."""
    content = schedule.content
    goes_on = content.continue_on_step_failure
    opening = Opening(
        experiment=content.experiment,
        dag_id=dag_id,
        dag_run_id=f"by_schedule__{schedule.id[:8]}__{start.cause}",
        parameters=_parameters(graph, content, start.path),
        continue_on_failure=bool(record.continue_on_step_failure if goes_on is None else goes_on),
        run_source="Schedule",
        properties={**properties_of(record), SCHEDULE_PROPERTY: schedule.id},
        details={"engine": "service", "reuse": "normal"},
    )
    run = open_pipeline(services, graph, opening)
    if start.run_id is None:
        services.registry.schedule_starts.set_run(start, run.id)
    return run


def _pipeline_of(registry: Registry, content: ScheduleContent) -> str:
    if content.endpoint_id is not None:
        return endpoint_to_run(registry, endpoint_id=content.endpoint_id)
    if content.pipeline_id is None:
        raise UserErrorException(f"schedule {content.name!r}: it names neither a published pipeline nor an endpoint")
    return content.pipeline_id


def _files(stores: Stores, watch: Watch) -> Iterable[tuple[str, str]]:
    """Yield path and etag of the files of a folder, without those of folders below it (v1)."""
    for file in stores.of_files(watch.datastore).list(watch.path, recursive=False):
        yield file.path, file.etag


def _parameters(graph: Graph, content: ScheduleContent, path: str | None) -> dict[str, Json]:
    values: dict[str, Json] = dict(content.parameters)
    watch = content.watch
    if watch is None or watch.parameter is None or path is None:
        return values
    is_datapath = _check_path_parameter(graph, content, watch.parameter) == "datapath"
    values[watch.parameter] = datapath_uri(DataReferenceSource(watch.datastore, path)) if is_datapath else path
    return values


def _check_path_parameter(graph: Graph, content: ScheduleContent, name: str) -> str:
    """Return the kind of the parameter that takes the path of the file; v1's is a datapath, a text can do it too."""
    kinds = {parameter.name: parameter.kind for parameter in graph.parameters}
    if name not in kinds:
        raise UserErrorException(
            f"schedule {content.name!r}: data_path_parameter_name {name!r} is no parameter of pipeline {graph.name!r},"
            f" which has: {', '.join(sorted(kinds)) or 'none'}; correct the name"
        )
    if kinds[name] not in _PATH_KINDS:
        raise UserErrorException(
            f"schedule {content.name!r}: parameter {name!r} of pipeline {graph.name!r} is a {kinds[name]}, and the"
            " path of a file is a DataPath or a text; name another parameter"
        )
    return kinds[name]
