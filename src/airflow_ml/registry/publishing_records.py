"""What the registry gives out and takes about endpoints, drafts and modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from airflow_ml.graph.model import Json
from airflow_ml.registry.records import ACTIVE

__all__ = [
    "ARCHIVED",
    "DEPRECATED",
    "DraftContent",
    "EndpointRecord",
    "ModuleRecord",
    "ModuleVersionRecord",
    "PipelineDraftRecord",
]

#: v1's words, besides `Active` and `Disabled`.
ARCHIVED, DEPRECATED = "Archived", "Deprecated"


@dataclass(frozen=True)
class EndpointRecord:
    """
    A name in front of published pipelines.

    Attributes:
        status: `Active`, `Disabled` while it takes no runs, or `Archived`.
        default_version: the version that runs when none is named.
        versions: ids of published pipelines by version, in the order of versions.
    """

    id: str
    name: str
    description: str | None
    status: str
    default_version: str
    versions: Mapping[str, str]
    created_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether it takes runs."""
        return self.status == ACTIVE


@dataclass(frozen=True)
class DraftContent:
    """
    What a draft holds and may change.

    Attributes:
        graph_json: the graph, which names snapshots of its code.
        parameters: values of its runs by name, in the form that the graph holds them.
        parents: what it was made from: `pipeline`, `run`, `draft` with an id each.
    """

    name: str
    graph_json: str
    description: str | None = None
    experiment: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    continue_on_step_failure: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PipelineDraftRecord:
    """
    A draft as it is now.

    Attributes:
        last_run_id: the run that was started from it last.
    """

    id: str
    content: DraftContent
    last_run_id: str | None
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True)
class ModuleVersionRecord:
    """
    One version of a module.

    Attributes:
        status: `Active`, `Deprecated` or `Disabled`.
        definition: what the step runs and which ports and parameters it has.
    """

    id: str
    module_id: str
    version: str
    description: str | None
    category: str | None
    status: str
    definition: Mapping[str, Json]
    created_at: datetime


@dataclass(frozen=True)
class ModuleRecord:
    """
    A step that is kept by name.

    Attributes:
        default_version: None until somebody chooses one.
        versions: version and id, in the order in which they were published.
    """

    id: str
    name: str
    description: str | None
    status: str
    default_version: str | None
    versions: Sequence[tuple[str, str]]
    created_at: datetime
