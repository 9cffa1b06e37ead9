"""What the execution of steps works with: one workspace's registry and stores, and this machine's launchers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from airflow_ml.compute import EnvironmentBuilder, Launcher, ProcessLauncher
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Home, Registry, open_registry
from airflow_ml.runtime import library
from airflow_ml.storage import Store, open_store

__all__ = ["ARTIFACT_STORE", "Services", "open_services"]

#: Where snapshots, logs and the files of runs go (v1's own name for it).
ARTIFACT_STORE = "workspaceartifactstore"


@dataclass(frozen=True)
class Services:
    """
    One workspace as the execution room sees it; safe for several threads.

    Attributes:
        home: folders of this machine.
    """

    registry: Registry
    home: Home
    launcher: Launcher
    environments: EnvironmentBuilder
    _stores: dict[str, Store] = field(default_factory=dict)

    def store(self, name: str) -> Store:
        """
        Return the store of a datastore.

        Raises:
            UserErrorException: the workspace has no datastore of that name.
        """
        if name not in self._stores:
            record = self.registry.datastores.find(name)
            if record is None:
                known = ", ".join(sorted(item.name for item in self.registry.datastores.list()))
                raise UserErrorException(
                    f"datastore {name!r} is not in workspace {self.registry.workspace.name!r}, which has: {known};"
                    " register it, or correct the name"
                )
            root = self.registry.home.store(name)
            if record.settings.get("kind") == "local":
                root.mkdir(parents=True, exist_ok=True)
            self._stores[name] = open_store(record.settings, root=root)
        return self._stores[name]

    @property
    def artifacts(self) -> Store:
        """The store of snapshots, logs and files of runs."""
        return self.store(ARTIFACT_STORE)

    @property
    def default_datastore(self) -> str:
        """Name of the workspace's default datastore."""
        return self.registry.datastores.default().name

    def run_directory(self, run_id: str) -> Path:
        """Return where a step run's run directory lies while it runs."""
        return self.registry.home.runs / run_id

    def step_library(self) -> Path:
        """Return the folder of the in-step library, which is built when this version of it is first needed."""
        target = self.home.library / library.digest()
        if not target.is_dir():
            library.build(target)
        return target


@contextmanager
def open_services(workspace: WorkspaceRef) -> Iterator[Services]:
    """Open the workspace for executing steps on this machine, and close it at the end."""
    home = Home.default()
    with open_registry(workspace, home=home) as registry:
        yield Services(
            registry=registry,
            home=home,
            launcher=ProcessLauncher(),
            environments=EnvironmentBuilder(home.environments, base_interpreter=sys.executable),
        )
