"""
The opened registries of this process.

A registry's engine keeps connections and compiled statements; opening it anew for each use would cost more than most
uses. What is opened here stays open until the process ends, and survives a fork.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from airflow_ml.registry.opening import open_registry

if TYPE_CHECKING:
    from airflow_ml.graph.model import WorkspaceRef
    from airflow_ml.registry.registry import Registry

__all__ = ["close_shared", "open_shared"]

_opened: dict[tuple[WorkspaceRef, str | None, str | None], Registry] = {}
_lock = threading.Lock()


def open_shared(ref: WorkspaceRef, *, create: bool = True) -> Registry:
    """
    Return the registry of a workspace, opened once per process; do not close it.

    Args:
        create: make the workspace if it is not there; otherwise that raises WorkspaceException.
    """
    key = _key(ref)
    with _lock:
        if key not in _opened:
            _opened[key] = open_registry(ref, create=create)
        return _opened[key]


def close_shared(ref: WorkspaceRef) -> None:
    """Close the registry of a workspace that is about to be deleted."""
    with _lock:
        registry = _opened.pop(_key(ref), None)
    if registry is not None:
        registry.close()


def _key(ref: WorkspaceRef) -> tuple[WorkspaceRef, str | None, str | None]:
    # The two variables decide which database it is, and tests change them.
    return ref, os.environ.get("AIRFLOW_ML_HOME"), os.environ.get("AIRFLOW_ML_REGISTRY")
