"""Models: registered files and folders, in versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Select, func, select

from airflow_ml.exceptions import ModelNotFoundException, WebserviceException
from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository
from airflow_ml.registry.records import ModelOptions, ModelRecord
from airflow_ml.registry.tables import Model
from airflow_ml.registry.values import check_name, utc_now

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from typing_extensions import Unpack

__all__ = ["Models"]


class Models(Repository):
    """The models of a workspace."""

    def register(self, name: str, *, datastore: str, path: str, **options: Unpack[ModelOptions]) -> ModelRecord:
        """
        Record the next version of a model; versions count from 1 and are never given out twice.

        Args:
            name: of the model.
            datastore: where the model lies.
            path: its file or folder there.
            options: what else is said of it, such as `run_id` and `tags`.
        """
        unknown = sorted(set(options) - set(ModelOptions.__annotations__))
        if unknown:
            raise TypeError(f"model {name!r}: options {unknown!r} are unknown; see ModelOptions")
        check_name("model", name)
        with self._database.write() as session:
            self._scope.lock(session)
            own = (Model.workspace_id == self._workspace_id, Model.name == name)
            last = session.scalars(select(func.max(Model.version)).where(*own)).one()
            row = Model(
                workspace_id=self._workspace_id,
                name=name,
                version=(last or 0) + 1,
                datastore=datastore,
                path=path,
                run_id=options.get("run_id"),
                description=options.get("description"),
                tags=_texts(options.get("tags") or {}),
                properties=_texts(options.get("properties") or {}),
                framework=options.get("framework"),
                framework_version=options.get("framework_version"),
                details=dict(options.get("details") or {}),
                created_at=utc_now(),
            )
            session.add(row)
            session.flush()
            return _record(row)

    def get(self, name: str, version: int | None = None) -> ModelRecord:
        """
        Return a model.

        Args:
            name: as registered.
            version: the latest one if None.

        Raises:
            ModelNotFoundException: there is no such name or version.
        """
        with self._database.read() as session:
            return _record(self._require(session, name, version))

    def list(
        self,
        *,
        name: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        properties: Mapping[str, str | None] | None = None,
        run_id: str | None = None,
        latest: bool = False,
    ) -> Sequence[ModelRecord]:
        """
        Return models, newest first.

        Args:
            name: only versions of this model.
            tags: values that the models must have; a value of None asks for the name alone.
            properties: the same for properties.
            run_id: only models of this run.
            latest: only the latest version of each name, before the other filters are asked.
        """
        query = self._present()
        if name is not None:
            query = query.where(Model.name == name)
        query = query.order_by(Model.created_at.desc(), Model.version.desc())
        with self._database.read() as session:
            records = [_record(row) for row in session.scalars(query)]
        if latest:
            newest = {record.name: record.version for record in sorted(records, key=lambda record: record.version)}
            records = [record for record in records if record.version == newest[record.name]]
        return [
            record
            for record in records
            if _has(record.tags, tags)
            and _has(record.properties, properties)
            and (run_id is None or record.run_id == run_id)
        ]

    def set_tags(self, name: str, version: int, tags: Mapping[str, str]) -> ModelRecord:
        """Replace the tags of one version, so that tags can be taken away too."""
        with self._database.write() as session:
            row = self._require(session, name, version)
            row.tags = _texts(tags)
            return _record(row)

    def add_properties(self, name: str, version: int, properties: Mapping[str, str]) -> ModelRecord:
        """
        Add properties to one version.

        Raises:
            WebserviceException: one is there with another value; properties never change (v1 rule).
        """
        with self._database.write() as session:
            self._scope.lock(session)
            row = self._require(session, name, version)
            added = _texts(properties)
            for key, value in added.items():
                if row.properties.get(key, value) != value:
                    raise WebserviceException(
                        f"model '{name}:{version}': property {key!r} is {row.properties[key]!r} and cannot become"
                        f" {value!r}; use a tag for what changes"
                    )
            row.properties = {**row.properties, **added}
            return _record(row)

    def set_description(self, name: str, version: int, description: str | None) -> ModelRecord:
        """Replace what is said of one version."""
        with self._database.write() as session:
            row = self._require(session, name, version)
            row.description = description
            return _record(row)

    def set_details(self, name: str, version: int, details: Mapping[str, Json]) -> ModelRecord:
        """Replace the named details of one version; the others stay."""
        with self._database.write() as session:
            self._scope.lock(session)
            row = self._require(session, name, version)
            row.details = {**row.details, **details}
            return _record(row)

    def remove(self, name: str, version: int) -> None:
        """Forget one version; its bytes stay where they are, and its number is not given out again."""
        with self._database.write() as session:
            self._require(session, name, version).removed_at = utc_now()

    def _present(self) -> Select[Model]:
        return select(Model).where(Model.workspace_id == self._workspace_id, Model.removed_at.is_(None))

    def _require(self, session: Session, name: str, version: int | None) -> Model:
        rows = session.scalars(self._present().where(Model.name == name).order_by(Model.version.desc())).all()
        for row in rows:
            if version is None or row.version == int(version):
                return row
        raise ModelNotFoundException(
            f"ModelNotFound: workspace {self._scope.workspace_name!r} has no model {name!r} version "
            f"{version or 'latest'!r}, its versions are {[row.version for row in rows]!r}; register it first"
        )


def _texts(labels: Mapping[str, object]) -> dict[str, str]:
    """Return labels as text, which v1's service makes of numbers; so they can be asked for as text."""
    return {name: "" if value is None else str(value) for name, value in labels.items()}


def _has(labels: Mapping[str, str], wanted: Mapping[str, str | None] | None) -> bool:
    return all(name in labels and value in {None, labels[name]} for name, value in (wanted or {}).items())


def _record(row: Model) -> ModelRecord:
    return ModelRecord(
        id=f"{row.name}:{row.version}",
        name=row.name,
        version=row.version,
        datastore=row.datastore,
        path=row.path,
        created_at=row.created_at,
        run_id=row.run_id,
        description=row.description,
        tags=row.tags,
        properties=row.properties,
        framework=row.framework,
        framework_version=row.framework_version,
        details=row.details,
    )
