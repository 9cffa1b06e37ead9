"""
Encrypting what a registry holds anew, with the first Fernet key.

For after a rotation of Airflow's key (the new one before the old one, behind a comma, until this is done), and for
registries that were written before secrets were encrypted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from airflow_ml.registry.database import in_batches
from airflow_ml.registry.publishing_tables import PipelineDraft
from airflow_ml.registry.schedule_tables import Schedule
from airflow_ml.registry.sealed_json import opened, opened_text, sealed, sealed_parameters, sealed_text
from airflow_ml.registry.sealing import reseal
from airflow_ml.registry.tables import Base, DatasetDefinition, Datastore, Environment, GraphText, Run

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute

    from airflow_ml.registry.database import Scope
    from airflow_ml.registry.registry import Registry

__all__ = ["reseal_registry"]


def reseal_registry(registry: Registry) -> int:
    """
    Encrypt every secret of the workspace anew, and those that are in plain text; return how many rows changed.

    Each batch of rows is a transaction of its own; after a failure, do it again.

    Raises:
        UserErrorException: a secret is encrypted with a key that this process does not have.
    """
    scope = registry._scope
    return sum(_reseal_rows(scope, *kind) for kind in _KINDS)


def _reseal_rows(scope: Scope, table: Any, key: InstrumentedAttribute[Any], change: Callable[[Any, str], bool]) -> int:
    changed = 0
    for keys in in_batches(_keys(scope, table, key)):
        with scope.database.write() as session:
            query = select(table).where(table.workspace_id == scope.workspace_id, key.in_(keys)).with_for_update()
            rows = session.scalars(query).all()
            changed += sum(change(row, f"{table.__tablename__} {getattr(row, key.key)!r}") for row in rows)
    return changed


def _keys(scope: Scope, table: Any, key: InstrumentedAttribute[Any]) -> Iterator[Any]:
    with scope.database.read() as session:
        found = session.scalars(select(key).where(table.workspace_id == scope.workspace_id).distinct()).all()
    yield from found


def _datastore(row: Datastore, where: str) -> bool:
    if row.secret is None:
        return False
    row.secret = reseal(row.secret, where=where)
    return True


def _graph(row: GraphText, where: str) -> bool:
    before, row.body = row.body, sealed_text(opened_text(row.body, where=where))
    return row.body != before


def _definition(row: Environment | DatasetDefinition, where: str) -> bool:
    before, row.definition = row.definition, sealed(opened(row.definition, where=where))
    return bool(row.definition != before)


def _parameters(row: Run, where: str) -> bool:
    before = row.details.get("parameters")
    if not isinstance(before, dict):
        return False
    plain = opened(before, where=where)
    after = sealed_parameters(plain if isinstance(plain, dict) else {})
    if after == before:
        return False
    row.details = {**row.details, "parameters": after}
    return True


def _values(row: PipelineDraft | Schedule, where: str) -> bool:
    before, plain = row.parameters, opened(row.parameters, where=where)
    row.parameters = sealed_parameters(plain if isinstance(plain, dict) else {})
    return bool(row.parameters != before)


_KINDS: tuple[tuple[type[Base], Any, Callable[[Any, str], bool]], ...] = (
    (Datastore, Datastore.name, _datastore),
    (GraphText, GraphText.key, _graph),
    (Environment, Environment.name, _definition),
    (DatasetDefinition, DatasetDefinition.key, _definition),
    (Run, Run.key, _parameters),
    (PipelineDraft, PipelineDraft.key, _values),
    (Schedule, Schedule.key, _values),
)
