"""The JSON of graphs, kept once for all runs and published pipelines that share it."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_ml.registry.database import Scope
from airflow_ml.registry.sealed_json import sealed_text
from airflow_ml.registry.tables import GraphText
from airflow_ml.registry.values import content_digest

__all__ = ["graph_id", "save_graph"]


def save_graph(session: Session, scope: Scope, graph_json: str) -> GraphText:
    """Return the row of that text, which is inserted if it is new, its secrets sealed."""
    digest = content_digest(graph_json)
    values = {"workspace_id": scope.workspace_id, "digest": digest, "body": sealed_text(graph_json)}
    session.execute(scope.database.insert(GraphText).values(values).on_conflict_do_nothing())
    query = select(GraphText).where(GraphText.workspace_id == scope.workspace_id, GraphText.digest == digest)
    return session.scalars(query).one()


def graph_id(row: GraphText) -> str:
    """Return v1's id of a graph, a guid: equal graphs have the same one."""
    return str(uuid.UUID(row.digest[:32]))
