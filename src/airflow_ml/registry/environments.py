"""Environments: definitions of what a step's process finds installed, in versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import Select, select

from airflow_ml.exceptions import RunEnvironmentException
from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository
from airflow_ml.registry.records import EnvironmentRecord
from airflow_ml.registry.sealed_json import opened, sealed
from airflow_ml.registry.tables import Environment
from airflow_ml.registry.values import canonical_json, check_name, content_digest, utc_now

__all__ = ["LATEST", "Environments"]

#: The label that v1 keeps for the newest version.
LATEST = "latest"


class Environments(Repository):
    """The environments of a workspace."""

    def register(self, name: str, definition: Mapping[str, Json]) -> EnvironmentRecord:
        """
        Return the version of that definition: a new one, or the one that it has already.

        Either way it is the latest version afterwards.
        """
        check_name("environment", name)
        digest = content_digest(canonical_json(dict(definition)))
        with self._database.write() as session:
            self._scope.lock(session)
            rows = session.scalars(self._named(name)).all()
            row = next((row for row in rows if row.digest == digest), None)
            registration = rows[0].registration + 1 if rows else 1
            if row is None:
                row = Environment(
                    workspace_id=self._workspace_id,
                    name=name,
                    version=max((known.version for known in rows), default=0) + 1,
                    registration=registration,
                    digest=digest,
                    definition=sealed(dict(definition)),
                    created_at=utc_now(),
                )
                session.add(row)
            elif row is not rows[0]:
                row.registration = registration
            return _record(row)

    def get(self, name: str, version: str | None = None) -> EnvironmentRecord:
        """
        Return an environment.

        Args:
            name: as registered.
            version: the latest one if None.

        Raises:
            RunEnvironmentException: there is no such name or version.
        """
        known = self.versions(name)
        for record in known:
            if version is None or record.version == str(version):
                return record
        raise RunEnvironmentException(
            f"workspace {self._scope.workspace_name!r}: environment {name!r} version {version or 'latest'!r} is not "
            f"registered, its versions are {[record.version for record in known]!r}; register it first"
        )

    def labelled(self, name: str, label: str) -> EnvironmentRecord:
        """
        Return the version of a name that carries a label; `latest` is the one registered last, as in v1.

        Raises:
            RunEnvironmentException: no version carries it.
        """
        known = self.versions(name)
        for record in known:
            if label in record.labels or label == LATEST:
                return record
        labels = {record.version: [*record.labels] for record in known if record.labels}
        raise RunEnvironmentException(
            f"workspace {self._scope.workspace_name!r}: no version of environment {name!r} has the label {label!r}; "
            f"labels by version are {labels!r}; set one with Environment.label, or name a version"
        )

    def set_labels(self, name: str, version: str, labels: Sequence[str]) -> None:
        """
        Put labels on a version and take them off the others of its name: a label means one version.

        Raises:
            RunEnvironmentException: there is no such name or version.
        """
        self.get(name, version)
        with self._database.write() as session:
            self._scope.lock(session)
            for row in session.scalars(self._named(name)):
                others = [label for label in row.labels or [] if label not in labels]
                row.labels = [*others, *dict.fromkeys(labels)] if str(row.version) == str(version) else others

    def versions(self, name: str) -> Sequence[EnvironmentRecord]:
        """Return every version of a name, the latest first; none if it is not registered."""
        with self._database.read() as session:
            return [_record(row) for row in session.scalars(self._named(name))]

    def list(self) -> Sequence[EnvironmentRecord]:
        """Return the latest version of each environment, by name."""
        own = Environment.workspace_id == self._workspace_id
        query = select(Environment).where(own).order_by(Environment.name, Environment.registration)
        with self._database.read() as session:
            return [*{row.name: _record(row) for row in session.scalars(query)}.values()]

    def _named(self, name: str) -> Select[Environment]:
        own = (Environment.workspace_id == self._workspace_id, Environment.name == name)
        return select(Environment).where(*own).order_by(Environment.registration.desc())


def _record(row: Environment) -> EnvironmentRecord:
    definition = cast("Mapping[str, Json]", opened(row.definition, where=f"environment {row.name!r}"))
    return EnvironmentRecord(row.name, str(row.version), definition, row.created_at, tuple(row.labels or ()))
