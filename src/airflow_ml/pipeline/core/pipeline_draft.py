"""Drafts of pipelines (`azureml.pipeline.core.PipelineDraft`): kept, changed, and then run or published."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._run_filters import has_labels
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from airflow_ml.core import _notebook_tables
    from airflow_ml.core._run_filters import Labels
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph
    from airflow_ml.pipeline.core import _drafting as drafting
    from airflow_ml.pipeline.core import _graph_yaml
    from airflow_ml.pipeline.core._drafting import DraftSource
    from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_ml.pipeline.core.run import PipelineRun
    from airflow_ml.registry import PipelineDraftRecord

    # Here because inside the class `list` is v1's method.
    PipelineDrafts: TypeAlias = list["PipelineDraft"]
else:
    _graph_yaml = late("airflow_ml.pipeline.core._graph_yaml")
    _notebook_tables = late("airflow_ml.core._notebook_tables")
    drafting = late("airflow_ml.pipeline.core._drafting")

__all__ = ["PipelineDraft"]


class PipelineDraft:
    """
    A pipeline that is kept in the workspace and may change.

    `create` makes one, `get` and `list` find those that there are. It holds the code of the moment in which it was
    given, whatever becomes of the folders.

    Args:
        graph_draft_id, parent_step_run_ids: v1's; kept.
    """

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
        self.workspace = workspace
        self._id = id
        self._name = name
        self._description = description
        self._experiment_name = experiment_name
        self._tags = dict(tags or {})
        self._properties = dict(properties or {})
        self._graph_draft_id = graph_draft_id
        self._parent_pipeline_id = parent_pipeline_id
        self._parent_pipeline_run_id = parent_pipeline_run_id
        self._parent_step_run_ids = list(parent_step_run_ids or ())
        self._parent_pipeline_draft_id = parent_pipeline_draft_id
        self._last_submitted_pipeline_run_id = last_submitted_pipeline_run_id

    @classmethod
    def _of(cls, workspace: Workspace, record: PipelineDraftRecord) -> PipelineDraft:
        made = cls(workspace, record.id)
        made._take(record)
        return made

    def _take(self, record: PipelineDraftRecord) -> None:
        """See what the record says now."""
        content = record.content
        self._name, self._description, self._experiment_name = content.name, content.description, content.experiment
        self._tags, self._properties = dict(content.tags), dict(content.properties)
        self._parent_pipeline_id = content.parents.get("pipeline")
        self._parent_pipeline_run_id = content.parents.get("run")
        self._parent_pipeline_draft_id = content.parents.get("draft")
        self._last_submitted_pipeline_run_id = record.last_run_id

    @staticmethod
    def create(
        workspace: Workspace,
        pipeline: DraftSource,
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
        """
        Keep a new draft.

        Args:
            pipeline: a Pipeline, a PublishedPipeline, a PipelineRun or another PipelineDraft.
            name: the pipeline's unless given.
            pipeline_parameters: values of its runs by parameter name.
            continue_on_step_failure: of its runs, and of what is published from it.

        Raises:
            UserErrorException: another kind of object, a parameter is unknown or of another kind than its default, or
                something that the pipeline names is not in the workspace.
        """
        said = drafting.Said(
            name=name,
            description=description,
            experiment=experiment_name,
            parameters=pipeline_parameters,
            continue_on_step_failure=continue_on_step_failure,
            tags=tags,
        )
        return PipelineDraft._of(workspace, drafting.create(workspace, pipeline, said, properties or {}))

    @staticmethod
    def get(
        workspace: Workspace, id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PipelineDraft:
        """
        Return the draft of that id.

        Raises:
            UserErrorException: there is none.
        """
        return PipelineDraft._of(workspace, workspace.registry().pipeline_drafts.get(id))

    @staticmethod
    def list(workspace: Workspace, tags: Labels = None, _workflow_provider: object = None) -> PipelineDrafts:
        """
        Return the workspace's drafts, in the order in which they were made.

        Args:
            tags: a name, or names with values; a draft must have all of them.
        """
        records = workspace.registry().pipeline_drafts.list()
        return [PipelineDraft._of(workspace, record) for record in records if has_labels(record.content.tags, tags)]

    @property
    def id(self) -> str:
        """Its id in the workspace."""
        return self._id

    @property
    def name(self) -> str | None:
        """Its name, which others may have too."""
        return self._name

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @property
    def tags(self) -> dict[str, str]:
        """Labels; a copy."""
        return dict(self._tags)

    @property
    def properties(self) -> dict[str, str]:
        """Labels that cannot be changed; a copy."""
        return dict(self._properties)

    @property
    def parent_pipeline_id(self) -> str | None:
        """Id of the published pipeline that it was made from."""
        return self._parent_pipeline_id

    @property
    def parent_pipeline_run_id(self) -> str | None:
        """Id of the run that it was made from."""
        return self._parent_pipeline_run_id

    @property
    def parent_pipeline_draft_id(self) -> str | None:
        """Id of the draft that it was made from."""
        return self._parent_pipeline_draft_id

    @property
    def parent_step_run_ids(self) -> Sequence[str]:
        """Ids of steps' runs that it was made from; the pages of v1 alone made drafts of steps."""
        return [*self._parent_step_run_ids]

    @property
    def last_submitted_pipeline_run_id(self) -> str | None:
        """Id of the run that was started from it last; as this object last saw it (v1)."""
        return self._last_submitted_pipeline_run_id

    def get_graph(self, _workflow_provider: object = None) -> Graph:
        """Return its graph, which names the snapshots of its code."""
        return drafting.graph_of(self._record())

    def save(self, path: str | None = None, _workflow_provider: object = None) -> None:
        """
        Write it as YAML; `Pipeline.load_yaml` reads it in the same workspace, which has its code.

        Args:
            path: a file, or a folder for a file of the draft's name; the current folder unless given.
        """
        record = self._record()
        _graph_yaml.save(drafting.graph_of(record), path, name=record.content.name)

    def update(
        self,
        pipeline: DraftSource | None = None,
        name: str | None = None,
        description: str | None = None,
        experiment_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        continue_on_step_failure: bool | None = None,
        _workflow_provider: object = None,
    ) -> None:
        """
        Change what is given; the rest stays, and so does what was run or published before.

        Raises:
            UserErrorException: as `create`; also where a parameter that was given before is not one of the new
                pipeline.
        """
        said = drafting.Said(
            name=name,
            description=description,
            experiment=experiment_name,
            parameters=pipeline_parameters,
            continue_on_step_failure=continue_on_step_failure,
            tags=tags,
        )
        self._take(drafting.update(self.workspace, self._record(), pipeline, said))

    def submit_run(self, _workflow_provider: object = None) -> PipelineRun:
        """
        Start a run in the draft's experiment and return at once.

        Raises:
            UserErrorException: it names no experiment.
        """
        record = self._record()
        if record.content.experiment is None:
            raise UserErrorException(
                f"pipeline draft {record.content.name!r} ({record.id}) names no experiment; give it one with"
                " update(experiment_name=...), or use Experiment.submit(draft)"
            )
        return self._start(record, drafting.experiment_of(self.workspace, record.content.experiment), {})

    def _submit_to(
        self, experiment: Experiment, *, tags: Mapping[str, str] | None = None, **arguments: object
    ) -> PipelineRun:
        drafting.refuse_arguments(experiment, self.workspace, arguments)
        return self._start(self._record(), experiment, tags or {})

    def _start(self, record: PipelineDraftRecord, experiment: Experiment, tags: Mapping[str, str]) -> PipelineRun:
        run = drafting.start(record, experiment, tags)
        self._last_submitted_pipeline_run_id = run.id
        return run

    def publish(self, _workflow_provider: object = None) -> PublishedPipeline:
        """Publish the pipeline under the draft's name and description; the draft's values become its defaults."""
        return drafting.publish(self.workspace, self._record())

    def delete(self, _workflow_provider: object = None) -> None:
        """Remove the draft; what was run or published from it stays."""
        self.workspace.registry().pipeline_drafts.delete(self._id)

    def _record(self) -> PipelineDraftRecord:
        return self.workspace.registry().pipeline_drafts.get(self._id)

    def _shown(self) -> dict[str, str]:
        return {"Name": self._name or "", "Id": self._id}

    def __repr__(self) -> str:
        shown = ",\n".join(f"{name}: {value}" for name, value in self._shown().items())
        return f"PipelineDraft({shown})"

    def _repr_html_(self) -> str:
        return _notebook_tables.row_of(self._shown(), {})
