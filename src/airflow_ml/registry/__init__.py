"""
The workspace database: what is registered, what ran, and what came of it.

Names are imported at their first use: whoever needs an error of the registry should not pay for SQLAlchemy.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    from airflow_ml.registry.reuse_records import Adoption, FingerprintLease, NewResult, ResultRecord
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

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Adoption": "reuse_records",
        "ArtifactRecord": "records",
        "ComputeTargetRecord": "records",
        "DatasetRecord": "records",
        "DatasetRegistration": "records",
        "DatastoreRecord": "records",
        "EnvironmentRecord": "records",
        "ExperimentRecord": "records",
        "FINAL_STATUSES": "records",
        "FingerprintLease": "reuse_records",
        "Home": "home",
        "LeaseLostError": "errors",
        "MetricPoint": "records",
        "ModelOptions": "records",
        "ModelRecord": "records",
        "NewResult": "reuse_records",
        "OutputRecord": "records",
        "PipelineOptions": "records",
        "PublishedPipelineNotFoundError": "errors",
        "PublishedPipelineRecord": "records",
        "RUN_KINDS": "records",
        "RUN_STATUSES": "records",
        "Registry": "registry",
        "ResultGoneError": "errors",
        "ResultRecord": "reuse_records",
        "RunInputRecord": "records",
        "RunNotFoundError": "errors",
        "RunOptions": "records",
        "RunRecord": "records",
        "RunStateError": "errors",
        "SnapshotRecord": "records",
        "WorkspaceHome": "home",
        "WorkspaceNotFoundError": "errors",
        "WorkspaceRecord": "records",
        "delete_workspace": "deletion",
        "open_registry": "opening",
        "open_shared": "shared",
    },
    (),
)
