"""Modules: steps that are kept by name, in versions that are named by who publishes them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository
from airflow_ml.registry.errors import NameTakenError, StepModuleNotFoundError
from airflow_ml.registry.publishing_records import ModuleRecord, ModuleVersionRecord
from airflow_ml.registry.publishing_tables import Module, ModuleVersion
from airflow_ml.registry.records import ACTIVE
from airflow_ml.registry.sealed_json import opened, sealed
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["Modules"]


class Modules(Repository):
    """The modules of a workspace; a name is taken once (v1)."""

    def create(self, name: str, description: str | None = None) -> ModuleRecord:
        """
        Make a module without versions.

        Raises:
            NameTakenError: another module is called so.
        """
        with self._database.write() as session:
            self._scope.lock(session)
            self._refuse_taken(session, name)
            now = utc_now()
            row = Module(
                id=str(uuid.uuid4()),
                workspace_id=self._workspace_id,
                name=check_name("module", name),
                description=description,
                status=ACTIVE,
                default_version=None,
                created_at=now,
                modified_at=now,
            )
            session.add(row)
            session.flush()
            return _record(session, row)

    def get(self, module_id: str) -> ModuleRecord:
        """
        Return the module of that id.

        Raises:
            StepModuleNotFoundError: there is none.
        """
        with self._database.read() as session:
            return _record(session, self._require(session, Module.id == module_id, module_id))

    def named(self, name: str) -> ModuleRecord:
        """
        Return the module of that name.

        Raises:
            StepModuleNotFoundError: there is none.
        """
        with self._database.read() as session:
            return _record(session, self._require(session, Module.name == name, name))

    def list(self) -> Sequence[ModuleRecord]:
        """Return the modules in the order in which they were made."""
        with self._database.read() as session:
            return [_record(session, row) for row in session.scalars(self._own().order_by(Module.key)).all()]

    def add_version(
        self,
        module_id: str,
        *,
        definition: Mapping[str, Json],
        version: str | None = None,
        description: str | None = None,
        category: str | None = None,
        is_default: bool = False,
    ) -> ModuleVersionRecord:
        """
        Add a version; without a name it is called by the next free number.

        Raises:
            StepModuleNotFoundError: there is no such module.
            NameTakenError: it has a version of that name.
        """
        with self._changing(module_id) as (session, module):
            known = [name for name, _ in _versions(session, module)]
            chosen = check_name("module version", version) if version is not None else _next_number(known)
            if chosen in known:
                raise NameTakenError(
                    f"module {module.name!r}: version {chosen!r} exists; its versions are {', '.join(known)}; choose"
                    " another name"
                )
            row = ModuleVersion(
                id=str(uuid.uuid4()),
                module_key=module.key,
                version=chosen,
                description=description,
                category=category,
                status=ACTIVE,
                definition=sealed(dict(definition)),
                created_at=utc_now(),
            )
            session.add(row)
            session.flush()
            if is_default:
                module.default_version = chosen
            return _version_record(row, module)

    def version(self, version_id: str) -> ModuleVersionRecord:
        """
        Return the version of that id.

        Raises:
            StepModuleNotFoundError: there is none.
        """
        with self._database.read() as session:
            return _version_record(*self._require_version(session, version_id))

    def set_default(self, module_id: str, version: str) -> ModuleRecord:
        """
        Make a version the one that is used when none is named.

        Args:
            version: its name or its id.

        Raises:
            StepModuleNotFoundError: there is no such module or version.
        """
        with self._changing(module_id) as (session, row):
            found = [name for name, version_id in _versions(session, row) if version in (name, version_id)]
            if not found:
                names = ", ".join(name for name, _ in _versions(session, row))
                raise StepModuleNotFoundError(
                    f"module {row.name!r}: it has no version {version!r}; its versions are {names or '(none)'}"
                )
            row.default_version = found[0]
            return _record(session, row)

    def set_name(self, module_id: str, name: str) -> ModuleRecord:
        """
        Rename it.

        Raises:
            NameTakenError: another module is called so.
        """
        with self._changing(module_id) as (session, row):
            if name != row.name:
                self._refuse_taken(session, name)
            row.name = check_name("module", name)
            return _record(session, row)

    def set_description(self, module_id: str, description: str | None) -> ModuleRecord:
        """Change what is said of it."""
        with self._changing(module_id) as (session, row):
            row.description = description
            return _record(session, row)

    def set_status(self, module_id: str, status: str) -> ModuleRecord:
        """Let it be used, warn who uses it, or let nobody use it."""
        with self._changing(module_id) as (session, row):
            row.status = status
            return _record(session, row)

    def change_version(
        self, version_id: str, *, status: str | None = None, description: str | None = None
    ) -> ModuleVersionRecord:
        """Change what may change of a version; None leaves it."""
        with self._database.write() as session:
            row, module = self._require_version(session, version_id)
            row.status = row.status if status is None else status
            row.description = row.description if description is None else description
            return _version_record(row, module)

    def _own(self) -> Select[Module]:
        return select(Module).where(Module.workspace_id == self._workspace_id)

    @contextmanager
    def _changing(self, module_id: str) -> Iterator[tuple[Session, Module]]:
        with self._database.write() as session:
            self._scope.lock(session)
            row = self._require(session, Module.id == module_id, module_id)
            row.modified_at = utc_now()
            yield session, row

    def _require(self, session: Session, is_meant: ColumnElement[bool], asked: str) -> Module:
        row = session.scalars(self._own().where(is_meant)).one_or_none()
        if row is None:
            raise StepModuleNotFoundError(
                f"workspace {self._scope.workspace_name!r}: module {asked!r} does not exist; create it with"
                " Module.create"
            )
        return row

    def _require_version(self, session: Session, version_id: str) -> tuple[ModuleVersion, Module]:
        query = (
            select(ModuleVersion, Module)
            .join(Module, Module.key == ModuleVersion.module_key)
            .where(Module.workspace_id == self._workspace_id, ModuleVersion.id == version_id)
        )
        found = session.execute(query).one_or_none()
        if found is None:
            raise StepModuleNotFoundError(
                f"workspace {self._scope.workspace_name!r}: module version {version_id!r} does not exist;"
                " Module.get_versions gives those that do"
            )
        return found[0], found[1]

    def _refuse_taken(self, session: Session, name: str) -> None:
        if session.scalars(self._own().where(Module.name == name)).first() is not None:
            raise NameTakenError(
                f"workspace {self._scope.workspace_name!r}: a module {name!r} exists; get it with Module.get and"
                " publish a version, or choose another name"
            )


def _next_number(known: Sequence[str]) -> str:
    return str(max((int(name) for name in known if name.isdecimal()), default=0) + 1)


def _versions(session: Session, row: Module) -> list[tuple[str, str]]:
    query = select(ModuleVersion.version, ModuleVersion.id).where(ModuleVersion.module_key == row.key)
    return [(version, version_id) for version, version_id in session.execute(query.order_by(ModuleVersion.key))]


def _record(session: Session, row: Module) -> ModuleRecord:
    return ModuleRecord(
        row.id, row.name, row.description, row.status, row.default_version, _versions(session, row), row.created_at
    )


def _version_record(row: ModuleVersion, module: Module) -> ModuleVersionRecord:
    where = f"module {module.name!r} version {row.version!r}"
    return ModuleVersionRecord(
        id=row.id,
        module_id=module.id,
        version=row.version,
        description=row.description,
        category=row.category,
        status=row.status,
        definition=cast("Mapping[str, Json]", opened(row.definition, where=where)),
        created_at=row.created_at,
    )
