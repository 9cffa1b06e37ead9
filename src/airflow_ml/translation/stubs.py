"""Reading the DAG files that `airflow_ml.translation.stub_files` writes; imported by them, inside Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.graph import from_json
from airflow_ml.translation.dags import to_dag
from airflow_ml.translation.stub_files import read_stub, write_stub

if TYPE_CHECKING:
    from airflow.sdk import DAG

__all__ = ["load_dag", "write_stub"]


def load_dag(dag_file: str) -> DAG:
    """Return the DAG of the graph that lies beside a DAG file."""
    document = read_stub(Path(dag_file).with_suffix(".json"))
    return to_dag(from_json(document["graph"]), document["dag_id"], **document["arguments"])
