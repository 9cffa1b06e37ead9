"""
SELECTs of runs, newest first.

Each listing reads one index backwards from the cursor and stops after a page, so that it costs the same however many
runs there are. The parts are put together so that both databases choose that index without statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import aliased

from airflow_ml.registry.run_labels import LabelKind
from airflow_ml.registry.tables import Run, RunLabel
from airflow_ml.registry.values import content_digest

__all__ = ["RunFilter", "select_descendants", "select_newest_attempts", "select_newest_of_dag", "select_page"]


@dataclass(frozen=True)
class RunFilter:
    """
    Which runs a listing shows; what is None or empty does not limit it.

    Attributes:
        tags: values that runs must have; a value of None asks for the name alone.
        before: only runs whose sequence is lower.
    """

    workspace_id: int
    experiment_key: int | None = None
    kind: str | None = None
    status: str | None = None
    parent_id: str | None = None
    include_children: bool = False
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    before: int | None = None


def select_page(wanted: RunFilter, limit: int) -> Select[Run]:
    """Return the query for the newest runs that the filter lets pass."""
    labels = [*_label_filters("tag", wanted.tags), *_label_filters("property", wanted.properties)]
    if not labels:
        return select(Run).where(*_run_conditions(wanted)).order_by(Run.key.desc()).limit(limit)
    # A label is the most selective thing that can be asked for, so its index leads and the run is looked up.
    leading, *others = labels
    query = select(Run).join(RunLabel, RunLabel.run_key == Run.key).where(*_label_conditions(RunLabel, leading, wanted))
    if wanted.before is not None:
        query = query.where(RunLabel.run_key < wanted.before)
    for label in others:
        other = aliased(RunLabel)
        conditions = _label_conditions(other, label, wanted)
        query = query.where(exists().where(other.run_key == Run.key, *conditions))
    return query.where(*_run_conditions(wanted)).order_by(RunLabel.run_key.desc()).limit(limit)


def select_newest_attempts(workspace_id: int, pipeline_id: str) -> Select[Run]:
    """Return the query for the last attempt of each node of a pipeline run."""
    newer = aliased(Run)
    is_outdated = exists().where(
        newer.parent_id == Run.parent_id,
        newer.node_id == Run.node_id,
        newer.attempt > Run.attempt,
        newer.kind == "step",
    )
    return (
        select(Run)
        .where(Run.parent_id == pipeline_id, Run.workspace_id == workspace_id, Run.kind == "step", ~is_outdated)
        .order_by(Run.key.desc())
    )


def select_newest_of_dag(workspace_id: int, dag_id: str) -> Select[Run]:
    """Return the query for the last run of each pipeline of a DAG; those without a graph do not count."""
    newest = (
        select(func.max(Run.key))
        .where(
            Run.workspace_id == workspace_id, Run.kind == "pipeline", Run.dag_id == dag_id, Run.graph_key.is_not(None)
        )
        .group_by(Run.group_id)
    )
    return select(Run).where(Run.key.in_(newest)).order_by(Run.key.desc())


def select_descendants(workspace_id: int, run_id: str) -> Select[Run]:
    """Return the query for all runs below a run."""
    below = select(Run.id).where(Run.parent_id == run_id, Run.workspace_id == workspace_id).cte(recursive=True)
    below = below.union_all(select(Run.id).join(below, Run.parent_id == below.c.id))
    return select(Run).where(Run.id.in_(select(below.c.id))).order_by(Run.key.desc())


@dataclass(frozen=True)
class _Label:
    kind: LabelKind
    name: str
    value: str | None


def _label_filters(kind: LabelKind, labels: Mapping[str, str | None]) -> Iterator[_Label]:
    # Names with a value first: they are the more selective ones.
    for name, value in sorted(labels.items(), key=lambda item: item[1] is None):
        yield _Label(kind, name, value)


def _label_conditions(table: type[RunLabel], label: _Label, wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    yield table.workspace_id == wanted.workspace_id
    yield table.kind == label.kind
    yield table.name == label.name
    if label.value is not None:
        yield table.value_digest == content_digest(label.value)


def _run_conditions(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    yield Run.workspace_id == wanted.workspace_id
    if wanted.parent_id is not None:
        yield Run.parent_id == wanted.parent_id
    elif not wanted.include_children:
        yield Run.parent_id.is_(None)
    if wanted.experiment_key is not None:
        yield Run.experiment_key == wanted.experiment_key
    if wanted.kind is not None:
        yield Run.kind == wanted.kind
    if wanted.status is not None:
        yield Run.status == wanted.status
    if wanted.before is not None:
        yield Run.key < wanted.before
