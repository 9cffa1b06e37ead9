"""A pipeline run that the world has under way, and how everything was when one of its steps started."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from oracle import Code, Tree

from airflow_ml.execution.model import Airflow
from airflow_ml.graph import Graph
from airflow_ml.registry import RunRecord


@dataclass
class Run:
    """
    A pipeline run that is under way.

    Attributes:
        codes: of the steps, as they were when it was opened.
        taken: by step, the run whose computation its outputs are.
        silent: steps that were adopted and of which Airflow was not told.
        cleared: steps that have completed and start again, because a person wants it.
        died: steps whose process died right after they had completed; Airflow tries them again.
        tries: of each step's task; `cleared_after` is the last one before it was cleared.
    """

    record: RunRecord
    graph: Graph
    codes: dict[str, Code]
    mode: str
    parameter: int
    place: Airflow
    taken: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    died: set[str] = field(default_factory=set)
    tries: Counter[str] = field(default_factory=Counter)
    cleared_after: Counter[str] = field(default_factory=Counter)

    def clear(self, node_id: str) -> None:
        """Clear a step that has completed."""
        self.cleared.add(node_id)
        self.died.discard(node_id)
        self.cleared_after[node_id] = self.tries[node_id]

    def next_try(self, node_id: str) -> Airflow:
        """Return the next try of a step's task."""
        self.tries[node_id] += 1
        return Airflow("d", self.place.dag_run_id, node_id, self.tries[node_id], self.cleared_after[node_id])


@dataclass(frozen=True)
class Moment:
    """How everything was when a step started: which data was the newest, its producers' outputs, known results."""

    data: int
    upstream: list[Tree]
    results: frozenset[str]


def read(place: Path) -> Tree:
    """Return a file or a folder as a tree."""
    if place.is_file():
        return {"": place.read_text()}
    return {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}


def write(path: Path, text: str, *, keeps_times: bool) -> None:
    """Write a file; one that has this text already is left alone."""
    if path.exists() and path.read_text() == text:
        return
    times = path.stat() if keeps_times and path.exists() else None
    path.write_text(text)
    if times is not None:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
