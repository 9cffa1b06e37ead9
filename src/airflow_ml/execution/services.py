"""What the execution of steps works with: one workspace's registry and stores, and this machine's launchers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from airflow_ml.compute.docker_launcher import DockerLauncher
from airflow_ml.compute.environments import EnvironmentBuilder
from airflow_ml.compute.launcher import Launcher
from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import WorkspaceRef
from airflow_ml.hashing.shared import stat_cache
from airflow_ml.registry import Home, Registry, open_shared
from airflow_ml.reuse.model import ReuseContext
from airflow_ml.runtime import library
from airflow_ml.storage.protocol import Store

__all__ = ["Services", "open_services"]


@dataclass(frozen=True)
class Services:
    """
    One workspace as the execution room sees it; safe for several threads.

    Attributes:
        home: folders of this machine.
        launcher: of scripts that run as processes of this machine.
        store: gives the store of a datastore's name.
        containers: the launcher of scripts that run in containers (`airflow_ml.execution.launching` chooses).
    """

    registry: Registry
    home: Home
    launcher: Launcher
    environments: EnvironmentBuilder
    store: Stores
    containers: DockerLauncher = field(default_factory=DockerLauncher)

    @property
    def reuse(self) -> ReuseContext:
        """What decisions about reuse are made with."""
        return ReuseContext(
            registry=self.registry,
            store=self.store,
            artifacts=self.artifacts,
            home=self.home,
            digests=stat_cache(self.home),
        )

    @property
    def artifacts(self) -> Store:
        """The store of snapshots, logs and files of runs."""
        return self.store.artifacts

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
    """
    Give what steps of this workspace are executed with on this machine.

    The registry stays open for the next step of this process; what belongs to one use alone is let go at the end.
    """
    home = Home.default()
    registry = open_shared(workspace)
    yield Services(
        registry=registry,
        store=Stores(registry),
        home=home,
        launcher=ProcessLauncher(),
        environments=EnvironmentBuilder(home.environments, base_interpreter=sys.executable),
    )
