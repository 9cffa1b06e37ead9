"""Drafts of pipelines (`azureml.pipeline.core.PipelineDraft`): a later version has them."""

from __future__ import annotations

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph
    from airflow_ml.pipeline.core.pipeline import Pipeline
    from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_ml.pipeline.core.run import PipelineRun

    # Here because inside the class `list` is v1's method.
    PipelineDrafts: TypeAlias = list["PipelineDraft"]

__all__ = ["PipelineDraft"]

_INSTEAD = (
    'keep the pipeline as Python code: experiment.submit(pipeline) runs it, pipeline.to_dag("name", ...) hands '
    "it to Airflow"
)


class PipelineDraft:
    """A stored pipeline that can be changed before it is run."""

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        graph_draft_id: str | None = None,
        parent_pipeline_id: str | None = None,
        parent_pipeline_run_id: str | None = None,
        parent_step_run_ids: Sequence[str] | None = None,
        parent_pipeline_draft_id: str | None = None,
        last_submitted_pipeline_run_id: str | None = None,
        _pipeline_draft_provider: object = None,
    ) -> None:
        raise not_yet("PipelineDraft", _INSTEAD)

    @staticmethod
    def create(
        workspace: Workspace,
        pipeline: Pipeline | PublishedPipeline,
        name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        continue_on_step_failure: bool | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> PipelineDraft:
        """Make a draft."""
        raise not_yet("PipelineDraft.create", _INSTEAD)

    def delete(self, _workflow_provider: object = None) -> None:
        """Remove the draft."""
        raise not_yet("PipelineDraft.delete", _INSTEAD)

    @property
    def description(self) -> str | None:
        """Free text."""
        raise not_yet("PipelineDraft.description", _INSTEAD)

    @staticmethod
    def get(
        workspace: Workspace, id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PipelineDraft:
        """Return the draft of that id."""
        raise not_yet("PipelineDraft.get", _INSTEAD)

    def get_graph(self, _workflow_provider: object = None) -> Graph:
        """Return the stored graph."""
        raise not_yet("PipelineDraft.get_graph", _INSTEAD)

    @property
    def id(self) -> str:
        """Its id."""
        raise not_yet("PipelineDraft.id", _INSTEAD)

    @property
    def last_submitted_pipeline_run_id(self) -> str | None:
        """Id of its newest run."""
        raise not_yet("PipelineDraft.last_submitted_pipeline_run_id", _INSTEAD)

    @staticmethod
    def list(
        workspace: Workspace, tags: Mapping[str, str] | None = None, _workflow_provider: object = None
    ) -> PipelineDrafts:
        """Return the drafts."""
        raise not_yet("PipelineDraft.list", _INSTEAD)

    @property
    def name(self) -> str:
        """Its name."""
        raise not_yet("PipelineDraft.name", _INSTEAD)

    @property
    def parent_pipeline_draft_id(self) -> str | None:
        """Id of the draft that it was made from."""
        raise not_yet("PipelineDraft.parent_pipeline_draft_id", _INSTEAD)

    @property
    def parent_pipeline_id(self) -> str | None:
        """Id of the published pipeline that it was made from."""
        raise not_yet("PipelineDraft.parent_pipeline_id", _INSTEAD)

    @property
    def parent_pipeline_run_id(self) -> str | None:
        """Id of the run that it was made from."""
        raise not_yet("PipelineDraft.parent_pipeline_run_id", _INSTEAD)

    @property
    def parent_step_run_ids(self) -> Sequence[str] | None:
        """Ids of the steps' runs that it was made from."""
        raise not_yet("PipelineDraft.parent_step_run_ids", _INSTEAD)

    @property
    def properties(self) -> dict[str, str]:
        """Labels that cannot be changed."""
        raise not_yet("PipelineDraft.properties", _INSTEAD)

    def publish(self, _workflow_provider: object = None) -> PublishedPipeline:
        """Publish the draft."""
        raise not_yet("PipelineDraft.publish", _INSTEAD)

    def save(self, path: str | None = None, _workflow_provider: object = None) -> str:
        """Write it as YAML."""
        raise not_yet("PipelineDraft.save", _INSTEAD)

    def submit_run(self, _workflow_provider: object = None) -> PipelineRun:
        """Start a run."""
        raise not_yet("PipelineDraft.submit_run", _INSTEAD)

    @property
    def tags(self) -> dict[str, str]:
        """Labels."""
        raise not_yet("PipelineDraft.tags", _INSTEAD)

    def update(
        self,
        pipeline: Pipeline | PublishedPipeline | None = None,
        name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        continue_on_step_failure: bool | None = None,
        _workflow_provider: object = None,
    ) -> None:
        """Change the draft."""
        raise not_yet("PipelineDraft.update", _INSTEAD)
