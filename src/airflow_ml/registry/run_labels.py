"""Tags and properties of runs: rows of their own, so that lists can be filtered by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import tables
from airflow_ml.registry.columns import check_name, content_digest
from airflow_ml.registry.database import Scope

__all__ = ["LabelKind", "add_properties", "put_tags", "remove_tags"]

LabelKind = Literal["tag", "property"]


def put_tags(session: Session, scope: Scope, run_key: int, tags: Mapping[str, str]) -> None:
    """Add tags to a run; one that is there gets the new value."""
    scope.database.upsert(session, tables.RunLabel, _rows(scope, run_key, "tag", tags))


def remove_tags(session: Session, run_key: int, names: Iterable[str]) -> None:
    """Remove the tags of these names; those that are not there are passed over."""
    table = tables.RunLabel
    session.execute(delete(table).where(table.run_key == run_key, table.kind == "tag", table.name.in_([*names])))


def add_properties(session: Session, scope: Scope, row: tables.Run, properties: Mapping[str, str]) -> None:
    """
    Add properties to a run.

    Raises:
        UserErrorException: a property is there with another value; properties never change.
    """
    rows = _rows(scope, row.key, "property", properties)
    if not rows:
        return
    table = tables.RunLabel
    session.execute(scope.database.insert(table).on_conflict_do_nothing(), rows)
    query = select(table.name, table.value, table.value_digest).where(
        table.run_key == row.key, table.kind == "property", table.name.in_([*properties])
    )
    wanted = {label["name"]: label["value_digest"] for label in rows}
    for name, value, digest in session.execute(query):
        if wanted.get(name, digest) != digest:
            raise UserErrorException(
                f"run {row.id!r}: property {name!r} is {value!r} and properties never change; use a tag"
            )


def _rows(scope: Scope, run_key: int, kind: LabelKind, labels: Mapping[str, str]) -> list[dict[str, str | int]]:
    return [
        {
            "run_key": run_key,
            "kind": kind,
            "name": check_name(kind, name),
            "workspace_id": scope.workspace_id,
            "value": str(value),
            "value_digest": content_digest(str(value)),
        }
        for name, value in labels.items()
    ]
