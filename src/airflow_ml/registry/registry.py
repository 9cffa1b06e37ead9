"""The registry of one workspace: its repositories side by side."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.registry.artifacts import Artifacts
from airflow_ml.registry.compute_targets import ComputeTargets
from airflow_ml.registry.database import Scope
from airflow_ml.registry.datasets import Datasets
from airflow_ml.registry.datastores import Datastores
from airflow_ml.registry.environments import Environments
from airflow_ml.registry.experiments import Experiments
from airflow_ml.registry.fingerprint_leases import FingerprintLeases
from airflow_ml.registry.home import WorkspaceHome
from airflow_ml.registry.inputs import Inputs
from airflow_ml.registry.metrics import Metrics
from airflow_ml.registry.models import Models
from airflow_ml.registry.outputs import Outputs
from airflow_ml.registry.published_pipelines import PublishedPipelines
from airflow_ml.registry.records import WorkspaceRecord
from airflow_ml.registry.results import Results
from airflow_ml.registry.runs import Runs
from airflow_ml.registry.snapshots import Snapshots
from airflow_ml.registry.workspaces import WorkspaceDetails

if TYPE_CHECKING:
    from airflow_ml.registry import retention
else:
    retention = late("airflow_ml.registry.retention")

__all__ = ["Registry"]


class Registry:
    """
    The open registry of a workspace; `open_registry` makes it.

    Every call is a transaction of its own: a reader sees all of it or nothing, also after a crash. Threads may share
    one, and a forked child may go on using its parent's.

    Attributes:
        workspace: the workspace as it was created.
        home: its folder on this machine.
    """

    def __init__(self, scope: Scope, workspace: WorkspaceRecord, home: WorkspaceHome) -> None:
        self.workspace = workspace
        self.home = home
        self.details = WorkspaceDetails(scope)
        self.artifacts = Artifacts(scope)
        self.compute_targets = ComputeTargets(scope)
        self.datasets = Datasets(scope)
        self.datastores = Datastores(scope)
        self.environments = Environments(scope)
        self.experiments = Experiments(scope)
        self.fingerprint_leases = FingerprintLeases(scope)
        self.inputs = Inputs(scope)
        self.metrics = Metrics(scope)
        self.models = Models(scope)
        self.outputs = Outputs(scope)
        self.published_pipelines = PublishedPipelines(scope)
        self.results = Results(scope)
        self.runs = Runs(scope)
        self.snapshots = Snapshots(scope)
        self._scope = scope
        self._engine = scope.database.engine

    @property
    def retention(self) -> retention.Retention:
        """What is needed of the workspace's files; for those who clear up."""
        return retention.Retention(self._scope)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._engine.dispose()

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # Without a password: this text ends up in logs.
        return f"<Registry {self.workspace.name!r} in {self._engine.url.render_as_string()}>"
