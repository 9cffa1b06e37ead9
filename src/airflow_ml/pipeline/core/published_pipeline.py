"""Published pipelines (`azureml.pipeline.core.PublishedPipeline`): a later version has them."""

from __future__ import annotations

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph
    from airflow_ml.pipeline.core.run import PipelineRun

    # Here because inside the class `list` is v1's method.
    PublishedPipelines: TypeAlias = list["PublishedPipeline"]

__all__ = ["PublishedPipeline"]

_INSTEAD = (
    'put the pipeline into a DAG file (pipeline.to_dag("name", ...)); Airflow shows it, starts it with '
    "parameters, and takes POST /api/v2/dags/{dag_id}/dagRuns"
)


class PublishedPipeline:
    """A pipeline that is stored and can be started by name or REST."""

    def __init__(
        self,
        name: str,
        graph_id: str,
        description: str | None,
        version: str,
        published_pipeline_id: str,
        status: str,
        endpoint: str,
        total_run_steps: int,
        workspace: Workspace,
        continue_on_step_failure: bool | None = None,
        _pipeline_provider: object = None,
        **kwargs: object,
    ) -> None:
        raise not_yet("PublishedPipeline", _INSTEAD)

    @property
    def continue_on_step_failure(self) -> bool | None:
        """Whether other branches go on after a failure."""
        raise not_yet("PublishedPipeline.continue_on_step_failure", _INSTEAD)

    @property
    def description(self) -> str | None:
        """Free text."""
        raise not_yet("PublishedPipeline.description", _INSTEAD)

    def disable(self) -> None:
        """Refuse new runs."""
        raise not_yet("PublishedPipeline.disable", _INSTEAD)

    def enable(self) -> None:
        """Take new runs again."""
        raise not_yet("PublishedPipeline.enable", _INSTEAD)

    @property
    def endpoint(self) -> str:
        """The URL that starts a run."""
        raise not_yet("PublishedPipeline.endpoint", _INSTEAD)

    @staticmethod
    def get(
        workspace: Workspace, id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PublishedPipeline:
        """Return the published pipeline of that id."""
        raise not_yet("PublishedPipeline.get", _INSTEAD)

    @staticmethod
    def get_all(workspace: Workspace, active_only: bool = True, _service_endpoint: object = None) -> PublishedPipelines:
        """Return the published pipelines."""
        raise not_yet("PublishedPipeline.get_all", _INSTEAD)

    def get_graph(self, _workflow_provider: object = None) -> Graph:
        """Return the stored graph."""
        raise not_yet("PublishedPipeline.get_graph", _INSTEAD)

    def get_portal_url(self) -> str:
        """Return where it is shown."""
        raise not_yet("PublishedPipeline.get_portal_url", _INSTEAD)

    def get_step_names(self, _workflow_provider: object = None) -> dict[str, str]:
        """Return the ids of the steps with their names."""
        raise not_yet("PublishedPipeline.get_step_names", _INSTEAD)

    @property
    def graph_id(self) -> str:
        """Id of the stored graph."""
        raise not_yet("PublishedPipeline.graph_id", _INSTEAD)

    @property
    def id(self) -> str:
        """Its id."""
        raise not_yet("PublishedPipeline.id", _INSTEAD)

    @staticmethod
    def list(workspace: Workspace, active_only: bool = True, _service_endpoint: object = None) -> PublishedPipelines:
        """Return the published pipelines."""
        raise not_yet("PublishedPipeline.list", _INSTEAD)

    @property
    def name(self) -> str:
        """Its name."""
        raise not_yet("PublishedPipeline.name", _INSTEAD)

    @property
    def portal_url(self) -> str:
        """Where it is shown."""
        raise not_yet("PublishedPipeline.portal_url", _INSTEAD)

    def save(self, path: str | None = None, _workflow_provider: object = None) -> str:
        """Write it as YAML."""
        raise not_yet("PublishedPipeline.save", _INSTEAD)

    @property
    def status(self) -> str:
        """`Active` or `Disabled`."""
        raise not_yet("PublishedPipeline.status", _INSTEAD)

    def submit(
        self,
        workspace: Workspace,
        experiment_name: str,
        pipeline_parameters: Mapping[str, object] | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
        parent_run_id: str | None = None,
        continue_on_step_failure: bool | None = None,
    ) -> PipelineRun:
        """Start a run."""
        raise not_yet("PublishedPipeline.submit", _INSTEAD)

    @property
    def total_run_steps(self) -> int:
        """How many steps it has."""
        raise not_yet("PublishedPipeline.total_run_steps", _INSTEAD)

    @property
    def version(self) -> str | None:
        """Its version."""
        raise not_yet("PublishedPipeline.version", _INSTEAD)
