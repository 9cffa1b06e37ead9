"""The tasks of one pipeline: where every operator of a translated graph is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions._internal.contextmanager import TaskGroupContext

from airflow_ml._late import late
from airflow_ml.translation.assets import assets_of
from airflow_ml.translation.node_tasks import node_arguments, node_task_ids
from airflow_ml.translation.pipeline_ref import PipelineRef
from airflow_ml.translation.pools import pool_arguments, pool_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import BaseOperator

    from airflow_ml.graph import Graph, Step

__all__ = ["add_tasks"]

# Operators stand above this room, because they can also be written by hand; they are reached here alone.
_operators = late("airflow_ml.operators")


#: Names of the operators, by the kind of step.
_CLASSES = {
    "python_script": "PythonScriptStepOperator",
    "command": "StepOperator",
    "data_transfer": "DataTransferStepOperator",
}

#: A script run is started once: its record is that of its one attempt.
_ONCE = {"retries": 0}


def add_tasks(graph: Graph, *, experiment: str, continue_on_failure: bool, has_templates: bool = False) -> None:
    """Add the graph's tasks to the DAG or task group that is being written, with their order."""
    group = TaskGroupContext.get_current()
    ref = PipelineRef(
        graph=graph,
        experiment=experiment,
        group_id=(group.group_id if group is not None else None) or "",
        continue_on_failure=continue_on_failure,
        has_templates=has_templates,
    )
    start = _operators.ReuseCheckOperator(task_id="reuse_check", pipeline=ref)
    end = _operators.PipelineEndOperator(task_id="pipeline_end", pipeline=ref, first_task_id=start.task_id)
    one_of_each = {pool_key(step): step for step in graph.steps}
    pools = {key: pool_arguments(graph, step) for key, step in one_of_each.items()}
    tasks = {
        step.id: getattr(_operators, _CLASSES[step.kind])(
            task_id=step.id,
            pipeline=ref,
            step=step,
            outlets=assets_of(graph, step),
            **pools[pool_key(step)],
            **(_ONCE if graph.is_script_run else {}),
        )
        for step in graph.steps
    }
    nodes = {step.id: _nodes_of(graph, step, ref, pools[pool_key(step)]) for step in graph.steps}
    needed: set[str] = set()
    for step in graph.steps:
        upstream = step.upstream
        needed.update(upstream)
        for task in (tasks[step.id], *nodes[step.id]):
            _link([tasks[name] for name in upstream] or [start], task)
    _link([task for step_id, task in tasks.items() if step_id not in needed], end)
    _link([task for others in nodes.values() for task in others], end)


def _nodes_of(graph: Graph, step: Step, ref: PipelineRef, placed: Mapping[str, Any]) -> list[BaseOperator]:
    """Make the tasks of the other nodes of a distributed step; none for all other steps."""
    return [
        _operators.StepNodeOperator(
            task_id=task_id,
            pipeline=ref,
            step=step,
            node=number,
            **node_arguments(placed),
            **(_ONCE if graph.is_script_run else {}),
        )
        for number, task_id in enumerate(node_task_ids(graph, step), start=1)
    ]


def _link(earlier: list[BaseOperator], later: BaseOperator) -> None:
    """Put a task behind others of the same pipeline."""
    # `set_upstream` looks for each edge anew whether its tasks share a DAG: a tenth of the time of a large DAG file.
    for task in earlier:
        task.downstream_task_ids.add(later.task_id)
        later.upstream_task_ids.add(task.task_id)
