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
from airflow_ml.registry.sealed_json import opened_text, sealed_text

if TYPE_CHECKING:
    from airflow_ml.graph import Graph

__all__ = ["read_stub", "write_stub"]

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
    text = to_json(graph)
    document = {"dag_id": dag_id, "arguments": {"experiment": experiment, **dag_arguments}, "graph": text}
    place = folder / f"{dag_id}.py"
    # The graph first: whoever sees the DAG file must find it.
    described = place.with_suffix(".json")
    if not described.exists() or read_stub(described) != document:
        _write(described, json.dumps({**document, "graph": sealed_text(text)}))
    if not place.exists():
        _write(place, _STUB)
    return place


def read_stub(described: Path) -> dict[str, Any]:
    """
    Return what lies beside a DAG file: `dag_id`, `arguments` and `graph`, with its secrets opened.

    Raises:
        UserErrorException: they were encrypted with a key that this process does not have.
    """
    document: dict[str, Any] = json.loads(described.read_text(encoding="utf-8"))
    document["graph"] = opened_text(document["graph"], where=f"file {str(described)!r}")
    return document


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
