"""`Pipeline.publish` and `PipelineRun.publish_pipeline`. Imported at their first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.execution import publishing
from airflow_ml.execution.publishing import Publication
from airflow_ml.execution.services import open_services
from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph

__all__ = ["Publication", "publish_graph", "publish_run"]


def publish_graph(workspace: Workspace, graph: Graph, publication: Publication) -> PublishedPipeline:
    """
    Publish a graph, and capture the code that it names.

    Raises:
        UserErrorException: Airflow is parsing a DAG file, something that the graph names is not in the workspace, or
            code cannot be captured.
    """
    workspace.registry()  # refuses while a DAG file is parsed
    with open_services(workspace.ref) as services:
        return PublishedPipeline._of(workspace, publishing.publish(services, graph, publication))


def publish_run(workspace: Workspace, run_id: str, publication: Publication) -> PublishedPipeline:
    """
    Publish the pipeline that was run.

    Raises:
        UserErrorException: there is no such run, or it has no graph.
    """
    run = workspace.registry().runs.get(run_id)
    with open_services(workspace.ref) as services:
        return PublishedPipeline._of(workspace, publishing.publish_run(services, run, publication))
