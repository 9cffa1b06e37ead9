"""`Pipeline.publish` and `PipelineRun.publish_pipeline`. Imported at their first use."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from airflow_ml.execution import publishing
from airflow_ml.execution.publishing import Publication
from airflow_ml.execution.services import open_services
from airflow_ml.pipeline import _engine
from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph
    from airflow_ml.registry import PublishedPipelineRecord

__all__ = ["Publication", "publish_graph", "publish_run"]


def publish_graph(
    workspace: Workspace, graph: Graph, publication: Publication, *, wait: bool = False
) -> PublishedPipeline:
    """
    Publish a graph, and capture the code that it names.

    Args:
        wait: return when its DAG can be triggered.

    Raises:
        UserErrorException: Airflow is parsing a DAG file, something that the graph names is not in the workspace, or
            code cannot be captured.
    """
    workspace.registry()  # refuses while a DAG file is parsed
    with open_services(workspace.ref) as services:
        record = publishing.publish(services, graph, publication)
    return _offered(workspace, record, wait=wait)


def publish_run(
    workspace: Workspace, run_id: str, publication: Publication, *, wait: bool = False
) -> PublishedPipeline:
    """
    Publish the pipeline that was run.

    Args:
        wait: return when its DAG can be triggered.

    Raises:
        UserErrorException: there is no such run, or it has no graph.
    """
    run = workspace.registry().runs.get(run_id)
    with open_services(workspace.ref) as services:
        record = publishing.publish_run(services, run, publication)
    return _offered(workspace, record, wait=wait)


def _offered(workspace: Workspace, record: PublishedPipelineRecord, *, wait: bool) -> PublishedPipeline:
    """Make the published pipeline's DAG runnable, and say when it is."""
    published = PublishedPipeline._of(workspace, record)
    dag_id, published._runnable = _engine.offer_published(workspace.ref, record.id, wait=wait)
    if published._runnable != "no service":
        sys.stdout.write(f"Published pipeline {record.name}: DAG {dag_id} can be triggered {published._runnable}\n")
    return published
