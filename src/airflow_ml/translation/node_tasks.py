"""The tasks of a distributed step's other nodes: how many there are, how they are called, and what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import GraphError
from airflow_ml.graph import ParameterRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.graph import Graph, Step

__all__ = ["node_arguments", "node_task_id", "node_task_ids", "nodes_of", "refuse_nodes"]


def nodes_of(graph: Graph, step: Step) -> int:
    """Return the number of nodes; of a parameter the default, as its value is not known before the run."""
    given = step.run_settings.get("node_count", 1)
    if isinstance(given, ParameterRef):
        given = graph.parameter(given.name).default
    return given if isinstance(given, int) and given > 0 else 1


def node_task_id(step_id: str, node: int) -> str:
    """Return the id of the task of another node than the first."""
    return f"{step_id}-node-{node}"


def node_task_ids(graph: Graph, step: Step) -> list[str]:
    """
    Return the ids of the tasks of all nodes but the first.

    Raises:
        GraphError: another step has such an id.
    """
    ids = [node_task_id(step.id, node) for node in range(1, nodes_of(graph, step))]
    taken = {item.id for item in graph.steps} if ids else ()
    for task_id in ids:
        if task_id in taken:
            raise GraphError(
                f"{graph.title(step)}: the task of one of its nodes would be called {task_id!r}, as another step is;"
                " rename that"
            )
    return ids


def node_arguments(placed: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the operator's arguments of other nodes: where they run, from those of the step's task.

    Their slots of the compute target are taken by the step's task, all at once.
    """
    return {name: value for name, value in placed.items() if name in ("queue", "executor", "executor_config")}


def refuse_nodes(graph: Graph, step: Step) -> None:
    """
    Refuse several nodes where there is one task alone.

    Raises:
        GraphError: the step, which is written by hand, asks for them.
    """
    count = nodes_of(graph, step)
    if count > 1:
        raise GraphError(
            f"task {step.id!r}: node_count is {count}, and a step that is written by hand is one task; make the steps a"
            " Pipeline and use its to_dag or to_task_group, or take one node with more processes"
        )
