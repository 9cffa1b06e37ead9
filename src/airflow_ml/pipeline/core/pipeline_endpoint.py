"""Endpoints of published pipelines (`azureml.pipeline.core.PipelineEndpoint`): one name and address, many versions."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.pipeline import _engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from dataclasses import dataclass
    from typing import Any, TypeAlias

    from airflow_ml.core import _notebook_tables
    from airflow_ml.core import experiment as core_experiment
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import publishing
    from airflow_ml.graph import ReuseMode
    from airflow_ml.pipeline.core import published_pipeline as published
    from airflow_ml.pipeline.core.pipeline import Pipeline
    from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_ml.pipeline.core.run import PipelineRun
    from airflow_ml.registry import EndpointRecord
    from airflow_ml.registry.pipeline_endpoints import PipelineEndpoints as Repository

    # Here because inside the class `list` is v1's method.
    PublishedPipelines: TypeAlias = list[PublishedPipeline]
    PipelineEndpoints: TypeAlias = list["PipelineEndpoint"]
    Versions: TypeAlias = list["PipelineVersion"]
else:
    from airflow_ml._records import dataclass

    _notebook_tables = late("airflow_ml.core._notebook_tables")
    core_experiment = late("airflow_ml.core.experiment")
    published = late("airflow_ml.pipeline.core.published_pipeline")
    publishing = late("airflow_ml.execution.publishing")

__all__ = ["PipelineEndpoint", "PipelineVersion"]


@dataclass(frozen=True)
class PipelineVersion:
    """One version of an endpoint: a number as text, and the published pipeline that it is."""

    version: str
    pipeline: PublishedPipeline


class PipelineEndpoint:
    """
    A name in front of published pipelines, with versions.

    `publish` makes one, `get` and `list` find those that there are. Whoever starts runs by its name or address gets
    its default version, which can be moved on without their knowing.

    Args:
        id: its id in the workspace.
        status: `Active`, `Disabled` or `Archived`.
        endpoint: an address to show; None asks for the address at which runs can be started now.
        pipeline_version_list: the versions, each with `.version` and `.pipeline`.
    """

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        description: str | None,
        status: str,
        default_version: str,
        endpoint: str | None,
        pipeline_version_list: Sequence[PipelineVersion],
        _pipeline_endpoint_provider: object = None,
        _published_pipeline_provider: object = None,
        _swaggerurl: str | None = None,
    ) -> None:
        self.workspace = workspace
        self._id = id
        self._endpoint = endpoint
        self._swaggerurl = _swaggerurl
        self._name = name
        self._description = description
        self._status = status
        self._default_version = default_version
        self._versions: list[PipelineVersion] | None = list(pipeline_version_list)
        self._pipeline_ids: Mapping[str, str] = {}

    @classmethod
    def _of(cls, workspace: Workspace, record: EndpointRecord) -> PipelineEndpoint:
        made = cls(workspace, record.id, record.name, None, record.status, record.default_version, None, ())
        made._take(record)
        return made

    def _take(self, record: EndpointRecord) -> None:
        """See what the record says now."""
        self._name, self._description, self._status = record.name, record.description, record.status
        self._default_version = record.default_version
        self._pipeline_ids, self._versions = record.versions, None

    @property
    def _records(self) -> Repository:
        return self.workspace.registry().pipeline_endpoints

    @staticmethod
    def publish(
        workspace: Workspace,
        name: str,
        description: str | None,
        pipeline: Pipeline | PublishedPipeline,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoint:
        """
        Make an endpoint whose version "0", its default, is the pipeline; one that is not published yet is published.

        Raises:
            ValueError: the workspace has an endpoint of that name (v1 too).
        """
        records = workspace.registry().pipeline_endpoints
        _refuse_taken(records, name)  # before anything is published
        pipeline_id = _published_id(workspace, pipeline, name=name, description=description)
        return PipelineEndpoint._of(workspace, records.create(name, pipeline_id=pipeline_id, description=description))

    @staticmethod
    def get(
        workspace: Workspace,
        id: str | None = None,
        name: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoint:
        """
        Return the endpoint of that id or name.

        Raises:
            UserErrorException: there is none, or neither is given.
        """
        records = workspace.registry().pipeline_endpoints
        if id is not None:
            return PipelineEndpoint._of(workspace, records.get(id))
        if name is None:
            raise UserErrorException("PipelineEndpoint.get: neither id nor name is given; give one of them")
        return PipelineEndpoint._of(workspace, records.named(name))

    @staticmethod
    def list(
        workspace: Workspace,
        active_only: bool = True,
        max_results: int = 100,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoints:
        """Return the workspace's endpoints, in the order in which they were made."""
        records = workspace.registry().pipeline_endpoints.list(active_only=active_only, limit=max_results)
        return [PipelineEndpoint._of(workspace, record) for record in records]

    @staticmethod
    def get_all(
        workspace: Workspace,
        active_only: bool = True,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoints:
        """Return all endpoints of the workspace; v1's older name of `list`, without its limit."""
        records = workspace.registry().pipeline_endpoints.list(active_only=active_only)
        return [PipelineEndpoint._of(workspace, record) for record in records]

    @property
    def id(self) -> str:
        """Its id in the workspace."""
        return self._id

    @property
    def name(self) -> str:
        """Its name, which no other endpoint of the workspace has."""
        return self._name

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @property
    def status(self) -> str:
        """`Active`, `Disabled` or `Archived`; as this object last saw it (v1)."""
        return self._status

    @property
    def default_version(self) -> str:
        """The version that runs when none is named."""
        return self._default_version

    @property
    def pipeline_version_list(self) -> Versions:
        """The versions, each with `.version` and `.pipeline`."""
        if self._versions is None:  # looked up when it is asked for: an endpoint may have hundreds
            records = self.workspace.registry().published_pipelines.many(self._pipeline_ids.values())
            self._versions = [
                PipelineVersion(version, published.PublishedPipeline._of(self.workspace, records[pipeline_id]))
                for version, pipeline_id in self._pipeline_ids.items()
            ]
        return [*self._versions]

    @property
    def endpoint(self) -> str:
        """
        The address that starts a run of the default version, by a POST with v1's body.

        With `/` and a version behind it, it starts that version. `.../Name?name=NAME&pipelineVersion=VERSION` in the
        place of `.../Id/ID` asks by name (v1's rule).
        """
        return self._endpoint or _engine.address_of_endpoint(self.workspace.ref, self._id)

    @property
    def swaggerurl(self) -> str:
        """Address of the OpenAPI description of all such addresses; it needs `get_authentication_header()` too."""
        return self._swaggerurl or _engine.address_of_description(self.workspace.ref)

    def get_default_version(self) -> str:
        """Return the default version as it is now."""
        self._take(self._records.get(self._id))
        return self._default_version

    def get_pipeline(self, version: str | None = None) -> PublishedPipeline:
        """
        Return the published pipeline of a version.

        Args:
            version: the default one if None.

        Raises:
            UserErrorException: there is no such version.
        """
        _, pipeline_id = publishing.pipeline_of_endpoint(self._records.get(self._id), _text(version))
        return published.PublishedPipeline.get(self.workspace, pipeline_id)

    def list_versions(self, _workflow_provider: object = None, _service_endpoint: object = None) -> Versions:
        """Return the versions, each with `.version` and `.pipeline`."""
        self._take(self._records.get(self._id))
        return self.pipeline_version_list

    def get_all_versions(self, _workflow_provider: object = None, _service_endpoint: object = None) -> Versions:
        """Return what `list_versions` does; v1's older name."""
        return self.list_versions()

    def list_pipelines(
        self, active_only: bool = True, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PublishedPipelines:
        """Return the published pipelines of all versions."""
        pipelines = [version.pipeline for version in self.list_versions()]
        return [pipeline for pipeline in pipelines if pipeline.status == "Active" or not active_only]

    def get_all_pipelines(
        self, active_only: bool = True, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PublishedPipelines:
        """Return what `list_pipelines` does; v1's older name."""
        return self.list_pipelines(active_only)

    def add(self, pipeline: Pipeline | PublishedPipeline) -> None:
        """
        Add the next version; the default stays.

        Raises:
            ValueError: the pipeline is a version already (v1 too).
        """
        self._add(pipeline, is_default=False)

    def add_default(self, pipeline: Pipeline | PublishedPipeline) -> None:
        """
        Add the next version and make it the default.

        Raises:
            ValueError: the pipeline is a version already (v1 too); use `set_default`.
        """
        self._add(pipeline, is_default=True)

    def _add(self, pipeline: Pipeline | PublishedPipeline, *, is_default: bool) -> None:
        pipeline_id = _published_id(self.workspace, pipeline, name=self._name, description=self._description)
        self._take(self._records.add(self._id, pipeline_id, is_default=is_default))

    def set_default(self, pipeline: PublishedPipeline) -> None:
        """
        Make the version that a published pipeline is the default.

        Raises:
            ValueError: it is no version of this endpoint (v1 too).
        """
        record = self._records.get(self._id)
        pipeline_id = getattr(pipeline, "id", None)
        for version, known in record.versions.items():
            if known == pipeline_id:
                self._take(self._records.set_default(self._id, version))
                return
        raise GraphError(
            f"pipeline endpoint {record.name!r}: published pipeline {pipeline_id!r} is none of its versions; use"
            " add_default"
        )

    def set_default_version(self, version: str) -> None:
        """
        Make a version the default.

        Raises:
            UserErrorException: there is no such version.
        """
        self._take(self._records.set_default(self._id, str(version)))

    def set_name(self, name: str) -> None:
        """
        Rename it; addresses by its id stay.

        Raises:
            ValueError: another endpoint has that name.
        """
        self._take(self._records.set_name(self._id, name))

    def enable(self) -> None:
        """Let it take runs again."""
        self._take(self._records.set_active(self._id, active=True))

    def disable(self) -> None:
        """Let it take no more runs; those that it started go on."""
        self._take(self._records.set_active(self._id, active=False))

    def archive(self) -> None:
        """Let it take no more runs and give its name up; `list` leaves it out (v1's rules)."""
        self._take(self._records.archive(self._id))

    def reactivate(self, name: str) -> None:
        """
        Undo `archive`, under that name.

        Raises:
            ValueError: another endpoint has that name.
        """
        self._take(self._records.reactivate(self._id, name))

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: Mapping[str, object] | None = None,
        parent_run_id: str | None = None,
        pipeline_version: str | None = None,
        *,
        reuse: ReuseMode | None = None,
    ) -> PipelineRun:
        """
        Start a run of a version and return at once; the same as `Experiment(workspace, name).submit(endpoint)`.

        Args:
            pipeline_version: the default one if None.
            reuse: how results of earlier runs are used, see `Pipeline.submit`.

        Raises:
            UserErrorException: the endpoint or the version's pipeline is disabled, there is no such version, or a
                parameter is unknown or of another kind than its default.
        """
        return self._submit_to(
            core_experiment.Experiment(self.workspace, experiment_name),
            pipeline_parameters=pipeline_parameters,
            pipeline_version=pipeline_version,
            parent_run_id=parent_run_id,
            reuse=reuse,
        )

    def _submit_to(
        self, experiment: Experiment, *, pipeline_version: str | None = None, **arguments: Any
    ) -> PipelineRun:
        record = self._records.get(self._id)
        publishing.refuse_inactive(record)
        _, pipeline_id = publishing.pipeline_of_endpoint(record, _text(pipeline_version))
        return published.PublishedPipeline.get(self.workspace, pipeline_id)._submit_to(experiment, **arguments)

    def _shown(self) -> dict[str, str]:
        return {"Name": self._name, "Id": self._id, "Status": self._status, "Endpoint": self.endpoint}

    def __repr__(self) -> str:
        shown = ",\n".join(f"{name}: {value}" for name, value in self._shown().items())
        return f"PipelineEndpoint({shown})"

    def _repr_html_(self) -> str:
        return _notebook_tables.row_of(self._shown(), {})


def _refuse_taken(records: Repository, name: str) -> None:
    if records.find(name) is not None:
        raise GraphError(
            f"pipeline endpoint {name!r} exists; add a version to it (PipelineEndpoint.get and add_default), or choose"
            " another name"
        )


def _published_id(
    workspace: Workspace, pipeline: Pipeline | PublishedPipeline, *, name: str, description: str | None
) -> str:
    """Return the id of a published pipeline; a pipeline that is not published is published under those words."""
    if isinstance(pipeline, published.PublishedPipeline):
        return pipeline.id
    if not hasattr(pipeline, "publish"):
        raise GraphError(
            f"pipeline endpoint {name!r}: {pipeline!r} is no pipeline; give a Pipeline or PublishedPipeline"
        )
    if pipeline.workspace.ref != workspace.ref:
        raise GraphError(
            f"pipeline endpoint {name!r}: the pipeline is of workspace {pipeline.workspace.name!r}, the endpoint of"
            f" {workspace.name!r}; use one workspace for both"
        )
    return pipeline.publish(name, description).id


def _text(version: object) -> str | None:
    return None if version is None else str(version)
