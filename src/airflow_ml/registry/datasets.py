"""Datasets: definitions of data, saved by content and registered in versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import Select, select, update

from airflow_ml.exceptions import DatasetNotFoundError
from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository
from airflow_ml.registry.dataset_versions import make_dataset_record, register_version, save_definition
from airflow_ml.registry.records import DatasetRecord, DatasetRegistration
from airflow_ml.registry.tables import DatasetDefinition, RegisteredDataset
from airflow_ml.registry.values import utc_now

__all__ = ["Datasets", "Version"]

#: A number, the same as text, or "latest".
Version = int | str | Literal["latest"]


class Datasets(Repository):
    """The datasets of a workspace."""

    def save(self, definition: Mapping[str, Json]) -> str:
        """Return the dataset id of the definition; the same one, saved again, has the same id."""
        with self._database.write() as session:
            return save_definition(session, self._scope, definition).id

    def get(self, dataset_id: str) -> DatasetRecord:
        """
        Return the dataset of that id, as its newest name and version if it is registered.

        Raises:
            DatasetNotFoundError: there is none.
        """
        own = (DatasetDefinition.id == dataset_id, DatasetDefinition.workspace_id == self._workspace_id)
        with self._database.read() as session:
            definition = session.scalars(select(DatasetDefinition).where(*own)).one_or_none()
            if definition is None:
                raise DatasetNotFoundError(
                    f"workspace {self._scope.workspace_name!r}: dataset id {dataset_id!r} does not exist; check the id"
                )
            query = select(RegisteredDataset).where(
                RegisteredDataset.workspace_id == self._workspace_id,
                RegisteredDataset.definition_key == definition.key,
                RegisteredDataset.unregistered_at.is_(None),
            )
            newest = query.order_by(RegisteredDataset.created_at.desc(), RegisteredDataset.version.desc()).limit(1)
            return make_dataset_record(definition, session.scalars(newest).one_or_none())

    def register(
        self,
        name: str,
        definition: Mapping[str, Json],
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        create_new_version: bool = False,
        run_id: str | None = None,
    ) -> DatasetRecord:
        """
        Give the definition a name; versions count from 1 and are never given out twice.

        Args:
            run_id: of the run whose script registers it.

        Raises:
            UserErrorException: the latest version of the name is this very definition, or the name is taken and
                `create_new_version` is not set.
        """
        wanted = DatasetRegistration("", name, definition, description, tags or {}, create_new_version)
        with self._database.write() as session:
            return register_version(session, self._scope, wanted, identical_is_fine=False, run_id=run_id)

    def by_name(self, name: str, version: Version = "latest") -> DatasetRecord:
        """
        Return a registered dataset.

        Args:
            name: as registered.
            version: a number, also as text, or "latest".

        Raises:
            DatasetNotFoundError: there is no such name or version.
        """
        query = self._registered().where(RegisteredDataset.name == name).order_by(RegisteredDataset.version.desc())
        with self._database.read() as session:
            rows = session.execute(query).all()
        for definition, registered in rows:
            if str(version) in {"latest", str(registered.version)}:
                return make_dataset_record(definition, registered)
        known = [registered.version for _, registered in reversed(rows)]
        raise DatasetNotFoundError(
            f"workspace {self._scope.workspace_name!r}: dataset {name!r} version {version!r} is not registered, "
            + (f"its versions are {known!r}; choose one of them" if known else "nor is the name; register it first")
        )

    def list(self) -> Sequence[DatasetRecord]:
        """Return the latest version of each registered dataset, by name."""
        latest: dict[str, DatasetRecord] = {}
        with self._database.read() as session:
            query = self._registered().order_by(RegisteredDataset.name, RegisteredDataset.version)
            for definition, registered in session.execute(query):
                latest[registered.name] = make_dataset_record(definition, registered)
        return [*latest.values()]

    def versions(self, name: str) -> Sequence[DatasetRecord]:
        """Return every version of a name, newest first; none if it is not registered."""
        query = self._registered().where(RegisteredDataset.name == name).order_by(RegisteredDataset.version.desc())
        with self._database.read() as session:
            return [make_dataset_record(definition, registered) for definition, registered in session.execute(query)]

    def unregister(self, name: str) -> int:
        """Forget the name with all its versions and return how many they were; saved ids stay valid."""
        own = (RegisteredDataset.workspace_id == self._workspace_id, RegisteredDataset.name == name)
        statement = update(RegisteredDataset).where(*own, RegisteredDataset.unregistered_at.is_(None))
        returning = statement.values(unregistered_at=utc_now()).returning(RegisteredDataset.version)
        with self._database.write() as session:
            return len(session.scalars(returning).all())

    def update(
        self,
        name: str,
        version: Version = "latest",
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> DatasetRecord:
        """
        Replace description or tags of one version and return it; what is None stays.

        Raises:
            DatasetNotFoundError: there is no such name or version.
        """
        found = self.by_name(name, version)
        own = (RegisteredDataset.workspace_id == self._workspace_id, RegisteredDataset.name == name)
        values: dict[str, object] = {}
        if description is not None:
            values["description"] = description
        if tags is not None:
            values["tags"] = dict(tags)
        if values:
            with self._database.write() as session:
                session.execute(
                    update(RegisteredDataset).where(*own, RegisteredDataset.version == found.version).values(values)
                )
        return self.by_name(name, found.version or "latest")

    def _registered(self) -> Select[DatasetDefinition, RegisteredDataset]:
        return (
            select(DatasetDefinition, RegisteredDataset)
            .join(RegisteredDataset, RegisteredDataset.definition_key == DatasetDefinition.key)
            .where(RegisteredDataset.workspace_id == self._workspace_id, RegisteredDataset.unregistered_at.is_(None))
        )
