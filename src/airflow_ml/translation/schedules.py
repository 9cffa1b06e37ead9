"""
Schedules between the workspace and its Airflow: recorded, made a DAG, paused and asked for their state.

A schedule is Disabled where the workspace says so, and where its DAG is paused in Airflow; enabling it lets both run.
Without an Airflow it is recorded all the same, and starts runs as soon as one serves the workspace.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.scheduling import begin_watch, check_schedule
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import Graph
from airflow_ml.registry import open_shared
from airflow_ml.translation.airflow_service import find_service
from airflow_ml.translation.registered_dags import (
    NO_SERVICE,
    NOW,
    make_runnable,
    published_dag_id,
    register_dag,
    register_published,
)
from airflow_ml.translation.service_client import AirflowError

if TYPE_CHECKING:
    from airflow_ml.graph import Json, WorkspaceRef
    from airflow_ml.registry import Registry, ScheduleContent, ScheduleRecord

__all__ = ["create", "paused_dags", "set_active", "update"]

logger = logging.getLogger(__name__)

_NOT_IN_DAG_IDS = re.compile(r"[^\w.-]+")
_HTTP_NOT_FOUND = 404
_PAGE = 100


def create(workspace: WorkspaceRef, content: ScheduleContent, *, wait: bool) -> ScheduleRecord:
    """
    Record a schedule and make it known to Airflow; what lies in its folder already is not new.

    Args:
        wait: until Airflow has it.

    Raises:
        UserErrorException: pipeline, endpoint, datastore or parameter is not there or not right.
        ServiceException: with `wait`, Airflow does not take it; the schedule is recorded all the same.
    """
    registry = open_shared(workspace)
    pipeline, graph = check_schedule(registry, content)
    if content.watch is not None:
        Stores(registry).of_files(content.watch.datastore)
    record = registry.schedules.create(content, dag_prefix=_NOT_IN_DAG_IDS.sub("_", content.name)[:200])
    begin_watch(registry, Stores(registry), record)
    register_published(registry, pipeline, graph)
    _publish(registry, workspace, record, published_dag_id(pipeline), wait=wait)
    return record


def update(workspace: WorkspaceRef, schedule_id: str, content: ScheduleContent, *, wait: bool) -> ScheduleRecord:
    """
    Change everything that a schedule is; a folder or datastore that it did not watch before counts from now on.

    Raises:
        UserErrorException: as for `create`, or there is no such schedule.
    """
    registry = open_shared(workspace)
    before = registry.schedules.get(schedule_id).content
    pipeline, graph = check_schedule(registry, content)
    record = registry.schedules.put(schedule_id, content)
    if _place(content) != _place(before):
        begin_watch(registry, Stores(registry), record)
    register_published(registry, pipeline, graph)
    _publish(registry, workspace, record, published_dag_id(pipeline), wait=wait)
    return record


def set_active(workspace: WorkspaceRef, schedule_id: str, *, active: bool) -> ScheduleRecord:
    """
    Let a schedule start runs, or no longer, in the workspace and in Airflow.

    Raises:
        UserErrorException: there is no such schedule.
    """
    record = open_shared(workspace).schedules.set_active(schedule_id, active=active)
    try:
        _pause(workspace, record.dag_id, is_paused=not active)
    except AzureMLException as error:
        logger.warning("schedule %r is %s; Airflow could not be told: %s", record.content.name, record.status, error)
    return record


def paused_dags(workspace: WorkspaceRef, dag_ids: Sequence[str]) -> set[str]:
    """Return which of these DAGs of schedules are paused in Airflow; none where no Airflow answers."""
    try:
        service = find_service(workspace)
        if service is None or not dag_ids:
            return set()
        client, found = service.client(), set[str]()
        if len(dag_ids) == 1:
            answer = client.ask("GET", f"/api/v2/dags/{quote(dag_ids[0], safe='')}")
            return {dag_ids[0]} if cast("dict[str, Json]", answer).get("is_paused") else set()
        while True:
            path = f"/api/v2/dags?tags=schedule&paused=true&order_by=dag_id&limit={_PAGE}&offset={len(found)}"
            page = cast("dict[str, list[dict[str, str]]]", client.ask("GET", path))["dags"]
            found.update(dag["dag_id"] for dag in page)
            if len(page) < _PAGE:
                return found.intersection(dag_ids)
    except AzureMLException as error:
        logger.debug("Airflow does not say which schedules are paused: %s", error)
        return set()


def _publish(
    registry: Registry, workspace: WorkspaceRef, record: ScheduleRecord, pipeline_dag: str, *, wait: bool
) -> None:
    """Record the DAG of a schedule, and tell Airflow of it and of its pipeline's."""
    content, watch = record.content, record.content.watch
    arguments: dict[str, Json] = {
        "schedule_id": record.id,
        "name": content.name,
        "description": content.description,
        "recurrence": None if content.recurrence is None else {**content.recurrence},
        "folder": None if watch is None else f"{watch.datastore}/{watch.path}",
    }
    register_dag(registry, Graph(content.name, workspace, ()), record.dag_id, **arguments)
    try:
        made = {make_runnable(workspace, dag_id, wait=wait) for dag_id in (pipeline_dag, record.dag_id)}
    except AzureMLException as error:
        if wait:
            raise
        logger.warning("schedule %r is recorded; Airflow could not be told of it: %s", content.name, error)
        return
    if NO_SERVICE in made:
        logger.warning(
            "schedule %r is recorded; it starts runs as soon as an Airflow serves the workspace", content.name
        )
    elif made != {NOW}:
        logger.warning("schedule %r starts runs after the next refresh of Airflow's DAG bundle", content.name)


def _pause(workspace: WorkspaceRef, dag_id: str, *, is_paused: bool) -> None:
    service = find_service(workspace)
    if service is None:
        return
    try:
        service.client().ask("PATCH", f"/api/v2/dags/{quote(dag_id, safe='')}", {"is_paused": is_paused})
    except AirflowError as error:
        if error.status != _HTTP_NOT_FOUND:  # it will find it, and the task asks the workspace
            raise


def _place(content: ScheduleContent) -> tuple[str, str] | None:
    return None if content.watch is None else (content.watch.datastore, content.watch.path)
