"""
The files that Airflow parses for the DAGs of a workspace: three lines each that never change, without the graph.

What such a file gives hangs on the version in whose folder it lies (`airflow_ml.translation.bundle`): the graph comes
from the workspace's registry. So a new version costs no file, and a task that reads its DAG reads one row.
"""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.translation.dag_sources import DagSource

__all__ = ["file_name_of", "write_dag_file", "write_whole"]

#: Bytes of a file's name; file systems take 255.
_LONGEST = 200

_TEXT = '''"""A pipeline of workspace {workspace!r}; its graph is in the workspace's registry."""
from airflow_ml.translation.bundle_dags import load_dag

dag = load_dag(__file__, {dag_id!r}, workspace={workspace!r}, registry_url={registry_url!r}, versions={versions!r})
'''


def file_name_of(dag_id: str) -> str:
    """Return the name of a DAG's file: the DAG's id, unless that is too long for a file's name."""
    name = f"{dag_id}.py"
    if len(name.encode()) <= _LONGEST:
        return name
    return f"{dag_id[:40]}-{hashlib.sha256(dag_id.encode()).hexdigest()[:16]}.py"


def write_dag_file(folder: Path, source: DagSource, dag_id: str) -> Path:
    """Write a DAG's file below the folder of its workspace, unless it is there, and return its path."""
    place = folder / source.key / file_name_of(dag_id)
    if not place.exists():
        text = _TEXT.format(
            dag_id=dag_id,
            workspace=source.workspace.name,
            registry_url=source.workspace.registry_url,
            versions=None if source.versions is None else str(source.versions),
        )
        write_whole(place, text)
    return place


def write_whole(file: Path, text: str) -> None:
    """Write a file whole or not at all, into a folder that may have to be made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{uuid.uuid4().hex}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
