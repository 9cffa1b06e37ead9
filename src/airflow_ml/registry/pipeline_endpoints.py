"""Endpoints: names in front of published pipelines, with versions."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from airflow_ml.registry.database import Repository
from airflow_ml.registry.errors import EndpointNotFoundError, NameTakenError, PublishedPipelineNotFoundError
from airflow_ml.registry.publishing_records import ARCHIVED, EndpointRecord
from airflow_ml.registry.publishing_tables import EndpointVersion, PipelineEndpoint
from airflow_ml.registry.records import ACTIVE, DISABLED
from airflow_ml.registry.tables import PublishedPipeline
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["PipelineEndpoints"]

#: As many values as a query's IN takes everywhere.
_BATCH = 500


class PipelineEndpoints(Repository):
    """The endpoints of a workspace; a name is taken once (v1), versions are numbered from 0."""

    def create(self, name: str, *, pipeline_id: str, description: str | None = None) -> EndpointRecord:
        """
        Make an endpoint whose version 0, its default, is that published pipeline.

        Raises:
            NameTakenError: another endpoint is called so.
            PublishedPipelineNotFoundError: there is no such published pipeline.
        """
        with self._database.write() as session:
            self._scope.lock(session)
            self._refuse_taken(session, name)
            now = utc_now()
            row = PipelineEndpoint(
                id=str(uuid.uuid4()),
                workspace_id=self._workspace_id,
                name=check_name("pipeline endpoint", name),
                description=description,
                status=ACTIVE,
                default_version=0,
                created_at=now,
                modified_at=now,
            )
            session.add(row)
            session.flush()
            session.add(
                EndpointVersion(endpoint_key=row.key, version=0, pipeline_key=self._pipeline_key(session, pipeline_id))
            )
            session.flush()
            return self._record(session, row)

    def get(self, endpoint_id: str) -> EndpointRecord:
        """
        Return the endpoint of that id.

        Raises:
            EndpointNotFoundError: there is none.
        """
        with self._database.read() as session:
            return self._record(session, self._require(session, endpoint_id))

    def named(self, name: str) -> EndpointRecord:
        """
        Return the endpoint of that name; archived ones have given theirs up.

        Raises:
            EndpointNotFoundError: there is none.
        """
        record = self.find(name)
        if record is None:
            raise self._missing(name)
        return record

    def list(self, *, active_only: bool = True, limit: int | None = None) -> Sequence[EndpointRecord]:
        """Return the endpoints in the order in which they were made, at most so many."""
        query = self._own().order_by(PipelineEndpoint.key).limit(limit)
        if active_only:
            query = query.where(PipelineEndpoint.status == ACTIVE)
        with self._database.read() as session:
            rows = session.scalars(query).all()
            versions = self._versions_of(session, [row.key for row in rows])
            return [_record(row, versions[row.key]) for row in rows]

    def find(self, name: str) -> EndpointRecord | None:
        """Return the endpoint of that name, or None."""
        with self._database.read() as session:
            row = session.scalars(self._own().where(PipelineEndpoint.name == name)).one_or_none()
            return None if row is None else self._record(session, row)

    def add(self, endpoint_id: str, pipeline_id: str, *, is_default: bool = False) -> EndpointRecord:
        """
        Make a published pipeline the next version.

        Raises:
            EndpointNotFoundError, PublishedPipelineNotFoundError: one of them is not there.
            NameTakenError: the published pipeline is a version already (a ValueError in v1 too).
        """
        with self._changing(endpoint_id) as (session, row):
            versions = self._versions(session, row)
            if pipeline_id in versions.values():
                (version,) = (number for number, known in versions.items() if known == pipeline_id)
                raise NameTakenError(
                    f"pipeline endpoint {row.name!r}: published pipeline {pipeline_id!r} is its version {version!r}"
                    " already; use set_default to make that version the default"
                )
            number = max(int(version) for version in versions) + 1
            key = self._pipeline_key(session, pipeline_id)
            session.add(EndpointVersion(endpoint_key=row.key, version=number, pipeline_key=key))
            if is_default:
                row.default_version = number
            session.flush()
            return self._record(session, row)

    def set_default(self, endpoint_id: str, version: str) -> EndpointRecord:
        """
        Make a version the one that runs when none is named.

        Raises:
            EndpointNotFoundError: there is no such endpoint, or no such version of it.
        """
        with self._changing(endpoint_id) as (session, row):
            versions = self._versions(session, row)
            if version not in versions:
                raise EndpointNotFoundError(
                    f"pipeline endpoint {row.name!r}: it has no version {version!r}; its versions are"
                    f" {', '.join(versions)}"
                )
            row.default_version = int(version)
            return self._record(session, row)

    def set_name(self, endpoint_id: str, name: str) -> EndpointRecord:
        """
        Rename it.

        Raises:
            NameTakenError: another endpoint is called so.
        """
        with self._changing(endpoint_id) as (session, row):
            if name != row.name:
                self._refuse_taken(session, name)
            row.name = check_name("pipeline endpoint", name)
            return self._record(session, row)

    def set_active(self, endpoint_id: str, *, active: bool) -> EndpointRecord:
        """Let it take runs, or no longer."""
        with self._changing(endpoint_id) as (session, row):
            row.status = ACTIVE if active else DISABLED
            return self._record(session, row)

    def archive(self, endpoint_id: str) -> EndpointRecord:
        """Let it take no runs and give its name up, which becomes one that nobody else has (v1 renames it too)."""
        with self._changing(endpoint_id) as (session, row):
            if row.status != ARCHIVED:
                row.name, row.status = f"{row.name} (archived {row.id})", ARCHIVED
            return self._record(session, row)

    def reactivate(self, endpoint_id: str, name: str) -> EndpointRecord:
        """
        Undo `archive`, under that name.

        Raises:
            NameTakenError: another endpoint is called so.
        """
        with self._changing(endpoint_id) as (session, row):
            if name != row.name:
                self._refuse_taken(session, name)
            row.name, row.status = check_name("pipeline endpoint", name), ACTIVE
            return self._record(session, row)

    def _own(self) -> Select[PipelineEndpoint]:
        return select(PipelineEndpoint).where(PipelineEndpoint.workspace_id == self._workspace_id)

    @contextmanager
    def _changing(self, endpoint_id: str) -> Iterator[tuple[Session, PipelineEndpoint]]:
        with self._database.write() as session:
            self._scope.lock(session)
            row = self._require(session, endpoint_id)
            row.modified_at = utc_now()
            yield session, row

    def _require(self, session: Session, endpoint_id: str) -> PipelineEndpoint:
        row = session.scalars(self._own().where(PipelineEndpoint.id == endpoint_id)).one_or_none()
        if row is None:
            raise self._missing(endpoint_id)
        return row

    def _missing(self, asked: str) -> EndpointNotFoundError:
        return EndpointNotFoundError(
            f"workspace {self._scope.workspace_name!r}: pipeline endpoint {asked!r} does not exist;"
            " PipelineEndpoint.list gives those that do"
        )

    def _refuse_taken(self, session: Session, name: str) -> None:
        if session.scalars(self._own().where(PipelineEndpoint.name == name)).first() is not None:
            raise NameTakenError(
                f"workspace {self._scope.workspace_name!r}: a pipeline endpoint {name!r} exists; add a version to it"
                " (PipelineEndpoint.get and add_default), or choose another name"
            )

    def _pipeline_key(self, session: Session, pipeline_id: str) -> int:
        own = (PublishedPipeline.workspace_id == self._workspace_id, PublishedPipeline.id == pipeline_id)
        key = session.scalars(select(PublishedPipeline.key).where(*own)).one_or_none()
        if key is None:
            raise PublishedPipelineNotFoundError(
                f"workspace {self._scope.workspace_name!r}: published pipeline {pipeline_id!r} does not exist; an"
                " endpoint takes published pipelines of its own workspace"
            )
        return key

    def _versions(self, session: Session, row: PipelineEndpoint) -> dict[str, str]:
        return self._versions_of(session, [row.key])[row.key]

    def _versions_of(self, session: Session, keys: Sequence[int]) -> Mapping[int, dict[str, str]]:
        """Return ids of published pipelines by version, for each endpoint of these keys."""
        found: dict[int, dict[str, str]] = {key: {} for key in keys}
        for start in range(0, len(keys), _BATCH):
            query = (
                select(EndpointVersion.endpoint_key, EndpointVersion.version, PublishedPipeline.id)
                .join(PublishedPipeline, PublishedPipeline.key == EndpointVersion.pipeline_key)
                .where(EndpointVersion.endpoint_key.in_(keys[start : start + _BATCH]))
                .order_by(EndpointVersion.endpoint_key, EndpointVersion.version)
            )
            for key, version, pipeline_id in session.execute(query):
                found[key][str(version)] = pipeline_id
        return found

    def _record(self, session: Session, row: PipelineEndpoint) -> EndpointRecord:
        return _record(row, self._versions(session, row))


def _record(row: PipelineEndpoint, versions: Mapping[str, str]) -> EndpointRecord:
    return EndpointRecord(
        id=row.id,
        name=row.name,
        description=row.description,
        status=row.status,
        default_version=str(row.default_version),
        versions=versions,
        created_at=row.created_at,
    )
