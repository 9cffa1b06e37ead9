"""Published pipelines (`azureml.pipeline.core.PublishedPipeline`): started by id or REST, without the code."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml._refusals import refuse_unknown
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.graph import mode_of_submit
from airflow_ml.pipeline import _engine
from airflow_ml.pipeline.core._submit_arguments import refuse_arguments, submitted_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from airflow_ml.core import _notebook_tables
    from airflow_ml.core import experiment as core_experiment
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import publishing
    from airflow_ml.graph import Graph, ReuseMode
    from airflow_ml.pipeline.core import _graph_yaml, _run_printing, _values
    from airflow_ml.pipeline.core import run as pipeline_run
    from airflow_ml.pipeline.core.run import PipelineRun
    from airflow_ml.registry import PublishedPipelineRecord

    # Here because inside the class `list` is v1's method.
    PublishedPipelines: TypeAlias = list["PublishedPipeline"]
    Names: TypeAlias = list[str]
else:
    _graph_yaml = late("airflow_ml.pipeline.core._graph_yaml")
    _notebook_tables = late("airflow_ml.core._notebook_tables")
    _run_printing = late("airflow_ml.pipeline.core._run_printing")
    _values = late("airflow_ml.pipeline.core._values")
    core_experiment = late("airflow_ml.core.experiment")
    pipeline_run = late("airflow_ml.pipeline.core.run")
    publishing = late("airflow_ml.execution.publishing")

__all__ = ["PublishedPipeline"]


class PublishedPipeline:
    """
    A pipeline that is stored in the workspace and can be started without the code that built it.

    `Pipeline.publish` and `PipelineRun.publish_pipeline` make one, `get` and `list` find those that there are.

    Args:
        published_pipeline_id: its id in the workspace.
        status: `Active` or `Disabled`.
        endpoint: an address to show; None asks for the address at which runs can be started now.
        kwargs: `enable_email_notification` is accepted without effect, as notifications are Airflow's.
    """

    def __init__(
        self,
        name: str,
        graph_id: str,
        description: str | None,
        version: str | None,
        published_pipeline_id: str,
        status: str,
        endpoint: str | None,
        total_run_steps: int,
        workspace: Workspace,
        continue_on_step_failure: bool | None = None,
        _pipeline_provider: object = None,
        **kwargs: object,
    ) -> None:
        refuse_unknown(kwargs, where="PublishedPipeline", known=["enable_email_notification"], error=GraphError)
        self._name = name
        self._graph_id = graph_id
        self._description = description
        self._version = version
        self._id = published_pipeline_id
        self._status = status
        self._endpoint = endpoint
        self._total_run_steps = total_run_steps
        self._continue_on_step_failure = continue_on_step_failure
        self.workspace = workspace
        self._runnable: str | None = None

    @classmethod
    def _of(cls, workspace: Workspace, record: PublishedPipelineRecord) -> PublishedPipeline:
        return cls(
            name=record.name,
            graph_id=record.graph_id,
            description=record.description,
            version=record.version,
            published_pipeline_id=record.id,
            status=record.status,
            endpoint=None,
            total_run_steps=record.steps,
            workspace=workspace,
            continue_on_step_failure=record.continue_on_step_failure,
        )

    @staticmethod
    def get(
        workspace: Workspace, id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> PublishedPipeline:
        """
        Return the published pipeline of that id.

        Raises:
            UserErrorException: the workspace has none of that id.
        """
        return PublishedPipeline._of(workspace, workspace.registry().published_pipelines.get(id))

    @staticmethod
    def list(workspace: Workspace, active_only: bool = True, _service_endpoint: object = None) -> PublishedPipelines:
        """Return the workspace's published pipelines, in the order in which they were published."""
        records = workspace.registry().published_pipelines.list(active_only=active_only)
        return [PublishedPipeline._of(workspace, record) for record in records]

    @staticmethod
    def get_all(workspace: Workspace, active_only: bool = True, _service_endpoint: object = None) -> PublishedPipelines:
        """Return what `list` does; v1's older name."""
        return PublishedPipeline.list(workspace, active_only)

    @property
    def name(self) -> str:
        """Its name, which others may have too."""
        return self._name

    @property
    def id(self) -> str:
        """Its id in the workspace."""
        return self._id

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @property
    def version(self) -> str | None:
        """The version that the publisher named."""
        return self._version

    @property
    def status(self) -> str:
        """`Active`, or `Disabled` while it takes no runs; as this object last saw it (v1)."""
        return self._status

    @property
    def graph_id(self) -> str:
        """Id of its graph; equal graphs have the same one."""
        return self._graph_id

    @property
    def total_run_steps(self) -> int:
        """How many steps it has."""
        return self._total_run_steps

    @property
    def continue_on_step_failure(self) -> bool | None:
        """Whether steps that do not need a failed one go on, in runs that say nothing else; None means no."""
        return self._continue_on_step_failure

    @property
    def runnable(self) -> str | None:
        """
        When its DAG could be triggered in Airflow, as publishing it has found.

        `now`, `after the bundle's refresh`, or `no service` where no Airflow is configured; None if this object did
        not publish it.
        """
        return self._runnable

    @property
    def endpoint(self) -> str:
        """
        The address that starts a run, by a POST with v1's body and `get_authentication_header()`.

        It is that of the Airflow that is configured, or runs on this machine. Without one this process itself serves
        it, to this machine alone and for as long as it lives.
        """
        return self._endpoint or _engine.endpoint_of(self.workspace.ref, self._id)

    @property
    def portal_url(self) -> str:
        """Path of its page on the Airflow web server."""
        return f"/airflow-ml/workspaces/{self.workspace.name}/pipelines/{self._id}"

    def get_portal_url(self) -> str:
        """Return `portal_url`."""
        return self.portal_url

    def get_graph(self, _workflow_provider: object = None) -> Graph:
        """Return its graph, which names the snapshots of its code."""
        return publishing.stored_graph(self.workspace.registry(), self._id)

    def get_step_names(self, _workflow_provider: object = None) -> Names:
        """Return the names of its steps."""
        return [step.name for step in self.get_graph().steps]

    def save(self, path: str | None = None, _workflow_provider: object = None) -> None:
        """
        Write it as YAML; `Pipeline.load_yaml` reads it in the same workspace, which has its code.

        Args:
            path: a file, or a folder for a file of the pipeline's name; the current folder unless given.
        """
        _graph_yaml.save(self.get_graph(), path, name=self._name)

    def enable(self) -> None:
        """Let it take runs again."""
        self._set_active(active=True)

    def disable(self) -> None:
        """
        Let it take no more runs; those that it has go on. Its DAG is no longer shown.

        Raises:
            UserErrorException: an active schedule starts it (v1 refuses that too).
        """
        schedules = self.workspace.registry().schedules.list(pipeline_id=self._id)
        if schedules:
            raise UserErrorException(
                f"published pipeline {self._name!r}: schedule {schedules[0].content.name!r} ({schedules[0].id}) starts"
                " it; disable its schedules first"
            )
        self._set_active(active=False)

    def _set_active(self, *, active: bool) -> None:
        pipelines = self.workspace.registry().published_pipelines
        pipelines.set_active(self._id, active=active)
        self._status = pipelines.get(self._id).status
        _engine.offer_published(self.workspace.ref, self._id)

    def submit(
        self,
        workspace: Workspace,
        experiment_name: str,
        pipeline_parameters: Mapping[str, object] | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
        parent_run_id: str | None = None,
        continue_on_step_failure: bool | None = None,
        *,
        reuse: ReuseMode | None = None,
    ) -> PipelineRun:
        """
        Start a run and return at once; the same as `Experiment(workspace, name).submit(published_pipeline)`.

        Args:
            reuse: how results of earlier runs are used, see `Pipeline.submit`.

        Raises:
            UserErrorException: it is disabled, or a parameter is unknown or of another kind than its default.
        """
        return self._submit_to(
            core_experiment.Experiment(workspace, experiment_name),
            pipeline_parameters=pipeline_parameters,
            continue_on_step_failure=continue_on_step_failure,
            parent_run_id=parent_run_id,
            reuse=reuse,
        )

    def _submit_to(
        self,
        experiment: Experiment,
        *,
        tags: Mapping[str, str] | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        pipeline_params: Mapping[str, object] | None = None,
        continue_on_step_failure: bool | None = None,
        regenerate_outputs: bool = False,
        reuse: ReuseMode | None = None,
        **kwargs: object,
    ) -> PipelineRun:
        refuse_arguments(kwargs)
        mode = mode_of_submit(reuse, regenerate_outputs=regenerate_outputs)
        if experiment.workspace.ref != self.workspace.ref:
            raise UserErrorException(
                f"experiment {experiment.name!r} is of workspace {experiment.workspace.name!r}, the published pipeline"
                f" of {self.workspace.name!r}; use one workspace for both"
            )
        record, graph = publishing.graph_to_run(self.workspace.registry(), self._id)
        given = submitted_values(pipeline_parameters, pipeline_params)
        goes_on = record.continue_on_step_failure if continue_on_step_failure is None else continue_on_step_failure
        submission: dict[str, Any] = {
            "experiment": experiment.name,
            "parameters": _values.parameter_values(graph, given, self.workspace),
            "tags": dict(tags or {}),
            "continue_on_step_failure": bool(goes_on),
            "reuse": mode,
            "properties": publishing.properties_of(record),
        }
        _engine.announce(graph, **submission)
        run_id = _engine.submit(graph, **submission)
        run = pipeline_run.PipelineRun(experiment, run_id)
        _run_printing.say_submitted(run)
        return run

    def _shown(self) -> dict[str, str]:
        return {"Name": self._name, "Id": self._id, "Status": self._status, "Endpoint": self.endpoint}

    def __repr__(self) -> str:
        shown = ",\n".join(f"{name}: {value}" for name, value in self._shown().items())
        return f"Pipeline({shown})"

    def _repr_html_(self) -> str:
        return _notebook_tables.row_of(self._shown(), {})
