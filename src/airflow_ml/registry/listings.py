"""
Pages of what a workspace holds, for people who look.

Each page reads an index from where the page before ended, so that it costs the same however much there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import and_, case, false, func, literal_column, or_, select
from sqlalchemy.orm import Session, defer

from airflow_ml.registry.database import Repository, in_batches
from airflow_ml.registry.dataset_versions import make_dataset_record
from airflow_ml.registry.graph_texts import graph_id
from airflow_ml.registry.records import DatasetRecord, PublishedPipelineRecord, RunRecord
from airflow_ml.registry.result_queries import REUSED_RUN
from airflow_ml.registry.run_rows import make_run_records
from airflow_ml.registry.tables import (
    DatasetDefinition,
    GraphText,
    PublishedPipeline,
    RegisteredDataset,
    Run,
    RunLabel,
)

__all__ = ["Listings", "StepCount"]


@dataclass(frozen=True)
class StepCount:
    """How many steps a pipeline run has recorded, and how many of them took a result that was there."""

    steps: int = 0
    reused: int = 0


class Listings(Repository):
    """Pages of a workspace's pipelines and datasets."""

    def dags(self, *, after: str = "", limit: int = 25) -> Sequence[str]:
        """Return ids of DAGs that pipelines have run in, by name."""
        with self._database.read() as session:
            return [*self._dags_after(session, after, limit)]

    def pipeline_runs(self, dag_id: str, *, dag_run_id: str | None = None, limit: int = 10) -> Sequence[RunRecord]:
        """Return the newest pipeline runs of a DAG, or of one of its runs, newest first."""
        query = select(Run).where(Run.workspace_id == self._workspace_id, Run.kind == "pipeline", Run.dag_id == dag_id)
        if dag_run_id is not None:
            query = query.where(Run.dag_run_id == dag_run_id)
        with self._database.read() as session:
            return make_run_records(session, session.scalars(query.order_by(Run.key.desc()).limit(limit)).all())

    def step_counts(self, pipeline_run_ids: Iterable[str]) -> Mapping[str, StepCount]:
        """Return the numbers of steps of pipeline runs; a run without steps has none."""
        found: dict[str, StepCount] = {run_id: StepCount() for run_id in pipeline_run_ids}
        is_reused = and_(RunLabel.run_key == Run.key, RunLabel.kind == "property", RunLabel.name == REUSED_RUN)
        query = (
            select(Run.parent_id, func.sum(case((Run.kind == "step", 1), else_=0)), func.count(RunLabel.run_key))
            .join(RunLabel, is_reused, isouter=True)
            # As a sum, which no index has: SQLite would rather walk through all runs of the workspace.
            .where(Run.workspace_id + literal_column("0") == self._workspace_id)
            .group_by(Run.parent_id)
        )
        with self._database.read() as session:
            for batch in in_batches(found):
                for run_id, steps, reused in session.execute(query.where(Run.parent_id.in_(batch))):
                    found[cast("str", run_id)] = StepCount(steps, reused)
        return found

    def published(self, *, before: str | None = None, limit: int = 25) -> Sequence[PublishedPipelineRecord]:
        """
        Return published pipelines, the newest first, those that are disabled too.

        Args:
            before: id of the last one of the page before.
        """
        own = PublishedPipeline.workspace_id == self._workspace_id
        query = (
            select(PublishedPipeline, GraphText)
            .join(GraphText, GraphText.key == PublishedPipeline.graph_key)
            .options(defer(GraphText.body))  # some hundred kilobytes each
            .where(own)
            .order_by(PublishedPipeline.key.desc())
            .limit(limit)
        )
        if before is not None:
            last = select(PublishedPipeline.key).where(own, PublishedPipeline.id == before).scalar_subquery()
            query = query.where(PublishedPipeline.key < last)
        with self._database.read() as session:
            return [_published(row, graph) for row, graph in session.execute(query)]

    def datasets(self, *, after: str = "", limit: int = 50) -> Sequence[DatasetRecord]:
        """Return the latest version of each registered dataset, by name."""
        table = RegisteredDataset
        own = (table.workspace_id == self._workspace_id, table.unregistered_at.is_(None))
        newest = (
            select(table.name, func.max(table.version))
            .where(*own, table.name > after)
            .group_by(table.name)
            .order_by(table.name)
            .limit(limit)
        )
        query = select(DatasetDefinition, table).join(table, table.definition_key == DatasetDefinition.key)
        with self._database.read() as session:
            wanted = [and_(table.name == name, table.version == version) for name, version in session.execute(newest)]
            found = session.execute(query.where(own[0], or_(false(), *wanted)).order_by(table.name)).all()
            return [make_dataset_record(definition, registered) for definition, registered in found]

    def _dags_after(self, session: Session, after: str, limit: int) -> Iterator[str]:
        # A jump of the index for each: DISTINCT would walk through all their runs.
        own = (Run.workspace_id == self._workspace_id, Run.kind == "pipeline")
        for _ in range(limit):
            found = session.scalar(select(func.min(Run.dag_id)).where(*own, Run.dag_id > after))
            if found is None:
                return
            yield found
            after = found


def _published(row: PublishedPipeline, graph: GraphText) -> PublishedPipelineRecord:
    return PublishedPipelineRecord(
        id=row.id,
        name=row.name,
        description=row.description,
        version=row.version,
        status=row.status,
        graph_id=graph_id(graph),
        steps=row.steps,
        continue_on_step_failure=row.continue_on_step_failure,
        created_at=row.created_at,
    )
