"""Tags and properties of runs: rows of their own, so that lists can be filtered by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import tables
from airflow_ml.registry.database import Scope, in_batches
from airflow_ml.registry.run_rows import run_keys_of
from airflow_ml.registry.values import check_name, content_digest

__all__ = ["LabelKind", "add_properties", "add_property", "label_rows", "put_tags", "remove_tags"]

LabelKind = Literal["tag", "property"]


def put_tags(session: Session, scope: Scope, run_key: int, tags: Mapping[str, str]) -> None:
    """Add tags to a run; one that is there gets the new value."""
    scope.database.upsert(session, tables.RunLabel, label_rows(scope, run_key, "tag", tags))


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
    rows = label_rows(scope, row.key, "property", properties)
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
            raise _changed(row.id, name, value)


def add_property(session: Session, scope: Scope, run_ids: Sequence[str], name: str, value: str) -> None:
    """
    Add one property to many runs.

    Raises:
        RunNotFoundError: a run is not there.
        UserErrorException: a run has the property with another value.
    """
    table = tables.RunLabel
    for batch in in_batches(sorted(set(run_ids))):
        keys = run_keys_of(session, scope, batch)
        rows = [row for key in sorted(keys.values()) for row in label_rows(scope, key, "property", {name: value})]
        session.execute(scope.database.insert(table).on_conflict_do_nothing(), rows)
        query = select(table.run_key, table.value).where(
            table.run_key.in_(keys.values()), table.kind == "property", table.name == name, table.value != str(value)
        )
        other = session.execute(query.limit(1)).one_or_none()
        if other is not None:
            run_id = next(run_id for run_id, key in keys.items() if key == other.run_key)
            raise _changed(run_id, name, other.value)


def _changed(run_id: str, name: str, value: str) -> UserErrorException:
    return UserErrorException(f"run {run_id!r}: property {name!r} is {value!r} and properties never change; use a tag")


def label_rows(scope: Scope, run_key: int, kind: LabelKind, labels: Mapping[str, str]) -> list[dict[str, str | int]]:
    """Return the rows of a run's labels."""
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
