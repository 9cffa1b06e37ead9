"""
The hooks of airflow-ml: what other packages can add to it, or decide in its place.

A package implements a hook as a function of its name, marked with `hookimpl`, in a module or on an object that it names
in the entry-point group `airflow_ml`. Built-in answers are plugins like others. The page `docs/hooks.md` shows a whole
package.

For all hooks: an exception of a plugin never ends a run. It is reported with the names of the plugin and of the hook, a
step that it concerns runs, and its result is not offered to later runs where the hook had a part in its identity. A
`ServiceException` says that trying again can help: the task fails, and Airflow's retries apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from typing import BinaryIO

    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.registry import Registry

__all__ = [
    "PROJECT",
    "Record",
    "ReuseAnswer",
    "ReuseQuestion",
    "airflow_ml_check_reuse",
    "airflow_ml_datastore_kinds",
    "airflow_ml_fingerprint_records",
    "airflow_ml_normalise_output",
    "hookimpl",
    "hookspec",
]

#: The name of the hooks' project, of their prefix, and of the entry-point group.
PROJECT = "airflow_ml"

hookspec = pluggy.HookspecMarker(PROJECT)

#: Marks a function of a plugin as an implementation of the hook of its name.
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Record:
    """
    One thing that can change a step's result.

    Attributes:
        tag: what kind of thing, for instance `input`.
        name: which of that kind.
        value: what counts; secrets are in it as digests alone.
        note: for explanations; not part of the identity.
    """

    tag: str
    name: str
    value: Json
    note: Json = None

    def to_data(self) -> list[Json]:
        """Return the record as the registry keeps it."""
        return [self.tag, self.name, self.value] if self.note is None else [self.tag, self.name, self.value, self.note]


@dataclass(frozen=True)
class ReuseQuestion:
    """
    The question whether a step has to run.

    Attributes:
        pipeline_run_id: None for a plan, which starts nothing.
        parameters: values of the pipeline's parameters.
        fingerprint: identity of the result; equal fingerprints mean equal results.
        records: what the fingerprint was made from.
        max_age: in seconds; older results must not be taken.
        rejected: ids of runs whose outputs were found to be deleted or changed; do not name them.
    """

    registry: Registry
    pipeline_run_id: str | None
    graph: Graph
    step: Step
    parameters: Mapping[str, Json]
    fingerprint: str
    records: tuple[Record, ...]
    max_age: float | None = None
    rejected: frozenset[str] = frozenset()

    @property
    def workspace(self) -> str:
        """The name of the workspace."""
        return self.registry.workspace.name


@dataclass(frozen=True)
class ReuseAnswer:
    """
    The run whose result is taken, or why none is; made by `of` and `refused`.

    Attributes:
        ended_at: when that run ended.
        reason: for people; without a full stop.
    """

    run_id: str | None = None
    ended_at: datetime | None = None
    reason: str | None = None

    @classmethod
    def of(cls, run_id: str, *, ended_at: datetime | None = None) -> ReuseAnswer:
        """Take the result of this step run, if it completed and its outputs are still there."""
        return cls(run_id=run_id, ended_at=ended_at)

    @classmethod
    def refused(cls, reason: str) -> ReuseAnswer:
        """Let the step run, for this reason; it is recorded and its result is offered to later runs."""
        return cls(reason=reason)


@hookspec(firstresult=True)
def airflow_ml_check_reuse(question: ReuseQuestion) -> ReuseAnswer | None:
    """
    Say which run's result a step takes.

    Called once per step and decision, in the task `reuse_check`, in the task of a step whose producers ran, and by
    `airflow-ml plan`; not for steps that must run anyway (`allow_reuse=False`, `reuse=off`). The first answer that is
    not None wins; the built-in one (`airflow_ml.reuse.lookup`) comes last and looks into the workspace's results. A
    wrapper (`hookimpl(wrapper=True)`) sees that answer and may replace it. Outputs are verified afterwards; if they
    are gone, the hook is called again with the run among `rejected`. After an exception the step runs.
    """


@hookspec
def airflow_ml_fingerprint_records(
    step: Step, graph: Graph, parameters: Mapping[str, Json]
) -> Iterable[tuple[str, Json]] | None:
    """
    Give more things that can change a step's result, as pairs of name and JSON value.

    Called once per step and fingerprint: before the step starts, and once more before its outputs are committed. What
    every plugin gives counts, under the plugin's name, in whatever order. Give the same pairs on every machine, no
    times and no secrets: the pairs are stored and shown. After an exception the step runs, and its result is not
    offered to later runs.
    """


@hookspec(firstresult=True)
def airflow_ml_normalise_output(normaliser: str, path: str, source: BinaryIO) -> Iterable[bytes] | None:
    """
    Return what a file of an output says, without what differs from run to run although it says the same.

    Called once per file when an output is committed whose declaration names a normaliser, before the file is visible.
    The digest of what is returned, not of the file's bytes, is what later steps are compared by; the file itself stays
    as it is. The first plugin that does not return None wins: look at the normaliser's name and leave the others to
    others, before you read. If no plugin knows the name, or one fails, the step fails.

    Args:
        normaliser: the name that the output's declaration gives.
        path: of the file inside the output, with `/`; the output's name where it is this one file.
        source: open for reading, from its first byte.
    """


@hookspec
def airflow_ml_datastore_kinds() -> Mapping[str, Callable[..., object]] | None:
    """
    Give more kinds of datastores, by the name that stands under `kind` in a datastore's settings.

    Called when a datastore is opened whose kind is not built in. Each value opens a store:
    `opener(settings, context) -> Store`, with the settings as registered and an
    `airflow_ml.storage.factory.StoreContext`; it touches neither disk nor network. What it returns has the methods of
    `airflow_ml.storage.protocol.Store`. Two plugins that give one kind are an error; a built-in kind stays as it is.
    """
