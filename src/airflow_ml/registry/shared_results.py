"""Runs that share files, because some took the results of others, and what is going on that may need the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_ml.registry.database import in_batches
from airflow_ml.registry.records import FINAL_STATUSES, RUN_STATUSES
from airflow_ml.registry.result_queries import REUSED_RUN
from airflow_ml.registry.tables import Output, RegisteredDataset, Run, RunInput, RunLabel
from airflow_ml.registry.values import content_digest

__all__ = ["OPEN_STATUSES", "Family", "OpenRuns", "families_of", "find_open_runs", "registered_runs"]

OPEN_STATUSES = [status for status in RUN_STATUSES if status not in FINAL_STATUSES]

_BATCH = 500


@dataclass
class Family:
    """A run and those that took its results: they share its files."""

    keys: list[int]
    ids: set[str]
    roots: set[str]
    last_reused_at: datetime | None = None

    def add(self, adopter: Run) -> None:
        """Count a run that took the results."""
        self.keys.append(adopter.key)
        self.ids.add(adopter.id)
        self.roots.add(adopter.root_id)
        self.last_reused_at = max(adopter.created_at, self.last_reused_at or adopter.created_at)


@dataclass(frozen=True)
class OpenRuns:
    """Root runs with something open below them, and the runs whose outputs open runs consume."""

    roots: set[str]
    producers: set[str]

    def is_disjoint(self, family: Family) -> bool:
        """Whether nothing that is open has to do with the files of these runs."""
        return self.roots.isdisjoint(family.roots) and self.producers.isdisjoint(family.ids)


def families_of(session: Session, workspace_id: int, rows: Sequence[Run]) -> dict[str, Family]:
    """Return each run with those that took its results, by its id."""
    families = {row.id: Family([row.key], {row.id}, {row.root_id}) for row in rows}
    by_digest = {content_digest(run_id): family for run_id, family in families.items()}
    for batch in in_batches(by_digest):
        query = (
            select(RunLabel.value_digest, Run)
            .join(Run, Run.key == RunLabel.run_key)
            .where(
                RunLabel.workspace_id == workspace_id,
                RunLabel.kind == "property",
                RunLabel.name == REUSED_RUN,
                RunLabel.value_digest.in_(batch),
            )
            .order_by(Run.key)
        )
        for digest, adopter in session.execute(query):
            by_digest[digest].add(adopter)
    return families


def registered_runs(session: Session, workspace_id: int, run_keys: Sequence[int]) -> set[int]:
    """Return which of the runs have an output that is a version of a registered dataset."""
    found: set[int] = set()
    for start in range(0, len(run_keys), _BATCH):
        query = (
            select(Output.run_key)
            .join(
                RegisteredDataset,
                (RegisteredDataset.name == Output.dataset_name) & (RegisteredDataset.version == Output.dataset_version),
            )
            .where(
                Output.run_key.in_(run_keys[start : start + _BATCH]),
                RegisteredDataset.workspace_id == workspace_id,
                RegisteredDataset.unregistered_at.is_(None),
            )
        )
        found.update(session.scalars(query))
    return found


def find_open_runs(session: Session, workspace_id: int) -> OpenRuns:
    """Return what is open in the workspace now."""
    own = (Run.workspace_id == workspace_id, Run.status.in_(OPEN_STATUSES))
    consumed = select(RunInput.producer_run_id).join(Run, Run.key == RunInput.run_key).where(*own)
    return OpenRuns(
        roots={*session.scalars(select(Run.root_id).where(*own).distinct())},
        producers={producer for producer in session.scalars(consumed) if producer is not None},
    )
