"""The workspace database: what is registered, what ran, and what came of it."""

from airflow_ml.registry.batch_adoption import Adoption
from airflow_ml.registry.deletion import delete_workspace
from airflow_ml.registry.errors import (
    LeaseLostError,
    PublishedPipelineNotFoundError,
    ResultGoneError,
    RunNotFoundError,
    RunStateError,
    WorkspaceNotFoundError,
)
from airflow_ml.registry.home import Home, WorkspaceHome
from airflow_ml.registry.opening import open_registry
from airflow_ml.registry.records import (
    FINAL_STATUSES,
    RUN_KINDS,
    RUN_STATUSES,
    ArtifactRecord,
    ComputeTargetRecord,
    DatasetRecord,
    DatasetRegistration,
    DatastoreRecord,
    EnvironmentRecord,
    ExperimentRecord,
    MetricPoint,
    ModelOptions,
    ModelRecord,
    OutputRecord,
    PipelineOptions,
    PublishedPipelineRecord,
    RunInputRecord,
    RunOptions,
    RunRecord,
    SnapshotRecord,
    WorkspaceRecord,
)
from airflow_ml.registry.registry import Registry
from airflow_ml.registry.reuse_records import FingerprintLease, NewResult, ResultRecord
from airflow_ml.registry.shared import open_shared

__all__ = [
    "FINAL_STATUSES",
    "RUN_KINDS",
    "RUN_STATUSES",
    "Adoption",
    "ArtifactRecord",
    "ComputeTargetRecord",
    "DatasetRecord",
    "DatasetRegistration",
    "DatastoreRecord",
    "EnvironmentRecord",
    "ExperimentRecord",
    "FingerprintLease",
    "Home",
    "LeaseLostError",
    "MetricPoint",
    "ModelOptions",
    "ModelRecord",
    "NewResult",
    "OutputRecord",
    "PipelineOptions",
    "PublishedPipelineNotFoundError",
    "PublishedPipelineRecord",
    "Registry",
    "ResultGoneError",
    "ResultRecord",
    "RunInputRecord",
    "RunNotFoundError",
    "RunOptions",
    "RunRecord",
    "RunStateError",
    "SnapshotRecord",
    "WorkspaceHome",
    "WorkspaceNotFoundError",
    "WorkspaceRecord",
    "delete_workspace",
    "open_registry",
    "open_shared",
]
