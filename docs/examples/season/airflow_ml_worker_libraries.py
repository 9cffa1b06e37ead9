"""
Count the worker's own libraries for steps that run with them.

A step without an environment runs in the worker's interpreter, whose packages are no part of a step's identity. This
plugin makes two of them a part of it, so that an upgrade of the workers makes such steps run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from airflow_ml.hookspecs import hookimpl

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, Step

_LIBRARIES = ("numpy", "pandas")


@hookimpl
def airflow_ml_fingerprint_records(
    step: Step, graph: Graph, parameters: Mapping[str, Json]
) -> Iterator[tuple[str, Json]]:
    """Give the version of each library."""
    del graph, parameters  # pluggy hands over what an implementation names; these could be left out
    if step.environment is None:
        for library in _LIBRARIES:
            yield library, version(library)
