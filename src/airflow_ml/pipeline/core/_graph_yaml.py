"""
A pipeline's graph as a YAML file: what `PipelineRun.save` and `PublishedPipeline.save` write.

Imported at its first use.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import yaml  # type: ignore[import-untyped]  # its stubs are not installed

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import from_json, to_json

if TYPE_CHECKING:
    from airflow_ml.graph import Graph

__all__ = ["load", "save"]

#: Key of the whole document, as in v1; what stands below it is our graph, because v1 could write modules alone.
_KEY = "pipeline"


def save(graph: Graph, path: str | None, *, name: str = "pipeline") -> None:
    """Write the graph to a file, to `NAME.yml` in a folder, or to that in the current folder (v1's places)."""
    place = Path(path or ".")
    place = place / f"{name.replace('/', '_')}.yml" if place.is_dir() else place
    text = yaml.safe_dump({_KEY: json.loads(to_json(graph))}, sort_keys=False, allow_unicode=True)
    place.write_text(text, encoding="utf-8")


def load(path: str) -> Graph:
    """
    Read a graph that `save` wrote.

    Raises:
        UserErrorException: there is no such file, or it holds something else.
    """
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UserErrorException(f"pipeline file {path!r}: cannot be read: {error}") from error
    if not isinstance(document, dict) or _KEY not in document:
        raise UserErrorException(
            f"pipeline file {path!r}: expected the key {_KEY!r} at its top; write the file by PipelineRun.save"
        )
    return from_json(json.dumps(document[_KEY]))
