"""
Which workspaces one DAG bundle serves, and what a version of it has of each.

A bundle of one workspace takes that workspace's own version numbers. The service of this machine has a bundle for all
workspaces that were used with it: its versions are short digests, and a file per version says which number of each
workspace it stands for. Such files are small and never removed, because old DAG runs may be cleared at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from airflow_ml.exceptions import ServiceException, WorkspaceException
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import open_shared
from airflow_ml.translation.dag_files import write_whole
from airflow_ml.translation.service_files import ServiceFiles

if TYPE_CHECKING:
    from airflow_ml.registry import Home

__all__ = ["DagSource", "DagSources", "FolderSources", "OneSource", "note_workspace", "source_key", "workspaces_folder"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DagSource:
    """
    One workspace of a bundle.

    Attributes:
        key: names the workspace's folder in the bundle.
        versions: where a file per version of the bundle says which of each workspace it has; None where versions of
            the bundle are the workspace's own.
    """

    key: str
    workspace: WorkspaceRef
    versions: Path | None = None

    def number_in(self, version: str) -> int:
        """
        Return which of the workspace's versions a version of the bundle has; 0 is the one before its first DAG.

        Raises:
            ServiceException: the bundle has no such version.
        """
        if self.versions is None:
            return _whole_number(self.workspace, version)
        return _numbers_of(self.versions / version).get(self.key, 0)


class DagSources(Protocol):
    """The workspaces of a bundle."""

    def all(self) -> list[DagSource]:
        """Return the workspaces."""

    def version(self) -> tuple[str, Mapping[str, int]]:
        """Return the newest version, and the number that each workspace has in it, by key."""


@dataclass(frozen=True)
class OneSource:
    """A bundle of one workspace."""

    workspace: WorkspaceRef

    def all(self) -> list[DagSource]:
        """Return it."""
        return [DagSource(source_key(self.workspace), self.workspace)]

    def version(self) -> tuple[str, Mapping[str, int]]:
        """Return the workspace's newest version."""
        number = open_shared(self.workspace, create=False).dag_versions.last_number()
        return str(number), {source_key(self.workspace): number}


class FolderSources:
    """The workspaces that a folder lists, a file for each; see `note_workspace`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions = folder / "versions"
        self._seen: dict[str, int] = {}

    def all(self) -> list[DagSource]:
        """Return the workspaces in the order of their keys."""
        return [
            DagSource(file.stem, WorkspaceRef(**json.loads(file.read_text(encoding="utf-8"))), self._versions)
            for file in sorted(self._folder.glob("*.json"))
        ]

    def version(self) -> tuple[str, Mapping[str, int]]:
        """Return the newest version; a workspace that cannot be read keeps nothing from the others."""
        numbers = {source.key: self._number_of(source) for source in self.all()}
        text = json.dumps(numbers, sort_keys=True)
        version = f"w{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        file = self._versions / version
        if not file.exists():
            write_whole(file, text)
        return version, numbers

    def _number_of(self, source: DagSource) -> int:
        try:
            self._seen[source.key] = open_shared(source.workspace, create=False).dag_versions.last_number()
        except WorkspaceException:  # it was deleted
            return 0
        except ServiceException as error:
            logger.warning("workspace %r: its DAGs are not looked at now: %s", source.workspace.name, error)
        return self._seen.get(source.key, 0)


def source_key(workspace: WorkspaceRef) -> str:
    """Return what names a workspace's folder; workspaces of one name may be in several databases."""
    if workspace.registry_url is None:
        return workspace.name
    return f"{workspace.name}-{hashlib.sha256(workspace.registry_url.encode()).hexdigest()[:8]}"


def workspaces_folder(home: Home) -> Path:
    """Return the folder that lists the workspaces which are used with the service of this machine."""
    return ServiceFiles.of(home).workspaces


def note_workspace(folder: Path, workspace: WorkspaceRef) -> None:
    """Let the service of this machine look after the DAGs of a workspace; costs a look at a file if it does."""
    file = folder / f"{source_key(workspace)}.json"
    if not file.exists():
        write_whole(file, json.dumps({"name": workspace.name, "registry_url": workspace.registry_url}))


def _whole_number(workspace: WorkspaceRef, version: str) -> int:
    if not version.isdecimal():
        raise ServiceException(
            f"workspace {workspace.name!r}: {version!r} is no version of its DAGs, expected a number; the DAG run was"
            " started with another bundle of this name, trigger it anew"
        )
    return int(version)


def _numbers_of(file: Path) -> Mapping[str, int]:
    try:
        numbers: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ServiceException(
            f"version {file.name!r} of the service's DAGs is not known in {str(file.parent)!r} ({error}); the DAG run"
            " was started by another service, trigger it anew"
        ) from error
    return numbers
