"""Recording new runs, race-safe: numbers of root runs, attempts of steps, one record per pipeline run."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import tables
from airflow_ml.registry.database import Scope
from airflow_ml.registry.experiments import ensure_experiment, next_number, refuse_archived
from airflow_ml.registry.graph_texts import save_graph
from airflow_ml.registry.records import RUN_KINDS, RUN_STATUSES, RunOptions
from airflow_ml.registry.run_labels import add_properties, put_tags
from airflow_ml.registry.run_rows import require_run
from airflow_ml.registry.values import check_name, utc_now

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["check_status", "insert_run", "run_values"]

_COLUMNS = frozenset(RunOptions.__annotations__) - {"tags", "properties", "graph_json"}


def check_status(status: str) -> str:
    """
    Return the status if it is one.

    Raises:
        UserErrorException: the word is none of v1's run history.
    """
    if status not in RUN_STATUSES:
        raise UserErrorException(f"run status {status!r}: expected one of {', '.join(RUN_STATUSES)}")
    return status


def insert_run(
    session: Session,
    scope: Scope,
    experiment: str,
    name: str,
    *,
    kind: str,
    parent_id: str | None,
    **options: Unpack[RunOptions],
) -> tables.Run:
    """
    Insert a run with its labels and graph.

    Raises:
        UserErrorException: kind, status, an option, id or attempt is wrong or taken, or the experiment is archived.
        RunNotFoundError: the parent is not there.
    """
    values = run_values(name, kind, options)
    values["workspace_id"] = scope.workspace_id
    values["parent_id"] = parent_id
    row_experiment = ensure_experiment(session, scope, experiment)
    values["experiment_key"] = row_experiment.key
    graph_json = options.get("graph_json")
    values["graph_key"] = None if graph_json is None else save_graph(session, scope, graph_json).key
    if parent_id is None:
        refuse_archived(row_experiment)
        values["root_id"] = values["id"]
        values["number"] = next_number(session, row_experiment.key)
    else:
        # Held, so that two attempts of one node get two numbers.
        values["root_id"] = require_run(session, scope, parent_id, lock=True).root_id
    if kind == "step" and values.get("attempt") is None:
        values["attempt"] = _next_attempt(session, parent_id, values.get("node_id"))
    row = _insert(session, scope, values)
    put_tags(session, scope, row.key, options.get("tags", {}))
    add_properties(session, scope, row, options.get("properties", {}))
    return row


def run_values(name: str, kind: str, options: RunOptions) -> dict[str, Any]:
    """
    Return a new run's columns, as far as its options say them.

    Raises:
        UserErrorException: kind, status, id or an option is wrong.
    """
    unknown = sorted(set(options) - set(RunOptions.__annotations__))
    if unknown:
        raise TypeError(f"run {name!r}: options {unknown!r} are unknown; see RunOptions")
    if kind not in RUN_KINDS:
        raise UserErrorException(f"run {name!r}: kind {kind!r}, expected one of {', '.join(RUN_KINDS)}")
    values: dict[str, Any] = {key: value for key, value in options.items() if key in _COLUMNS}
    values["kind"] = kind
    values["name"] = name
    values["id"] = check_name("run id", values.get("id") or str(uuid.uuid4()))
    values["status"] = check_status(values.get("status") or "NotStarted")
    values["created_at"] = values.get("created_at") or utc_now()
    values["details"] = dict(values.get("details") or {})
    return values


def _insert(session: Session, scope: Scope, values: dict[str, Any]) -> tables.Run:
    statement = scope.database.insert(tables.Run).values(values).on_conflict_do_nothing().returning(tables.Run.key)
    key = session.scalars(statement).one_or_none()
    if key is None:
        raise UserErrorException(
            f"run {values['name']!r}: id {values['id']!r} or attempt {values.get('attempt')!r} of node "
            f"{values.get('node_id')!r} is recorded already; leave them out to get free ones"
        )
    return session.get_one(tables.Run, key)


def _next_attempt(session: Session, parent_id: str | None, node_id: str | None) -> int:
    table = tables.Run
    query = select(func.max(table.attempt)).where(
        table.parent_id == parent_id, table.node_id == node_id, table.kind == "step"
    )
    return (session.scalars(query).one() or 0) + 1
