"""Drafts: pipelines that are kept, may change, and are run or published when they are right."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository
from airflow_ml.registry.errors import DraftNotFoundError
from airflow_ml.registry.graph_texts import save_graph
from airflow_ml.registry.publishing_records import DraftContent, PipelineDraftRecord
from airflow_ml.registry.publishing_tables import PipelineDraft
from airflow_ml.registry.sealed_json import opened, opened_text, sealed_parameters
from airflow_ml.registry.tables import GraphText
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["PipelineDrafts"]


class PipelineDrafts(Repository):
    """The drafts of a workspace; names need not be unique."""

    def create(self, content: DraftContent) -> PipelineDraftRecord:
        """Keep a new draft."""
        now = utc_now()
        with self._database.write() as session:
            row = PipelineDraft(id=str(uuid.uuid4()), workspace_id=self._workspace_id, created_at=now, last_run_id=None)
            self._fill(session, row, content)
            session.add(row)
            session.flush()
            return self._record(session, row)

    def get(self, draft_id: str) -> PipelineDraftRecord:
        """
        Return the draft of that id.

        Raises:
            DraftNotFoundError: there is none.
        """
        with self._database.read() as session:
            return self._record(session, self._require(session, draft_id))

    def list(self) -> Sequence[PipelineDraftRecord]:
        """Return the drafts in the order in which they were made."""
        with self._database.read() as session:
            rows = session.scalars(self._own().order_by(PipelineDraft.key)).all()
            return [self._record(session, row) for row in rows]

    def put(self, draft_id: str, content: DraftContent) -> PipelineDraftRecord:
        """
        Replace everything that a draft holds.

        Raises:
            DraftNotFoundError: there is none.
        """
        with self._database.write() as session:
            row = self._require(session, draft_id)
            self._fill(session, row, content)
            return self._record(session, row)

    def set_last_run(self, draft_id: str, run_id: str) -> None:
        """
        Say which run was started from a draft.

        Raises:
            DraftNotFoundError: there is none.
        """
        with self._database.write() as session:
            self._require(session, draft_id).last_run_id = run_id

    def delete(self, draft_id: str) -> None:
        """
        Remove a draft; what was run or published from it stays.

        Raises:
            DraftNotFoundError: there is none.
        """
        with self._database.write() as session:
            row = self._require(session, draft_id)
            session.execute(delete(PipelineDraft).where(PipelineDraft.key == row.key))

    def _fill(self, session: Session, row: PipelineDraft, content: DraftContent) -> None:
        row.name = check_name("pipeline draft", content.name)
        row.description, row.experiment = content.description, content.experiment
        row.graph_key = save_graph(session, self._scope, content.graph_json).key
        row.parameters = sealed_parameters(content.parameters)
        row.continue_on_step_failure = content.continue_on_step_failure
        row.tags, row.properties, row.parents = dict(content.tags), dict(content.properties), dict(content.parents)
        row.modified_at = utc_now()

    def _own(self) -> Select[PipelineDraft]:
        return select(PipelineDraft).where(PipelineDraft.workspace_id == self._workspace_id)

    def _require(self, session: Session, draft_id: str) -> PipelineDraft:
        row = session.scalars(self._own().where(PipelineDraft.id == draft_id)).one_or_none()
        if row is None:
            raise DraftNotFoundError(
                f"workspace {self._scope.workspace_name!r}: pipeline draft {draft_id!r} does not exist;"
                " PipelineDraft.list gives those that do"
            )
        return row

    def _record(self, session: Session, row: PipelineDraft) -> PipelineDraftRecord:
        where = f"pipeline draft {row.id!r}"
        content = DraftContent(
            name=row.name,
            graph_json=opened_text(session.get_one(GraphText, row.graph_key).body, where=where),
            description=row.description,
            experiment=row.experiment,
            parameters=cast("Mapping[str, Json]", opened(row.parameters, where=where)),
            continue_on_step_failure=row.continue_on_step_failure,
            tags=row.tags,
            properties=row.properties,
            parents=row.parents,
        )
        return PipelineDraftRecord(row.id, content, row.last_run_id, row.created_at, row.modified_at)
