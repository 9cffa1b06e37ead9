"""What the registry gives out and takes: frozen records, times as aware UTC datetimes, ids as guid text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypedDict

from airflow_ml.graph.model import Json

__all__ = [
    "ACTIVE",
    "DISABLED",
    "FINAL_STATUSES",
    "RUN_KINDS",
    "RUN_STATUSES",
    "ArtifactRecord",
    "ComputeTargetRecord",
    "DatasetRecord",
    "DatasetRegistration",
    "DatastoreRecord",
    "EnvironmentRecord",
    "ExperimentRecord",
    "MetricPoint",
    "ModelOptions",
    "ModelRecord",
    "OutputRecord",
    "PipelineOptions",
    "PublishedPipelineRecord",
    "RunInputRecord",
    "RunOptions",
    "RunRecord",
    "SnapshotRecord",
    "WorkspaceRecord",
]

#: The words of v1's run history, in the order of a run's life.
RUN_STATUSES = (
    "NotStarted",
    "Queued",
    "Preparing",
    "Running",
    "Finalizing",
    "CancelRequested",
    "Completed",
    "Failed",
    "Canceled",
)

#: A run of one of these never changes again.
FINAL_STATUSES = frozenset({"Completed", "Failed", "Canceled"})

#: v1's words for a published pipeline that takes runs, and for one that does not.
ACTIVE, DISABLED = "Active", "Disabled"

RUN_KINDS = ("pipeline", "step", "script", "interactive", "child")


@dataclass(frozen=True)
class WorkspaceRecord:
    """The workspace as it was first created."""

    id: str
    name: str
    subscription_id: str | None
    resource_group: str | None
    created_at: datetime


@dataclass(frozen=True)
class ExperimentRecord:
    """A named series of runs; `archived_at` is None for those that are listed by default."""

    id: str
    name: str
    description: str | None
    tags: Mapping[str, str]
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True)
class RunRecord:
    """
    One run.

    A step run is one attempt of one node of a pipeline run: a retry is a record of its own.

    Attributes:
        sequence: rises with each run of the registry; `before=` of a listing takes the last one seen.
        number: counts the root runs of the experiment from 1; None for the others.
        root_id: the topmost parent; the run's own id for a root.
        group_id: the task group that holds the pipeline, "" where the pipeline is the whole DAG; None for runs that
            are not in Airflow.
        target: name of the compute target.
    """

    id: str
    sequence: int
    experiment: str
    experiment_id: str
    kind: str
    name: str
    number: int | None
    parent_id: str | None
    root_id: str
    status: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    display_name: str | None
    description: str | None
    node_id: str | None
    attempt: int | None
    dag_id: str | None
    dag_run_id: str | None
    group_id: str | None
    task_id: str | None
    target: str | None
    snapshot_id: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    error: Mapping[str, Json] | None
    details: Mapping[str, Json]

    @property
    def is_final(self) -> bool:
        """Whether the run has ended, so that the record never changes again."""
        return self.status in FINAL_STATUSES


class PipelineOptions(TypedDict, total=False):
    """
    What may be said of any run when it is recorded; each key is optional.

    `id` is made up unless given. `graph_json` is kept apart from the record and read by `Runs.graph`.
    """

    id: str
    status: str
    created_at: datetime
    started_at: datetime | None
    display_name: str | None
    description: str | None
    target: str | None
    snapshot_id: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    details: Mapping[str, Json]
    graph_json: str | None


class RunOptions(PipelineOptions, total=False):
    """The same, and where the run belongs. `attempt` of a step is the next free one unless given."""

    node_id: str | None
    attempt: int | None
    dag_id: str | None
    dag_run_id: str | None
    group_id: str | None
    task_id: str | None


@dataclass(frozen=True)
class MetricPoint:
    """One logged value; `value` is what JSON can say, and NaN and the infinities."""

    run_id: str
    name: str
    kind: str
    value: Json
    recorded_at: datetime
    step: int | None = None
    description: str | None = None


@dataclass(frozen=True)
class OutputRecord:
    """
    A committed output of a run.

    Attributes:
        digest: of the manifest, which lists path, size and digest of every file.
        files: how many files the output has; `size` is their sum in bytes.
        dataset_name: the dataset that the output was registered as, with `dataset_version`.
        identity: what consumers are compared by; None where it is the digest.
        collected_at: when the files were removed because nobody needed them any more.
    """

    run_id: str
    name: str
    kind: str
    datastore: str
    path: str
    is_file: bool
    digest: str
    manifest_path: str
    files: int
    size: int
    committed_at: datetime
    pipeline_output_name: str | None = None
    dataset_name: str | None = None
    dataset_version: int | None = None
    identity: str | None = None
    collected_at: datetime | None = None


@dataclass(frozen=True)
class DatasetRegistration:
    """Register the run's output `output` as a dataset in the moment in which the run completes."""

    output: str
    name: str
    definition: Mapping[str, Json]
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    create_new_version: bool = True


@dataclass(frozen=True)
class RunInputRecord:
    """
    What a run consumed under one input name.

    Attributes:
        mode: mount, download or direct.
        source: where the data came from: `dataset`, `output` of another run, `data_reference`, or another word;
            `reference` for a dataset that the run's script asked for, whose name here is its address.
        digest: identity of the content, where it was established.
    """

    run_id: str
    name: str
    mode: str
    source: Literal["dataset", "output", "data_reference"] | str
    dataset_id: str | None = None
    dataset_name: str | None = None
    dataset_version: int | None = None
    datastore: str | None = None
    path: str | None = None
    digest: str | None = None
    producer_run_id: str | None = None
    producer_output: str | None = None


@dataclass(frozen=True)
class ArtifactRecord:
    """A file of a run, such as `outputs/model.pkl` or `user_logs/std_log.txt`."""

    run_id: str
    name: str
    datastore: str
    path: str
    size: int


@dataclass(frozen=True)
class DatasetRecord:
    """
    A dataset: `name` and `version` are None for one that was saved without a name.

    Attributes:
        run_id: of the run that has registered this version, if one has.
    """

    id: str
    definition: Mapping[str, Json]
    created_at: datetime
    name: str | None = None
    version: int | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    run_id: str | None = None


@dataclass(frozen=True)
class DatastoreRecord:
    """
    A named place for bytes.

    Attributes:
        settings: what a driver needs to open it, without secrets; for a local folder `root` None means a folder of
            the workspace's home.
        secret: encrypted by whoever put it there; the registry never reads it.
    """

    name: str
    type: str
    settings: Mapping[str, Json]
    created_at: datetime
    is_default: bool = False
    secret: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ComputeTargetRecord:
    """A compute target as it was last put."""

    name: str
    type: str
    settings: Mapping[str, Json]
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True)
class EnvironmentRecord:
    """One version of an environment; versions are text, as in v1."""

    name: str
    version: str
    definition: Mapping[str, Json]
    created_at: datetime
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class PublishedPipelineRecord:
    """
    A pipeline that can be started without the code that built it; `PublishedPipelines.graph` reads its graph.

    Attributes:
        status: `Active`, or `Disabled` while it takes no runs.
        graph_id: a guid; equal graphs have the same one.
        steps: how many steps the graph has.
        continue_on_step_failure: for runs that say nothing else; None means no.
    """

    id: str
    name: str
    description: str | None
    version: str | None
    status: str
    graph_id: str
    steps: int
    continue_on_step_failure: bool | None
    created_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether it takes runs."""
        return self.status == ACTIVE


class ModelOptions(TypedDict, total=False):
    """What may be said of a model when it is registered; each key is optional."""

    run_id: str | None
    description: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    framework: str | None
    framework_version: str | None
    details: Mapping[str, Json]


@dataclass(frozen=True)
class ModelRecord:
    """A registered model: a file or folder on a datastore; `id` is `name:version`."""

    id: str
    name: str
    version: int
    datastore: str
    path: str
    created_at: datetime
    run_id: str | None
    description: str | None
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    framework: str | None
    framework_version: str | None
    details: Mapping[str, Json]


@dataclass(frozen=True)
class SnapshotRecord:
    """
    A source directory that was captured; `id` addresses its content.

    Attributes:
        created_at: when it was captured last.
        source_digest: what fingerprints take of it; None for one that an older version captured.
    """

    id: str
    files: int
    size: int
    created_at: datetime
    source_digest: str | None = None
