"""Endpoints of published pipelines (`azureml.pipeline.core.PipelineEndpoint`): a later version has them."""

from __future__ import annotations

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.pipeline.core.pipeline import Pipeline
    from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_ml.pipeline.core.run import PipelineRun

    # Here because inside the class `list` is v1's method.
    PublishedPipelines: TypeAlias = list[PublishedPipeline]
    PipelineEndpoints: TypeAlias = list["PipelineEndpoint"]
    Versions: TypeAlias = list[object]

__all__ = ["PipelineEndpoint"]

_INSTEAD = (
    'put the pipeline into a DAG file (pipeline.to_dag("name", ...)); its versions are those of the file, and '
    "Airflow takes POST /api/v2/dags/{dag_id}/dagRuns"
)


class PipelineEndpoint:
    """A name in front of published pipelines, with versions."""

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        description: str | None,
        status: str,
        default_version: str,
        endpoint: str,
        pipeline_version_list: Sequence[object],
        _pipeline_endpoint_provider: object = None,
        _published_pipeline_provider: object = None,
        _swaggerurl: object = None,
    ) -> None:
        raise not_yet("PipelineEndpoint", _INSTEAD)

    def add(self, pipeline: Pipeline | PublishedPipeline) -> None:
        """Add a version."""
        raise not_yet("PipelineEndpoint.add", _INSTEAD)

    def add_default(self, pipeline: Pipeline | PublishedPipeline) -> None:
        """Add a version and make it the default."""
        raise not_yet("PipelineEndpoint.add_default", _INSTEAD)

    def archive(self) -> None:
        """Hide it and free its name."""
        raise not_yet("PipelineEndpoint.archive", _INSTEAD)

    @property
    def default_version(self) -> str:
        """The version that runs when none is named."""
        raise not_yet("PipelineEndpoint.default_version", _INSTEAD)

    @property
    def description(self) -> str | None:
        """Free text."""
        raise not_yet("PipelineEndpoint.description", _INSTEAD)

    def disable(self) -> None:
        """Refuse new runs."""
        raise not_yet("PipelineEndpoint.disable", _INSTEAD)

    def enable(self) -> None:
        """Take new runs again."""
        raise not_yet("PipelineEndpoint.enable", _INSTEAD)

    @property
    def endpoint(self) -> str:
        """The URL that starts a run."""
        raise not_yet("PipelineEndpoint.endpoint", _INSTEAD)

    @staticmethod
    def get(
        workspace: Workspace,
        id: str | None = None,
        name: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoint:
        """Return the endpoint of that id or name."""
        raise not_yet("PipelineEndpoint.get", _INSTEAD)

    @staticmethod
    def get_all(
        workspace: Workspace,
        active_only: bool = True,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoints:
        """Return the endpoints."""
        raise not_yet("PipelineEndpoint.get_all", _INSTEAD)

    def get_all_pipelines(
        self, active_only: bool = True, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PublishedPipelines:
        """Return the published pipelines of all versions."""
        raise not_yet("PipelineEndpoint.get_all_pipelines", _INSTEAD)

    def get_all_versions(self, _workflow_provider: object = None, _service_endpoint: object = None) -> Versions:
        """Return the versions."""
        raise not_yet("PipelineEndpoint.get_all_versions", _INSTEAD)

    def get_default_version(self) -> str:
        """Return the default version."""
        raise not_yet("PipelineEndpoint.get_default_version", _INSTEAD)

    def get_pipeline(self, version: str | None = None) -> PublishedPipeline:
        """Return the published pipeline of a version."""
        raise not_yet("PipelineEndpoint.get_pipeline", _INSTEAD)

    @property
    def id(self) -> str:
        """Its id."""
        raise not_yet("PipelineEndpoint.id", _INSTEAD)

    @staticmethod
    def list(
        workspace: Workspace,
        active_only: bool = True,
        max_results: int = 100,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoints:
        """Return the endpoints."""
        raise not_yet("PipelineEndpoint.list", _INSTEAD)

    def list_pipelines(
        self, active_only: bool = True, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PublishedPipelines:
        """Return the published pipelines of all versions."""
        raise not_yet("PipelineEndpoint.list_pipelines", _INSTEAD)

    def list_versions(self, _workflow_provider: object = None, _service_endpoint: object = None) -> Versions:
        """Return the versions, each with `.version` and `.pipeline`."""
        raise not_yet("PipelineEndpoint.list_versions", _INSTEAD)

    @property
    def name(self) -> str:
        """Its name."""
        raise not_yet("PipelineEndpoint.name", _INSTEAD)

    @property
    def pipeline_version_list(self) -> Sequence[object]:
        """The versions."""
        raise not_yet("PipelineEndpoint.pipeline_version_list", _INSTEAD)

    @staticmethod
    def publish(
        workspace: Workspace,
        name: str,
        description: str | None,
        pipeline: Pipeline | PublishedPipeline,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineEndpoint:
        """Make an endpoint with one version."""
        raise not_yet("PipelineEndpoint.publish", _INSTEAD)

    def reactivate(self, name: str) -> None:
        """Show an archived one again."""
        raise not_yet("PipelineEndpoint.reactivate", _INSTEAD)

    def set_default(self, pipeline: Pipeline | PublishedPipeline) -> None:
        """Make a version of it the default."""
        raise not_yet("PipelineEndpoint.set_default", _INSTEAD)

    def set_default_version(self, version: str) -> None:
        """Make a version of it the default."""
        raise not_yet("PipelineEndpoint.set_default_version", _INSTEAD)

    def set_name(self, name: str) -> None:
        """Rename it."""
        raise not_yet("PipelineEndpoint.set_name", _INSTEAD)

    @property
    def status(self) -> str:
        """`Active` or `Disabled`."""
        raise not_yet("PipelineEndpoint.status", _INSTEAD)

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: Mapping[str, object] | None = None,
        parent_run_id: str | None = None,
        pipeline_version: str | None = None,
    ) -> PipelineRun:
        """Start a run of a version."""
        raise not_yet("PipelineEndpoint.submit", _INSTEAD)

    @property
    def swaggerurl(self) -> str:
        """The description of its REST interface."""
        raise not_yet("PipelineEndpoint.swaggerurl", _INSTEAD)
