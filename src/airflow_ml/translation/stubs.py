"""
DAG folders for graphs that have no DAG file of their own: a graph as JSON and a three-line Python file beside it.

The Python file is what Airflow parses; it holds nothing of the graph, so there is no generated source to step through.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml.graph import from_json, to_json
from airflow_ml.translation.dags import to_dag

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_ml.graph import Graph

__all__ = ["load_dag", "write_stub"]

_STUB = '''"""A submitted pipeline; its graph lies beside this file."""
from airflow_ml.translation.stubs import load_dag

dag = load_dag(__file__)  # Airflow looks for the words "airflow" and "dag" in a file before it parses it
'''


def write_stub(folder: Path, graph: Graph, dag_id: str, *, experiment: str, **dag_arguments: Any) -> Path:
    """
    Write the DAG file of a graph and return its path; a file that is there with the same content is left alone.

    Args:
        dag_arguments: JSON values for `to_dag`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = {"dag_id": dag_id, "arguments": {"experiment": experiment, **dag_arguments}, "graph": to_json(graph)}
    place = folder / f"{dag_id}.py"
    # The graph first: whoever sees the DAG file must find it.
    for path, text in ((place.with_suffix(".json"), json.dumps(document)), (place, _STUB)):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            temporary = path.with_name(f".{path.name}.new")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
    return place


def load_dag(dag_file: str) -> DAG:
    """Return the DAG of the graph that lies beside a stub."""
    document = json.loads(Path(dag_file).with_suffix(".json").read_text(encoding="utf-8"))
    return to_dag(from_json(document["graph"]), document["dag_id"], **document["arguments"])
