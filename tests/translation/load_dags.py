"""Loads a folder of DAG files as Airflow does, and prints what it found as JSON: `load_dags.py FOLDER`."""

import json
import socket
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization


def refuse(*_arguments: object, **_options: object) -> None:
    """Stand in the place of `connect`: parsing opens no connection."""
    raise AssertionError("a DAG file must not open connections")


def load(folder: Path) -> dict[str, object]:
    """Return the DAGs and errors of a folder."""
    bag = BundleDagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="tests", load_op_links=False)
    return {
        "errors": {name: text.strip().splitlines()[-1] for name, text in bag.import_errors.items()},
        "dags": {dag_id: describe(dag) for dag_id, dag in bag.dags.items()},
    }


def describe(dag) -> dict[str, object]:
    """Return a DAG as its tasks, params and serialized form."""
    return {
        "fileloc": dag.fileloc,
        "params": {name: {"value": dag.params[name], **dag.params.get_param(name).schema} for name in dag.params},
        "tasks": {
            task.task_id: {
                "upstream": sorted(task.upstream_task_ids),
                "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
                "type": task.task_type,
                "retries": task.retries,
                "pool": task.pool,
                "run_group": getattr(getattr(task, "pipeline", None), "group_id", None),
                "experiment": getattr(getattr(task, "pipeline", None), "experiment", None),
            }
            for task in dag.tasks
        },
        "serialized": json.dumps(DagSerialization.to_dict(dag), sort_keys=True),
    }


if __name__ == "__main__":
    socket.socket.connect = refuse
    first, second = load(Path(sys.argv[1])), load(Path(sys.argv[1]))
    assert first == second, "a second parse gave other DAGs"
    print(json.dumps(first))
