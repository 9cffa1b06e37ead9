"""The opened registries of this process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from airflow_ml._late import late

if TYPE_CHECKING:
    from airflow_ml import registry
    from airflow_ml.graph.model import WorkspaceRef
else:
    registry = late("airflow_ml.registry")

__all__ = ["open_once"]

_opened: dict[tuple[WorkspaceRef, str | None, str | None], registry.Registry] = {}
_lock = threading.Lock()


def open_once(ref: WorkspaceRef, *, create: bool = True) -> registry.Registry:
    """
    Return the registry of a workspace, opened once per process; what it opens survives a fork.

    Args:
        create: make the workspace if it is not there; otherwise that raises WorkspaceException.
    """
    # The two variables decide which database it is, and tests change them.
    key = (ref, os.environ.get("AIRFLOW_ML_HOME"), os.environ.get("AIRFLOW_ML_REGISTRY"))
    with _lock:
        if key not in _opened:
            _opened[key] = registry.open_registry(ref, create=create)
        return _opened[key]
