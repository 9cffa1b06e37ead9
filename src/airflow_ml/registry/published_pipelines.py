"""Published pipelines: graphs that are started by id, without the code that built them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_ml.registry.database import Repository, in_batches
from airflow_ml.registry.errors import PublishedPipelineNotFoundError
from airflow_ml.registry.graph_texts import graph_id, save_graph
from airflow_ml.registry.records import ACTIVE, DISABLED, PublishedPipelineRecord
from airflow_ml.registry.sealed_json import opened_text
from airflow_ml.registry.tables import GraphText, PublishedPipeline
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["PublishedPipelines"]


class PublishedPipelines(Repository):
    """The published pipelines of a workspace; names need not be unique (v1)."""

    def add(
        self,
        name: str,
        *,
        graph_json: str,
        steps: int,
        description: str | None = None,
        version: str | None = None,
        continue_on_step_failure: bool | None = None,
    ) -> PublishedPipelineRecord:
        """Record a published pipeline, which is active from then on."""
        with self._database.write() as session:
            graph = save_graph(session, self._scope, graph_json)
            row = PublishedPipeline(
                id=str(uuid.uuid4()),
                workspace_id=self._workspace_id,
                name=check_name("published pipeline", name),
                description=description,
                version=version,
                status=ACTIVE,
                graph_key=graph.key,
                steps=steps,
                continue_on_step_failure=continue_on_step_failure,
                created_at=utc_now(),
            )
            session.add(row)
            session.flush()
            return _record(row, graph)

    def get(self, pipeline_id: str) -> PublishedPipelineRecord:
        """
        Return the published pipeline of that id.

        Raises:
            PublishedPipelineNotFoundError: there is none.
        """
        with self._database.read() as session:
            row = self._require(session, pipeline_id)
            return _record(row, session.get_one(GraphText, row.graph_key))

    def many(self, pipeline_ids: Iterable[str]) -> Mapping[str, PublishedPipelineRecord]:
        """Return those of the ids that there are."""
        found: dict[str, PublishedPipelineRecord] = {}
        with self._database.read() as session:
            for batch in in_batches(pipeline_ids):
                query = (
                    select(PublishedPipeline, GraphText)
                    .join(GraphText, GraphText.key == PublishedPipeline.graph_key)
                    .where(PublishedPipeline.workspace_id == self._workspace_id, PublishedPipeline.id.in_(batch))
                )
                found |= {row.id: _record(row, graph) for row, graph in session.execute(query)}
        return found

    def list(self, *, active_only: bool = True) -> Sequence[PublishedPipelineRecord]:
        """Return the published pipelines in the order in which they were published."""
        query = (
            select(PublishedPipeline, GraphText)
            .join(GraphText, GraphText.key == PublishedPipeline.graph_key)
            .where(PublishedPipeline.workspace_id == self._workspace_id)
            .order_by(PublishedPipeline.key)
        )
        if active_only:
            query = query.where(PublishedPipeline.status == ACTIVE)
        with self._database.read() as session:
            return [_record(row, graph) for row, graph in session.execute(query)]

    def graph(self, pipeline_id: str) -> str:
        """
        Return the JSON text of the graph.

        Raises:
            PublishedPipelineNotFoundError: there is no published pipeline of that id.
        """
        with self._database.read() as session:
            text = session.get_one(GraphText, self._require(session, pipeline_id).graph_key).body
        return opened_text(text, where=f"published pipeline {pipeline_id!r}")

    def set_active(self, pipeline_id: str, *, active: bool) -> None:
        """
        Let a published pipeline take runs, or no longer.

        Raises:
            PublishedPipelineNotFoundError: there is no published pipeline of that id.
        """
        with self._database.write() as session:
            self._require(session, pipeline_id).status = ACTIVE if active else DISABLED

    def _require(self, session: Session, pipeline_id: str) -> PublishedPipeline:
        own = (PublishedPipeline.workspace_id == self._workspace_id, PublishedPipeline.id == pipeline_id)
        row = session.scalars(select(PublishedPipeline).where(*own)).one_or_none()
        if row is None:
            raise PublishedPipelineNotFoundError(
                f"workspace {self._scope.workspace_name!r}: published pipeline {pipeline_id!r} does not exist; "
                "PublishedPipeline.list gives those that do"
            )
        return row


def _record(row: PublishedPipeline, graph: GraphText) -> PublishedPipelineRecord:
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
