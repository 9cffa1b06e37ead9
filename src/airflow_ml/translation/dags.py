"""
From a graph to an Airflow DAG or task group.

Every pipeline begins with `reuse_check` and ends with `pipeline_end`; between them stands one task per step, named
by the step's id. `PipelineRef` tells all of them which pipeline run of the workspace they belong to.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_ml.exceptions import GraphError
from airflow_ml.translation.params import add_params, make_params
from airflow_ml.translation.reuse_param import add_reuse_param
from airflow_ml.translation.tasks import add_tasks

if TYPE_CHECKING:
    from airflow_ml.graph import Graph

__all__ = ["to_dag", "to_task_group"]


def to_dag(graph: Graph, dag_id: str, **dag_arguments: Any) -> DAG:
    """
    Return a DAG that runs the graph. Besides the pipeline's parameters it has the param `reuse`.

    Args:
        dag_arguments: what Airflow's DAG takes, and three of ours: `experiment` (default: the DAG's id) collects the
            runs; `continue_on_step_failure` (default False, as in v1) lets steps go on that do not need a failed one;
            `has_templates` (default False) renders texts in arguments and parameters, as DAG files of teams have it.

    Raises:
        ValueError: a param of the DAG is called like a parameter of the pipeline.
    """
    experiment = dag_arguments.pop("experiment", None) or dag_id
    continue_on_failure = bool(dag_arguments.pop("continue_on_step_failure", False))
    has_templates = bool(dag_arguments.pop("has_templates", False))
    params = dict(dag_arguments.pop("params", None) or {})
    for parameter in graph.parameters:
        if parameter.name in params:
            raise GraphError(f"DAG {dag_id!r}: {parameter.name!r} is a param and a pipeline parameter; rename one")
    dag_arguments.setdefault("description", graph.description)
    dag = DAG(dag_id, params={**params, **make_params(graph.parameters)}, **dag_arguments)
    with dag:
        add_tasks(graph, experiment=experiment, continue_on_failure=continue_on_failure, has_templates=has_templates)
    add_reuse_param(dag.params)
    return dag


def to_task_group(graph: Graph, group_id: str, **group_arguments: Any) -> TaskGroup:
    """
    Return a task group that runs the graph inside the DAG that is being written.

    The pipeline's parameters and `reuse` become params of that DAG.

    Args:
        group_arguments: what Airflow's TaskGroup takes, and the three of ours that `to_dag` has.

    Raises:
        ValueError: no DAG is being written, or it has a param of a parameter's name with another default.
    """
    experiment = group_arguments.pop("experiment", None)
    continue_on_failure = bool(group_arguments.pop("continue_on_step_failure", False))
    has_templates = bool(group_arguments.pop("has_templates", False))
    dag = group_arguments.get("dag") or DagContext.get_current()
    if dag is None:
        raise GraphError(f"task group {group_id!r}: no DAG is being written; call to_task_group inside `with DAG(...)`")
    add_params(dag.params, graph.parameters, where=f"task group {group_id!r}")
    # A DAG that was given need not be the one of a `with` around this call.
    with dag if dag is not DagContext.get_current() else nullcontext(), TaskGroup(group_id, **group_arguments) as group:
        add_tasks(
            graph,
            experiment=experiment or dag.dag_id,
            continue_on_failure=continue_on_failure,
            has_templates=has_templates,
        )
    add_reuse_param(dag.params)
    return group
