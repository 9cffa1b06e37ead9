"""
Telling Airflow which steps have their results already: their XComs are set, and their tasks skipped, in one message.

Any task may set XComs of other tasks of its DAG run, and may name any of them to be skipped, whatever stands between
them (Airflow's `SkipDownstreamTasks`, which an ordinary task may send and go on). A task that runs or has ended is
left as it is; one that is cleared later runs, because nothing but its state was touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DeleteXCom, GetXCom, SetXCom, SkipDownstreamTasks, XComResult
from airflow.sdk.execution_time.xcom import XCom

from airflow_ml.operators._context import dag_run_of
from airflow_ml.operators.links import RUN_LINK_KEY, run_address
from airflow_ml.translation.node_tasks import node_task_ids
from airflow_ml.translation.pipeline_ref import ANNOUNCEMENT_KEY

if TYPE_CHECKING:
    from airflow_ml.execution.reusing import Reused
    from airflow_ml.graph import Graph, Json

__all__ = ["Announcement", "announce", "announcements_of"]

_RETURN_VALUE = "return_value"

#: So many tasks are written one by one: asking for all at once costs as much as two of them.
_FEW = 2


@dataclass(frozen=True)
class Announcement:
    """
    What Airflow is told of one task that need not run.

    Attributes:
        task_id: with the ids of its task groups.
        xcom: what the task would have returned.
        run_id: what its link leads to.
    """

    task_id: str
    xcom: Mapping[str, Json]
    run_id: str


def announcements_of(prefix: str, reused: Iterable[Reused], graph: Graph) -> list[Announcement]:
    """Return what Airflow is told of reused steps, whose tasks have this before the steps' ids; of all their nodes."""
    return [
        Announcement(f"{prefix}{task_id}", item.result.to_data(), item.result.step_run_id)
        for item in reused
        for task_id in (item.step_id, *node_task_ids(graph, graph.step(item.step_id)))
    ]


def announce(context: Mapping[str, Any], workspace: str, tasks: Sequence[Announcement]) -> None:
    """
    Set the tasks' XComs and skip them; doing it twice does no harm.

    XComs come first: a task of the team that stands behind a skipped one may start at once.
    """
    if not tasks:
        return
    values = {task.task_id: _xcoms_of(context, workspace, task) for task in tasks}
    if len(values) <= _FEW or not _set_all(context, values):
        for task_id, xcoms in values.items():
            for key, value in xcoms.items():
                _set(context, task_id, key, value)
    task_runner.SUPERVISOR_COMMS.send(SkipDownstreamTasks(tasks=[*values]))


def _xcoms_of(context: Mapping[str, Any], workspace: str, task: Announcement) -> dict[str, Any]:
    """Return a task's XComs as they are stored; links, as Airflow itself keeps them, beside the XCom backend."""
    dag_id, run_id = dag_run_of(context)
    place = {"dag_id": dag_id, "run_id": run_id, "task_id": task.task_id, "map_index": -1}
    result = XCom.serialize_value(dict(task.xcom), key=_RETURN_VALUE, **place)
    return {_RETURN_VALUE: result, RUN_LINK_KEY: run_address(workspace, task.run_id)}


def _set(context: Mapping[str, Any], task_id: str, key: str, value: Any) -> None:
    dag_id, run_id = dag_run_of(context)
    task_runner.SUPERVISOR_COMMS.send(SetXCom(key=key, value=value, dag_id=dag_id, run_id=run_id, task_id=task_id))


def _set_all(context: Mapping[str, Any], values: Mapping[str, Mapping[str, Any]]) -> bool:
    """
    Set all of them by one request, if the API server has our plugin, and return whether they are there.

    A request for each takes Airflow some ten milliseconds.
    """
    own_task, (dag_id, run_id) = str(context["ti"].task_id), dag_run_of(context)
    _set(context, own_task, ANNOUNCEMENT_KEY, dict(values))
    task_id, xcoms = [*values.items()][-1]
    found = task_runner.SUPERVISOR_COMMS.send(GetXCom(key=RUN_LINK_KEY, dag_id=dag_id, run_id=run_id, task_id=task_id))
    is_done = isinstance(found, XComResult) and found.value == xcoms[RUN_LINK_KEY]
    if not is_done:
        task_runner.SUPERVISOR_COMMS.send(
            DeleteXCom(key=ANNOUNCEMENT_KEY, dag_id=dag_id, run_id=run_id, task_id=own_task)
        )
    return is_done
