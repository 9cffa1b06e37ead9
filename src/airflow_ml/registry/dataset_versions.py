"""Versions of dataset names, numbered inside the transaction of whoever calls."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import Json
from airflow_ml.registry import sealed_json, tables
from airflow_ml.registry.database import Scope
from airflow_ml.registry.records import DatasetRecord, DatasetRegistration
from airflow_ml.registry.values import canonical_json, check_name, content_digest, utc_now

__all__ = ["make_dataset_record", "register_version", "save_definition"]


def save_definition(session: Session, scope: Scope, definition: Mapping[str, Json]) -> tables.DatasetDefinition:
    """Return the definition's row; equal definitions share one, and so one dataset id."""
    table = tables.DatasetDefinition
    digest = content_digest(canonical_json(dict(definition)))
    values = {
        "id": str(uuid.uuid4()),
        "workspace_id": scope.workspace_id,
        "digest": digest,
        "definition": sealed_json.sealed(dict(definition)),
        "created_at": utc_now(),
    }
    session.execute(scope.database.insert(table).values(values).on_conflict_do_nothing())
    query = select(table).where(table.workspace_id == scope.workspace_id, table.digest == digest)
    return session.scalars(query).one()


def register_version(
    session: Session,
    scope: Scope,
    wanted: DatasetRegistration,
    *,
    identical_is_fine: bool,
    run_id: str | None = None,
) -> DatasetRecord:
    """
    Register the next version of a dataset's name.

    Args:
        identical_is_fine: return the latest version if its definition is the same one, instead of raising.
        run_id: of the run that registers it, if one does.

    Raises:
        UserErrorException: the name is taken and no new version is wanted, or the latest version is the same.
    """
    check_name("dataset", wanted.name)
    scope.lock(session)
    definition = save_definition(session, scope, wanted.definition)
    table = tables.RegisteredDataset
    named = (table.workspace_id == scope.workspace_id, table.name == wanted.name)
    last = session.scalars(select(table).where(*named).order_by(table.version.desc()).limit(1)).one_or_none()
    if last is not None and last.unregistered_at is None:
        if last.definition_key == definition.key and identical_is_fine:
            return make_dataset_record(definition, last)
        _check_next(last, definition, wanted)
    row = table(
        workspace_id=scope.workspace_id,
        name=wanted.name,
        version=last.version + 1 if last else 1,
        definition_key=definition.key,
        description=wanted.description,
        tags=dict(wanted.tags),
        created_at=utc_now(),
        run_id=run_id,
    )
    session.add(row)
    session.flush()
    return make_dataset_record(definition, row)


def _check_next(
    last: tables.RegisteredDataset, definition: tables.DatasetDefinition, wanted: DatasetRegistration
) -> None:
    if last.definition_key == definition.key:
        raise UserErrorException(
            f"dataset {wanted.name!r}: an identical dataset is registered as version {last.version}; get it with "
            f"Dataset.get_by_name(workspace, name={wanted.name!r}, version={last.version})"
        )
    if not wanted.create_new_version:
        raise UserErrorException(
            f"dataset {wanted.name!r}: the name is registered, its latest version is {last.version}; pass "
            "create_new_version=True to register a new version"
        )


def make_dataset_record(
    definition: tables.DatasetDefinition, registered: tables.RegisteredDataset | None = None
) -> DatasetRecord:
    """Return the record of a definition, with name and version if it is registered."""
    opened = sealed_json.opened(definition.definition, where=f"dataset {definition.id!r}")
    plain = cast("Mapping[str, Json]", opened)
    if registered is None:
        return DatasetRecord(definition.id, plain, definition.created_at)
    return DatasetRecord(
        id=definition.id,
        definition=plain,
        created_at=registered.created_at,
        name=registered.name,
        version=registered.version,
        description=registered.description,
        tags=registered.tags,
        run_id=registered.run_id,
    )
