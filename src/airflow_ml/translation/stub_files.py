"""
DAG files for graphs that have none of their own: a graph as JSON and a three-line Python file beside it.

The Python file is what Airflow parses; it holds nothing of the graph, so there is no generated source to step through.
Writing them is apart from reading them (`airflow_ml.translation.stubs`), because whoever submits does not import
Airflow.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml.graph import to_json

if TYPE_CHECKING:
    from airflow_ml.graph import Graph

__all__ = ["write_stub"]

_STUB = '''"""A submitted pipeline; its graph lies beside this file."""
from airflow_ml.translation.stubs import load_dag

dag = load_dag(__file__)  # Airflow looks for the words "airflow" and "dag" in a file before it parses it
'''


def write_stub(folder: Path, graph: Graph, dag_id: str, *, experiment: str, **dag_arguments: Any) -> Path:
    """
    Write the DAG file of a graph and return its path; a file that is there with the same content is left alone.

    Several processes may write the same one at once.

    Args:
        dag_arguments: JSON values for `to_dag`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = {"dag_id": dag_id, "arguments": {"experiment": experiment, **dag_arguments}, "graph": to_json(graph)}
    place = folder / f"{dag_id}.py"
    # The graph first: whoever sees the DAG file must find it.
    _write(place.with_suffix(".json"), json.dumps(document))
    _write(place, _STUB)
    return place


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
