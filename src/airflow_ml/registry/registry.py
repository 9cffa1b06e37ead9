"""The registry of one workspace: its repositories side by side."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from airflow_ml._late import late, load

if TYPE_CHECKING:
    from airflow_ml.registry import retention
    from airflow_ml.registry.artifacts import Artifacts
    from airflow_ml.registry.compute_targets import ComputeTargets
    from airflow_ml.registry.dag_versions import DagVersions
    from airflow_ml.registry.database import Scope
    from airflow_ml.registry.datasets import Datasets
    from airflow_ml.registry.datastores import Datastores
    from airflow_ml.registry.environments import Environments
    from airflow_ml.registry.experiments import Experiments
    from airflow_ml.registry.fingerprint_leases import FingerprintLeases
    from airflow_ml.registry.home import WorkspaceHome
    from airflow_ml.registry.inputs import Inputs
    from airflow_ml.registry.listings import Listings
    from airflow_ml.registry.meetings import Meetings
    from airflow_ml.registry.metrics import Metrics
    from airflow_ml.registry.models import Models
    from airflow_ml.registry.modules import Modules
    from airflow_ml.registry.outputs import Outputs
    from airflow_ml.registry.pipeline_drafts import PipelineDrafts
    from airflow_ml.registry.pipeline_endpoints import PipelineEndpoints
    from airflow_ml.registry.published_pipelines import PublishedPipelines
    from airflow_ml.registry.records import WorkspaceRecord
    from airflow_ml.registry.results import Results
    from airflow_ml.registry.runs import Runs
    from airflow_ml.registry.schedule_starts import ScheduleStarts
    from airflow_ml.registry.schedules import Schedules
    from airflow_ml.registry.snapshots import Snapshots
    from airflow_ml.registry.workspaces import WorkspaceDetails
else:
    retention = late("airflow_ml.registry.retention")

__all__ = ["Registry", "preload"]


#: The repositories, by attribute: module and class.
_REPOSITORIES = {
    "artifacts": ("artifacts", "Artifacts"),
    "compute_targets": ("compute_targets", "ComputeTargets"),
    "dag_versions": ("dag_versions", "DagVersions"),
    "datasets": ("datasets", "Datasets"),
    "datastores": ("datastores", "Datastores"),
    "details": ("workspaces", "WorkspaceDetails"),
    "environments": ("environments", "Environments"),
    "experiments": ("experiments", "Experiments"),
    "fingerprint_leases": ("fingerprint_leases", "FingerprintLeases"),
    "inputs": ("inputs", "Inputs"),
    "listings": ("listings", "Listings"),
    "meetings": ("meetings", "Meetings"),
    "metrics": ("metrics", "Metrics"),
    "models": ("models", "Models"),
    "modules": ("modules", "Modules"),
    "outputs": ("outputs", "Outputs"),
    "pipeline_drafts": ("pipeline_drafts", "PipelineDrafts"),
    "pipeline_endpoints": ("pipeline_endpoints", "PipelineEndpoints"),
    "published_pipelines": ("published_pipelines", "PublishedPipelines"),
    "results": ("results", "Results"),
    "runs": ("runs", "Runs"),
    "schedule_starts": ("schedule_starts", "ScheduleStarts"),
    "schedules": ("schedules", "Schedules"),
    "snapshots": ("snapshots", "Snapshots"),
}


class Registry:
    """
    The open registry of a workspace; `open_registry` makes it.

    Every call is a transaction of its own: a reader sees all of it or nothing, also after a crash. Threads may share
    one, and a forked child may go on using its parent's. A repository is imported when it is first asked for.

    Attributes:
        workspace: the workspace as it was created.
        home: its folder on this machine.
    """

    artifacts: Artifacts
    compute_targets: ComputeTargets
    dag_versions: DagVersions
    datasets: Datasets
    datastores: Datastores
    details: WorkspaceDetails
    environments: Environments
    experiments: Experiments
    fingerprint_leases: FingerprintLeases
    inputs: Inputs
    listings: Listings
    meetings: Meetings
    metrics: Metrics
    models: Models
    modules: Modules
    outputs: Outputs
    pipeline_drafts: PipelineDrafts
    pipeline_endpoints: PipelineEndpoints
    published_pipelines: PublishedPipelines
    results: Results
    runs: Runs
    schedule_starts: ScheduleStarts
    schedules: Schedules
    snapshots: Snapshots

    def __init__(self, scope: Scope, workspace: WorkspaceRecord, home: WorkspaceHome) -> None:
        self.workspace = workspace
        self.home = home
        self._scope = scope

    if not TYPE_CHECKING:  # a misspelt name must not pass for a repository

        def __getattr__(self, name: str) -> object:
            if name not in _REPOSITORIES:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            module, repository = _REPOSITORIES[name]
            made = getattr(load(f"airflow_ml.registry.{module}"), repository)(self._scope)
            setattr(self, name, made)
            return made

    @property
    def retention(self) -> retention.Retention:
        """What is needed of the workspace's files; for those who clear up."""
        return retention.Retention(self._scope)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._scope.database.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # Without a password: this text ends up in logs.
        return f"<Registry {self.workspace.name!r} in {self._scope.database.shown}>"


def preload() -> None:
    """Import everything that a registry may need, for a process that others are forked from; nothing is opened."""
    for module, _ in _REPOSITORIES.values():
        load(f"airflow_ml.registry.{module}")
    for module in ("engine", "result_queries", "statements"):
        load(f"airflow_ml.registry.{module}")
    load("sqlalchemy.dialects.sqlite")
    load("sqlalchemy.orm").configure_mappers()
