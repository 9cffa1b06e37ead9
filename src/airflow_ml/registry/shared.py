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

__all__ = ["open_shared"]

_opened: dict[tuple[WorkspaceRef, str | None, str | None], Registry] = {}
_lock = threading.Lock()


def open_shared(ref: WorkspaceRef, *, create: bool = True) -> Registry:
    """
    Return the registry of a workspace, opened once per process; do not close it.

    Args:
        create: make the workspace if it is not there; otherwise that raises WorkspaceException.
    """
    # The two variables decide which database it is, and tests change them.
    key = (ref, os.environ.get("AIRFLOW_ML_HOME"), os.environ.get("AIRFLOW_ML_REGISTRY"))
    with _lock:
        if key not in _opened:
            _opened[key] = open_registry(ref, create=create)
        return _opened[key]
