"""
Every message of the step protocol as a type; see `protocol` for how they travel.

Inside a step these types are read by type checkers only, so that no script pays for importing typing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, TypedDict

if TYPE_CHECKING:
    from typing import Literal, NotRequired

__all__ = [
    "ComputeRecord",
    "ContextData",
    "DatasetRecord",
    "DatastoreRecord",
    "Definition",
    "Event",
    "ExperimentRecord",
    "InputData",
    "ModelRecord",
    "OutputData",
    "OutputRecord",
    "RunIdentity",
    "RunRecord",
    "StagedDataset",
    "WorkspaceRecord",
]

#: A dataset as data: kind, sources, how files are parsed, and the steps on top.
Definition = Dict[str, Any]


class RunIdentity(TypedDict):
    """Which run this is: one attempt of one step, or a script's own. `number` counts the runs of an experiment."""

    id: str
    name: str
    number: int | None
    experiment: str
    experiment_id: str | None
    parent_id: str | None
    root_id: str | None
    attempt: int
    kind: NotRequired[str]
    display_name: NotRequired[str | None]
    description: NotRequired[str | None]


class DatasetRecord(TypedDict):
    """A saved dataset; `name` and `version` are null for one that is not registered."""

    id: str | None
    name: str | None
    version: int | None
    definition: Definition
    description: NotRequired[str | None]
    tags: NotRequired[dict[str, str]]


class InputData(TypedDict):
    """One input: mount and download have a path, direct has a dataset."""

    mode: Literal["mount", "download", "direct"]
    kind: Literal["file", "tabular", "path"]
    path: NotRequired[str | None]
    dataset: DatasetRecord | None


class OutputData(TypedDict):
    """One declared output and the path at which the script writes it."""

    kind: Literal["pipeline_data", "file_dataset"]
    path: str


class WorkspaceRecord(TypedDict):
    """The workspace's identity (in the context), and what `workspace.get` adds to it."""

    name: str
    subscription_id: str | None
    resource_group: str | None
    id: str | None
    location: NotRequired[str | None]
    tags: NotRequired[dict[str, str]]


class ContextData(TypedDict):
    """The whole of `context.json`."""

    protocol: int
    run: RunIdentity
    workspace: WorkspaceRecord
    parameters: dict[str, str]
    inputs: dict[str, InputData]
    outputs: dict[str, OutputData]
    tags: dict[str, str]
    properties: dict[str, str]


class Event(TypedDict, total=False):
    """
    One line of `events.jsonl`.

    `v`, `time` (Unix seconds), `run` (the run it is about: this step, its parent or a child) and `event` are always
    there. Then, by event:

    - metric: `kind`, `name`, `value`, `step`, `description`
    - tag and property: `key`, `value`; remove_tags: `keys`
    - file: `name` of the artifact, `path` relative to the run directory
    - child: `id`, `name` of a run that `run` has created; it is running until its status says otherwise
    - status: `status` (Completed, Failed, Canceled) and `error` of a child run; or CancelRequested, of the pipeline's
      run too
    - description and display_name: `value`
    - closed: nothing; the interpreter that opened the run has ended on its own
    """

    v: int
    time: float
    run: str
    event: str
    kind: str
    name: str | None
    value: Any
    step: int | None
    description: str | None
    key: str
    keys: List[str]
    path: str
    id: str
    status: str
    error: str | None


class StagedDataset(TypedDict):
    """Result of `dataset.stage`: files relative to root, in the dataset's order, its file steps already applied."""

    root: str
    files: list[str]
    definition: Definition


class ModelRecord(TypedDict):
    """Result of `model.get` and `model.register`; `model.list` gives a list of them."""

    id: str
    name: str
    version: int
    description: NotRequired[str | None]
    tags: NotRequired[dict[str, str]]
    properties: NotRequired[dict[str, str]]
    framework: NotRequired[str | None]
    framework_version: NotRequired[str | None]
    run_id: NotRequired[str | None]
    created_at: NotRequired[str]
    datasets: NotRequired[list[list[str]]]


class OutputRecord(TypedDict):
    """One element of `run.outputs`' result: a committed output of a step's run."""

    name: str
    datastore: str
    path: str
    is_file: bool
    pipeline_output_name: str | None


class DatastoreRecord(TypedDict):
    """One element of `datastore.list`'s result."""

    name: str
    type: str
    is_default: bool


class ComputeRecord(TypedDict):
    """One element of `compute.list`'s result."""

    name: str
    type: str
    vm_size: str | None


class ExperimentRecord(TypedDict):
    """Result of `experiment.get`; `experiment.list` gives a list, archived ones included."""

    id: str
    name: str
    tags: dict[str, str]
    archived_at: str | None


class RunRecord(TypedDict):
    """
    Result of `run.get`; `run.children` and `run.list` give lists, newest first. Times are ISO 8601 text in UTC.

    `run.list` gives a page; the `sequence` of its last run, as `before`, asks for the next one.
    """

    id: str
    name: str | None
    number: int | None
    experiment: str
    parent_id: str | None
    kind: str
    status: str
    tags: dict[str, str]
    properties: dict[str, str]
    sequence: NotRequired[int]
    node_id: NotRequired[str | None]
    target: NotRequired[str | None]
    started_at: NotRequired[str | None]
    ended_at: NotRequired[str | None]
    error: NotRequired[dict[str, Any] | None]
    display_name: NotRequired[str | None]
    description: NotRequired[str | None]
