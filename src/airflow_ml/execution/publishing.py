"""
Published pipelines: what is kept of a pipeline so that it can run without the code that built it.

Publishing looks everything up that a submit does, and captures the source directories: the graph that is stored names
snapshots, so a run of it executes the code of that moment, whatever became of the folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.captures import capture_all, with_snapshots
from airflow_ml.execution.graph_checks import check_graph
from airflow_ml.graph import from_json, to_json
from airflow_ml.registry import EndpointNotFoundError, EndpointRecord

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Graph, Json
    from airflow_ml.registry import PublishedPipelineRecord, Registry, RunRecord

__all__ = [
    "PIPELINE_ID",
    "Publication",
    "endpoint_to_run",
    "graph_of_run",
    "graph_to_run",
    "kept_graph",
    "pipeline_of_endpoint",
    "properties_of",
    "publish",
    "publish_run",
    "refuse_inactive",
    "stored_graph",
]

#: v1's property of the runs of a published pipeline: its id.
PIPELINE_ID = "azureml.pipelineid"


@dataclass(frozen=True)
class Publication:
    """What is said of a pipeline when it is published; without a name it has its graph's."""

    name: str | None = None
    description: str | None = None
    version: str | None = None
    continue_on_step_failure: bool | None = None


def publish(services: Services, graph: Graph, publication: Publication) -> PublishedPipelineRecord:
    """
    Publish the pipeline of a graph.

    Raises:
        UserErrorException: something that the graph names is not there or not right, or code cannot be captured.
    """
    return _store(services, kept_graph(services, graph), publication)


def kept_graph(services: Services, graph: Graph) -> Graph:
    """
    Return a graph that needs no folder any more: it names snapshots of its code, which are captured.

    Raises:
        UserErrorException: something that the graph names is not there or not right, or code cannot be captured.
    """
    check_graph(services, graph, {})
    return with_snapshots(graph, capture_all(services, graph))


def publish_run(services: Services, run: RunRecord, publication: Publication) -> PublishedPipelineRecord:
    """
    Publish the pipeline that was run, with the code that was run; parameters keep the defaults of its graph (v1).

    Raises:
        UserErrorException: the run has no graph, because its operators were written by hand, or its code was not kept.
    """
    return _store(services, graph_of_run(services.registry, run), publication)


def graph_of_run(registry: Registry, run: RunRecord) -> Graph:
    """
    Return the graph that was run, with the code that was run.

    Raises:
        UserErrorException: as `publish_run`.
    """
    text = registry.runs.graph(run.id)
    if text is None:
        raise UserErrorException(
            f"run {run.id}: it has no graph, because its operators were written by hand; publish a Pipeline"
        )
    taken = cast("Mapping[str, Mapping[str, Json]]", run.details.get("snapshots") or {})
    graph = with_snapshots(from_json(text), taken)
    for step in graph.steps:
        if step.source_directory is not None:
            raise UserErrorException(f"run {run.id}: the code of step {step.name!r} was not kept; publish a Pipeline")
    return graph


def graph_to_run(registry: Registry, pipeline_id: str) -> tuple[PublishedPipelineRecord, Graph]:
    """
    Return a published pipeline and its graph for a new run.

    Raises:
        PublishedPipelineNotFoundError: there is none of that id.
        UserErrorException: it is disabled.
    """
    record = registry.published_pipelines.get(pipeline_id)
    refuse_inactive(record)
    return record, stored_graph(registry, pipeline_id)


def refuse_inactive(record: PublishedPipelineRecord | EndpointRecord) -> None:
    """Raise UserErrorException for what takes no runs."""
    if not record.is_active:
        kind = "pipeline endpoint" if isinstance(record, EndpointRecord) else "published pipeline"
        raise UserErrorException(
            f"{kind} {record.name!r} ({record.id}) is {record.status} and takes no runs; enable it first"
        )


def endpoint_to_run(
    registry: Registry, *, endpoint_id: str | None = None, name: str | None = None, version: str | None = None
) -> str:
    """
    Return the id of the published pipeline that an endpoint runs now.

    Args:
        name: in the place of the id.
        version: the default one if None.

    Raises:
        EndpointNotFoundError: there is no such endpoint, or no such version of it.
        UserErrorException: it is disabled.
    """
    endpoints = registry.pipeline_endpoints
    record = endpoints.get(endpoint_id) if endpoint_id is not None else endpoints.named(name or "")
    refuse_inactive(record)
    return pipeline_of_endpoint(record, version)[1]


def pipeline_of_endpoint(record: EndpointRecord, version: str | None) -> tuple[str, str]:
    """
    Return a version of an endpoint, the default one if None, and the id of its published pipeline.

    Raises:
        EndpointNotFoundError: there is no such version.
    """
    chosen = record.default_version if version is None else version
    if chosen not in record.versions:
        raise EndpointNotFoundError(
            f"pipeline endpoint {record.name!r}: it has no version {chosen!r}; its versions are"
            f" {', '.join(record.versions)}"
        )
    return chosen, record.versions[chosen]


def stored_graph(registry: Registry, pipeline_id: str) -> Graph:
    """
    Return the graph of a published pipeline.

    Raises:
        PublishedPipelineNotFoundError: there is none of that id.
    """
    return from_json(registry.published_pipelines.graph(pipeline_id))


def properties_of(record: PublishedPipelineRecord) -> dict[str, str]:
    """Return v1's property of a published pipeline's runs."""
    return {PIPELINE_ID: record.id}


def _text(value: object) -> str | None:
    """Return a value as text, which v1 made of numbers too: templates publish with `version=0.1`."""
    return None if value is None else str(value)


def _store(services: Services, graph: Graph, publication: Publication) -> PublishedPipelineRecord:
    return services.registry.published_pipelines.add(
        publication.name or graph.name,
        graph_json=to_json(graph),
        steps=len(graph.steps),
        description=_text(publication.description),
        version=_text(publication.version),
        continue_on_step_failure=publication.continue_on_step_failure,
    )
