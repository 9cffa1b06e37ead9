"""
Runs DAG files for tests: one process, in which Airflow is imported once.

Reads one JSON command a line from standard input and answers each by one JSON line on the descriptor that is its
first argument; what Airflow and the tasks log goes to standard output.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import clear_task_instances
from airflow.models.xcom import XComModel
from airflow.sdk.definitions.dag import _run_task
from airflow.serialization.serialized_objects import DagSerialization
from airflow.settings import Session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select


def load(file: str) -> Any:
    """Return the one DAG of a file, loaded as Airflow loads it."""
    bag = DagBag(dag_folder=file, bundle_name="dags-folder", bundle_path=Path(file).parent)
    if bag.import_errors:
        raise RuntimeError(next(iter(bag.import_errors.values())))
    [dag] = bag.dags.values()
    return dag


def run(command: dict[str, Any]) -> dict[str, Any]:
    """Run a DAG from its beginning."""
    dag = load(command["file"])
    return describe(dag.test(run_conf=command.get("conf")))


def clear(command: dict[str, Any]) -> dict[str, Any]:
    """Clear tasks of a DAG run and let it go on, as Airflow's pages do, or as a backfill does with all of them."""
    dag, session = load(command["file"]), Session()
    dag_run = session.scalars(select(DagRun).where(DagRun.run_id == command["run_id"])).one()
    chosen = [ti for ti in dag_run.get_task_instances(session=session) if name_of(ti) in command["tasks"]]
    clear_task_instances(chosen, session, dag_run_state=DagRunState.RUNNING)
    dag_run.run_type = command.get("run_type", dag_run.run_type)
    dag_run.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    session.commit()
    while dag_run.state == DagRunState.RUNNING:
        session.expire_all()
        ready, _ = dag_run.update_state(session=session)
        for ti in ready:
            ti.try_number += 1
            ti.state = TaskInstanceState.SCHEDULED
        session.commit()
        for ti in ready:
            try:
                _run_task(ti=ti, task=dag.task_dict[ti.task_id])
            except Exception as error:  # noqa: BLE001, PERF203 - as dag.test does
                print("task failed", error)
    return describe(dag_run)


def name_of(item: Any) -> str:
    """Return the task's id, with the map index of a mapped one."""
    return item.task_id if item.map_index < 0 else f"{item.task_id}[{item.map_index}]"


def serialize(command: dict[str, Any]) -> dict[str, Any]:
    """Return a DAG as Airflow keeps it."""
    return DagSerialization.to_dict(load(command["file"]))


def describe(dag_run: Any) -> dict[str, Any]:
    """Return the states of a DAG run and of its tasks, how often each was tried, their XComs and asset events."""
    session = Session()
    dag_run = session.scalars(select(DagRun).where(DagRun.id == dag_run.id)).one()
    tasks = dag_run.get_task_instances(session=session)
    xcoms = session.scalars(select(XComModel).where(XComModel.run_id == dag_run.run_id)).all()
    own = (AssetEvent.source_dag_id == dag_run.dag_id, AssetEvent.source_run_id == dag_run.run_id)
    events = session.scalars(select(AssetEvent).where(*own).order_by(AssetEvent.id)).all()
    return {
        "dag_id": dag_run.dag_id,
        "run_id": dag_run.run_id,
        "state": str(dag_run.state.value if hasattr(dag_run.state, "value") else dag_run.state),
        "tasks": {name_of(ti): str(ti.state and getattr(ti.state, "value", ti.state)) for ti in tasks},
        "tries": {name_of(ti): ti.try_number for ti in tasks},
        "events": [[event.source_task_id, event.uri, event.extra] for event in events],
        "xcoms": {f"{name_of(item)}:{item.key}": XComModel.deserialize_value(item) for item in xcoms},
    }


def main() -> None:
    """Answer commands until standard input ends."""
    answers = os.fdopen(int(sys.argv[1]), "w", buffering=1)
    print("ready", file=answers)
    for line in sys.stdin:
        command = json.loads(line)
        os.environ.update(command["environment"])
        try:
            answer = {"run": run, "clear": clear, "serialize": serialize}[command["do"]](command)
        except Exception as error:  # noqa: BLE001 - the test that asked wants to know
            answer = {"failed": f"{type(error).__name__}: {error}"}
        sys.stdout.flush()
        print(json.dumps(answer, default=str), file=answers)


main()
