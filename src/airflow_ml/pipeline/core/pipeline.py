"""A set of steps as one pipeline (`azureml.pipeline.core.pipeline`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml._refusals import refuse_unknown
from airflow_ml.data._caller import base_directory, is_parsing_dag
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException
from airflow_ml.graph import find_problems, mode_of_submit
from airflow_ml.pipeline import _engine
from airflow_ml.pipeline.core._assembly import NO_POLICY, AssemblyOptions, assemble
from airflow_ml.pipeline.core._submit_arguments import refuse_arguments, submitted_values
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn

    from airflow_ml.compute import gpu_limits
    from airflow_ml.core import experiment as core_experiment
    from airflow_ml.core import reuse_policy as policies
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.reuse_policy import ReusePolicy
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph import Graph, ReuseMode
    from airflow_ml.pipeline.core import _publishing as publishing
    from airflow_ml.pipeline.core import _run_printing as run_printing
    from airflow_ml.pipeline.core import _v1_yaml as pipeline_files
    from airflow_ml.pipeline.core import _values as parameter_values
    from airflow_ml.pipeline.core import run as pipeline_run
    from airflow_ml.pipeline.core.builder import PipelineStep
    from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_ml.pipeline.core.run import PipelineRun
else:
    # A DAG file builds pipelines and starts none.
    core_experiment = late("airflow_ml.core.experiment")
    gpu_limits = late("airflow_ml.compute.gpu_limits")
    policies = late("airflow_ml.core.reuse_policy")
    parameter_values = late("airflow_ml.pipeline.core._values")
    pipeline_run = late("airflow_ml.pipeline.core.run")
    publishing = late("airflow_ml.pipeline.core._publishing")
    run_printing = late("airflow_ml.pipeline.core._run_printing")
    pipeline_files = late("airflow_ml.pipeline.core._v1_yaml")

__all__ = ["Pipeline"]


class Pipeline:
    """
    A set of steps; the graph is built when the object is made.

    Producers of inputs and `run_after` predecessors need not be listed. Nesting lists orders nothing; data, `run_after`
    and StepSequence do.

    Args:
        steps: a step, a PipelineData (its producer), a list, nested lists, or a StepSequence.
        default_datastore: where outputs without a datastore go; None means the workspace's default.
        default_source_directory: for steps without one; relative to the DAG file, or to the current folder elsewhere.
        resolve_closure: with False, a step that is needed but not listed is an error.
        reuse_policy: how results of earlier runs are taken, for steps that do not say it themselves.
        kwargs: `enable_email_notification` is accepted without effect, as notifications are Airflow's.

    Raises:
        ValueError: anything in the steps that cannot work; the text names the step and the thing.
        NotImplementedError: `steps` is of another type, such as a tuple.
    """

    def __init__(
        self,
        workspace: Workspace,
        steps: object,
        description: str | None = None,
        default_datastore: AbstractDatastore | None = None,
        default_source_directory: str | None = None,
        resolve_closure: bool = True,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
        *,
        reuse_policy: ReusePolicy | None = None,
        **kwargs: object,
    ) -> None:
        refuse_unknown(kwargs, where="Pipeline", known=["enable_email_notification"], error=GraphError)
        if not hasattr(workspace, "_compute_declarations"):
            raise GraphError(f"Pipeline: {workspace!r} is no workspace; give one, such as Workspace.from_config()")
        if default_datastore is not None and not isinstance(getattr(default_datastore, "name", None), str):
            raise GraphError(
                f"Pipeline: default_datastore {default_datastore!r} is no datastore; give the object that"
                " Datastore.get returns"
            )
        self._workspace = workspace
        self._description = description
        self._graph, self._steps = assemble(
            steps,
            AssemblyOptions(
                name=description or "pipeline",
                workspace=workspace.ref,
                description=description,
                default_datastore=None if default_datastore is None else default_datastore.name,
                default_source_directory=default_source_directory,
                resolve_closure=resolve_closure,
                base_directory=base_directory(),
                declarations=tuple(workspace._compute_declarations),
                reuse=NO_POLICY if reuse_policy is None else policies.policy_of_graph(reuse_policy, where="Pipeline"),
            ),
        )
        if not is_parsing_dag():
            self._check_compute()

    @classmethod
    def _of_graph(cls, workspace: Workspace, graph: Graph) -> Pipeline:
        """Return the pipeline of a graph that was built before."""
        pipeline = cls.__new__(cls)
        pipeline._workspace, pipeline._description, pipeline._graph, pipeline._steps = (
            workspace,
            graph.description,
            graph,
            [],
        )
        return pipeline

    @property
    def workspace(self) -> Workspace:
        """The workspace that the pipeline was built for."""
        return self._workspace

    @property
    def graph(self) -> Graph:
        """The pipeline as plain data: steps, ports, parameters (not v1's Graph of nodes and edges)."""
        return self._graph

    def validate(self) -> list[str]:
        """
        Return one sentence per problem; an empty list when the pipeline can run.

        Never raises for a problem of the graph (v1 behaviour). When all is fine, a line per step is printed.
        """
        problems = find_problems(self._graph)
        if not problems:
            for step in self._graph.steps:
                print(f"Step {step.name} is ready to be created [{step.id}]")  # noqa: T201 - v1 prints this
        return problems

    def _set_experiment_name(self, name: str) -> None:
        """Do nothing: submit says the experiment. Private in v1, and yet named by templates that many people use."""

    def service_endpoint(self) -> NoReturn:
        """Raise NotSupportedError: no service stands behind a pipeline."""
        raise NotSupportedError(
            "Pipeline.service_endpoint: no service stands behind a pipeline here; runs are started by submit, and DAGs"
            " made with to_dag by Airflow, whose REST API has its own address"
        )

    @staticmethod
    def load_yaml(
        workspace: Workspace, filename: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> Pipeline:
        """
        Build a pipeline from a YAML file: v1's (with steps of type PythonScriptStep), or one that our runs save.

        Relative source directories start where those of a pipeline in Python would.

        Raises:
            ValueError: the file has another shape, or anything in it that cannot work.
            NotSupportedError: a step of another type.
        """
        return pipeline_files.load_pipeline(workspace, filename)

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: Mapping[str, object] | None = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        parent_run_id: str | None = None,
        credential_passthrough: bool | None = None,
        *,
        reuse: ReuseMode | None = None,
        **kwargs: Any,
    ) -> PipelineRun:
        """
        Start a run and return at once; the same as `Experiment(workspace, name).submit(pipeline)`.

        Args:
            pipeline_parameters: values by parameter name; an unknown name is an error.
            regenerate_outputs: True runs every step, whatever results exist; the same as `reuse="refresh"`.
            reuse: how results of earlier runs are used: `normal` (the default) takes those that are there, `off` runs
                every step and offers nothing to later runs, `refresh` runs every step and offers its results.

        Raises:
            UserErrorException: an unknown parameter, or a value of another kind than its default.
            ValueError: the graph has a cycle.
        """
        return self._submit_to(
            core_experiment.Experiment(self._workspace, experiment_name),
            pipeline_parameters=pipeline_parameters,
            continue_on_step_failure=continue_on_step_failure,
            regenerate_outputs=regenerate_outputs,
            parent_run_id=parent_run_id,
            credential_passthrough=credential_passthrough,
            reuse=reuse,
            **kwargs,
        )

    def to_dag(self, dag_id: str, **dag_arguments: Any) -> Any:
        """
        Return an Airflow DAG that runs this pipeline.

        Args:
            dag_id: the DAG's id; also the name of the experiment that collects its runs.
            dag_arguments: anything that Airflow's DAG takes: `schedule`, `start_date`, `tags`, `default_args`, ...

        Returns:
            An `airflow.sdk.DAG`. Keep it in a variable of the DAG file, where Airflow looks for it.

        Raises:
            ValueError: the graph has a cycle.
        """
        self._refuse_problems()
        return _engine.to_dag(self._graph, dag_id, has_templates=True, **dag_arguments)

    def to_task_group(self, group_id: str, **group_arguments: Any) -> Any:
        """
        Return this pipeline as a task group of the DAG that is being written (`with DAG(...)`).

        Returns:
            An `airflow.sdk.TaskGroup`; put it before and behind other tasks with `>>`.

        Raises:
            ValueError: the graph has a cycle.
        """
        self._refuse_problems()
        return _engine.to_task_group(self._graph, group_id, has_templates=True, **group_arguments)

    def publish(
        self,
        name: str | None = None,
        description: str | None = None,
        version: str | None = None,
        continue_on_step_failure: bool | None = None,
        *,
        wait: bool = False,
    ) -> PublishedPipeline:
        """
        Store the pipeline with its code, so that it can be started without both, by id or by REST.

        What stands in the source directories now is what its runs execute, whatever becomes of the folders.

        Args:
            name: need not be unique; the pipeline's description unless given.
            continue_on_step_failure: for runs that say nothing else; None means no.
            wait: return when an Airflow that has no plugin of ours has found its DAG, too; see
                `PublishedPipeline.runnable`.

        Raises:
            UserErrorException: something that the pipeline names is not in the workspace, or code cannot be captured.
            ValueError: the graph has a cycle.
        """
        self._refuse_problems()
        _engine.announce(self._graph)
        _save_datasets(self._steps, self._workspace)
        said = publishing.Publication(name, description, version, continue_on_step_failure)
        return publishing.publish_graph(self._workspace, self._graph, said, wait=wait)

    def _submit_to(
        self,
        experiment: Experiment,
        *,
        tags: Mapping[str, str] | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        pipeline_params: Mapping[str, object] | None = None,
        continue_on_step_failure: bool = False,
        regenerate_outputs: bool = False,
        reuse: ReuseMode | None = None,
        **kwargs: object,
    ) -> PipelineRun:
        refuse_arguments(kwargs)
        mode = mode_of_submit(reuse, regenerate_outputs=regenerate_outputs)
        if experiment.workspace.ref != self._workspace.ref:
            raise UserErrorException(
                f"experiment {experiment.name!r} is of workspace {experiment.workspace.name!r}, the pipeline of"
                f" {self._workspace.name!r}; make both for the same workspace"
            )
        values = submitted_values(pipeline_parameters, pipeline_params)
        self._refuse_problems()
        parameters = parameter_values.parameter_values(self._graph, values, self._workspace)
        submission: dict[str, Any] = {
            "experiment": experiment.name,
            "parameters": parameters,
            "tags": dict(tags or {}),
            "continue_on_step_failure": continue_on_step_failure,
            "reuse": mode,
            "properties": {},
        }
        _engine.announce(self._graph, **submission)
        _save_datasets(self._steps, self._workspace)
        run_id = _engine.submit(self._graph, **submission)
        run = pipeline_run.PipelineRun(experiment, run_id)
        run_printing.say_created_steps(run)
        run_printing.say_submitted(run)
        return run

    def _refuse_problems(self) -> None:
        problems = find_problems(self._graph)
        if problems:
            raise GraphError("; ".join(problems))

    def _check_compute(self) -> None:
        """Ask the workspace for compute targets by name, as v1 does while building."""
        named = {step.compute: step.name for step in reversed(self._graph.steps) if step.compute is not None}
        declared = {declaration.name for declaration in self._graph.compute_declarations}
        # v1 rule: a pair of name and type is for a target that is not there yet.
        later = {step._compute_of_later for step in self._steps}
        missing = [name for name in named if name not in declared and name not in later]
        if not missing:
            return
        known = self._workspace.compute_targets
        for name in missing:
            if name not in known:
                raise GraphError(
                    f"step {named[name]!r}: compute target {name!r} is not in workspace {self._workspace.name!r};"
                    " create it with ComputeTarget.create, or correct the name"
                )
        for step in self._graph.steps:
            if step.settings.get("gpus") and step.compute in missing:
                record = self._workspace.registry().compute_targets.find(step.compute)
                if record is not None:
                    gpu_limits.refuse_too_many_gpus(f"step {step.name!r}", step.settings["gpus"], record)


def _save_datasets(steps: Sequence[PipelineStep], workspace: Workspace) -> None:
    """Give the datasets that steps read an id, as v1 does: notebooks print it after the submit."""
    for step in steps:
        for bound in step._given.inputs:
            data = bound.data.default_value if isinstance(bound.data, PipelineParameter) else bound.data
            if isinstance(data, AbstractDataset) and data.source.definition is not None:
                data.ensure_saved(workspace)
