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
from airflow.sdk.execution_time.comms import SetXCom, SkipDownstreamTasks
from airflow.sdk.execution_time.xcom import XCom

from airflow_ml.operators._context import dag_run_of
from airflow_ml.operators.links import RunLink, run_address

if TYPE_CHECKING:
    from airflow_ml.execution.reusing import Reused
    from airflow_ml.graph import Json

__all__ = ["Announcement", "announce", "announcements_of"]

_RETURN_VALUE = "return_value"


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


def announcements_of(prefix: str, reused: Iterable[Reused]) -> list[Announcement]:
    """Return what Airflow is told of reused steps, whose tasks have this before the steps' ids."""
    return [Announcement(f"{prefix}{item.step_id}", item.result.to_data(), item.result.step_run_id) for item in reused]


def announce(context: Mapping[str, Any], workspace: str, tasks: Sequence[Announcement]) -> None:
    """
    Set the tasks' XComs and skip them; doing it twice does no harm.

    XComs come first: a task of the team that stands behind a skipped one may start at once.
    """
    if not tasks:
        return
    dag_id, run_id = dag_run_of(context)
    comms = task_runner.SUPERVISOR_COMMS
    for task in tasks:
        XCom.set(_RETURN_VALUE, dict(task.xcom), dag_id=dag_id, run_id=run_id, task_id=task.task_id)
        # As Airflow itself keeps links: beside the deployment's XCom backend.
        link = run_address(workspace, task.run_id)
        comms.send(SetXCom(key=RunLink().xcom_key, value=link, dag_id=dag_id, run_id=run_id, task_id=task.task_id))
    comms.send(SkipDownstreamTasks(tasks=[task.task_id for task in tasks]))
