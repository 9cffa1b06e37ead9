"""Which workspaces a command is about."""

from __future__ import annotations

from pathlib import Path

from airflow_ml.core import Workspace
from airflow_ml.core._config_file import find_config, read_config
from airflow_ml.exceptions import UserErrorException

__all__ = ["choose", "only"]


def choose(name: str | None) -> list[Workspace]:
    """
    Return the workspace of that name; without a name that of the current folder's config.json, or else all.

    Raises:
        WorkspaceException: there is no workspace of that name.
        UserErrorException: there is no workspace at all, or the config.json cannot be read.
    """
    if name is not None:
        return [Workspace.get(name)]
    try:
        file = find_config(str(Path.cwd()), None)
    except UserErrorException:
        return _all()
    return [Workspace.from_ref(read_config(file))]


def _all() -> list[Workspace]:
    found = [workspace for same in Workspace.list(None).values() for workspace in same]
    if not found:
        raise UserErrorException("there is no workspace on this machine; make one with airflow-ml init, or name one")
    return found


def only(name: str | None, command: str) -> Workspace:
    """
    Return the one workspace that a command can be about.

    Raises:
        UserErrorException: there are several to choose from, or none.
    """
    chosen = choose(name)
    if len(chosen) > 1:
        names = ", ".join(workspace.name for workspace in chosen)
        raise UserErrorException(f"{command}: several workspaces are on this machine: {names}; give --workspace")
    return chosen[0]
