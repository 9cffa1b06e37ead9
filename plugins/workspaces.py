"""The registries of workspaces that a request names."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fastapi import HTTPException, status

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Registry, open_shared
from airflow_ml.registry.known_workspaces import known_workspaces as find_workspaces

__all__ = ["known_workspaces", "opened"]

logger = logging.getLogger(__name__)


@contextmanager
def opened(workspace: str) -> Iterator[Registry]:
    """Give a workspace's registry, and answer for it if that fails."""
    try:
        yield open_shared(WorkspaceRef(workspace), create=False)
    except UserErrorException as error:
        # The text names places of this machine, which is nothing for the reader of a page.
        logger.info("workspace %r was asked for: %s", workspace, error)
        raise HTTPException(
            status.HTTP_404_NOT_FOUND,
            f"workspace {workspace!r} is not known to this Airflow; check the name, or create the workspace first",
        ) from error
    except ServiceException as error:
        logger.warning("workspace %r cannot be read: %s", workspace, error)
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE,
            f"workspace {workspace!r} cannot be read at the moment; try again, the API server's log says why",
        ) from error


def known_workspaces() -> Sequence[str]:
    """Return the names of the workspaces that this Airflow knows; none while they cannot be read."""
    try:
        return find_workspaces()
    except (ServiceException, UserErrorException) as error:
        logger.warning("the workspaces cannot be listed: %s", error)
        return []
