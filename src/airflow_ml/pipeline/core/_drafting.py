"""What drafts of pipelines do; imported at its first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_ml.core.experiment import Experiment
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.execution import publishing
from airflow_ml.execution.publishing import Publication
from airflow_ml.execution.run_parameters import run_parameters
from airflow_ml.execution.services import open_services
from airflow_ml.graph import from_json, resolve_parameters, to_json
from airflow_ml.pipeline import _engine
from airflow_ml.pipeline.core import _publishing, _run_printing, _submit_arguments, _values
from airflow_ml.pipeline.core.pipeline import Pipeline, _save_datasets
from airflow_ml.pipeline.core.pipeline_draft import PipelineDraft
from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
from airflow_ml.pipeline.core.run import PipelineRun
from airflow_ml.registry import DraftContent

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph, Json
    from airflow_ml.registry import PipelineDraftRecord

__all__ = [
    "DraftSource",
    "Said",
    "create",
    "experiment_of",
    "graph_of",
    "publish",
    "refuse_arguments",
    "start",
    "update",
]

#: What a draft can be made from.
DraftSource: TypeAlias = "Pipeline | PublishedPipeline | PipelineRun | PipelineDraft"


@dataclass(frozen=True)
class Said:
    """What a caller says of a draft; None says nothing."""

    name: str | None = None
    description: str | None = None
    experiment: str | None = None
    parameters: Mapping[str, object] | None = None
    continue_on_step_failure: bool | None = None
    tags: Mapping[str, str] | None = None


def create(workspace: Workspace, source: DraftSource, said: Said, properties: Mapping[str, str]) -> PipelineDraftRecord:
    """Keep a new draft of what it is made from, with what is said of it."""
    content = replace(_content_of(workspace, source), properties=_texts(properties))
    return workspace.registry().pipeline_drafts.create(_with(workspace, content, said))


def update(
    workspace: Workspace, record: PipelineDraftRecord, source: DraftSource | None, said: Said
) -> PipelineDraftRecord:
    """Change a draft: its pipeline, if one is given, and what is said."""
    content = record.content
    if source is not None:
        new = _content_of(workspace, source)
        content = replace(
            content, graph_json=new.graph_json, parameters={**content.parameters, **new.parameters}, parents=new.parents
        )
    return workspace.registry().pipeline_drafts.put(record.id, _with(workspace, content, said))


def graph_of(record: PipelineDraftRecord) -> Graph:
    """Return a draft's graph."""
    return from_json(record.content.graph_json)


def experiment_of(workspace: Workspace, name: str) -> Experiment:
    """Return the experiment of that name."""
    return Experiment(workspace, name)


def refuse_arguments(experiment: Experiment, workspace: Workspace, arguments: Mapping[str, object]) -> None:
    """Refuse what a draft's run cannot be told, and an experiment of another workspace."""
    _submit_arguments.refuse_arguments(arguments)
    if experiment.workspace.ref != workspace.ref:
        raise UserErrorException(
            f"experiment {experiment.name!r} is of workspace {experiment.workspace.name!r}, the draft of"
            f" {workspace.name!r}; use one workspace for both"
        )


def start(record: PipelineDraftRecord, experiment: Experiment, tags: Mapping[str, str]) -> PipelineRun:
    """Start a run of a draft; it has the draft's tags besides its own."""
    content, graph = record.content, graph_of(record)
    submission: dict[str, Any] = {
        "experiment": experiment.name,
        "parameters": dict(content.parameters),
        "tags": {**content.tags, **tags},
        "continue_on_step_failure": bool(content.continue_on_step_failure),
        "reuse": "normal",
        "properties": {"azureml.pipelinedraftid": record.id},
    }
    _engine.announce(graph, **submission)
    run_id = _engine.submit(graph, **submission)
    experiment.workspace.registry().pipeline_drafts.set_last_run(record.id, run_id)
    run = PipelineRun(experiment, run_id)
    _run_printing.say_submitted(run)
    return run


def publish(workspace: Workspace, record: PipelineDraftRecord) -> PublishedPipeline:
    """Publish a draft's pipeline, with the draft's values as defaults of its parameters."""
    content, graph = record.content, graph_of(record)
    values = content.parameters
    parameters = [
        replace(parameter, default=values[parameter.name], default_dataset=None)
        if values.get(parameter.name, parameter.default) != parameter.default
        else parameter
        for parameter in graph.parameters
    ]
    said = Publication(content.name, content.description, continue_on_step_failure=content.continue_on_step_failure)
    return _publishing.publish_graph(workspace, replace(graph, parameters=tuple(parameters)), said)


def _content_of(workspace: Workspace, source: DraftSource) -> DraftContent:
    """Return the content of a draft that is made from something, before anything is said of it."""
    _refuse_other_workspace(workspace, source)
    if isinstance(source, Pipeline):
        source._refuse_problems()
        _engine.announce(source.graph)
        _save_datasets(source._steps, workspace)
        with open_services(workspace.ref) as services:
            return _content(publishing.kept_graph(services, source.graph))
    if isinstance(source, PublishedPipeline):
        return replace(
            _content(source.get_graph()),
            name=source.name,
            continue_on_step_failure=source.continue_on_step_failure,
            parents={"pipeline": source.id},
        )
    if isinstance(source, PipelineRun):
        run = workspace.registry().runs.get(source.id)
        return replace(
            _content(publishing.graph_of_run(workspace.registry(), run)),
            experiment=run.experiment,
            parameters=run_parameters(run),
            parents={"run": run.id},
        )
    if isinstance(source, PipelineDraft):
        record = source._record()
        return replace(record.content, parents={"draft": record.id})
    raise GraphError(
        f"pipeline draft: {source!r} is no pipeline; give a Pipeline, PublishedPipeline, PipelineRun or PipelineDraft"
    )


def _refuse_other_workspace(workspace: Workspace, source: DraftSource) -> None:
    other = source.experiment.workspace if isinstance(source, PipelineRun) else getattr(source, "workspace", workspace)
    if other.ref != workspace.ref:
        raise UserErrorException(
            f"pipeline draft: the pipeline is of workspace {other.name!r}, the draft of {workspace.name!r}; use one"
            " workspace for both"
        )


def _content(graph: Graph) -> DraftContent:
    return DraftContent(name=graph.name, graph_json=to_json(graph), description=graph.description)


def _with(workspace: Workspace, content: DraftContent, said: Said) -> DraftContent:
    """Return the content with what is said of it, once its values are those of its pipeline."""
    graph = from_json(content.graph_json)
    given = _values.parameter_values(graph, said.parameters or {}, workspace)
    values: dict[str, Json] = {**content.parameters, **given}
    resolve_parameters(graph, values)  # values that were given before, of a pipeline that may be another one now
    changes: dict[str, Any] = {
        "name": said.name,
        "description": said.description,
        "experiment": said.experiment,
        "continue_on_step_failure": said.continue_on_step_failure,
        "tags": None if said.tags is None else _texts(said.tags),
    }
    if said.experiment is not None:
        Experiment(workspace, said.experiment)  # refuses a name that cannot be
    known = {name: value for name, value in changes.items() if value is not None}
    return replace(content, parameters=values, **known)


def _texts(labels: Mapping[str, str]) -> dict[str, str]:
    return {str(name): str(value) for name, value in labels.items()}
