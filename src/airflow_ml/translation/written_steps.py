"""The step operators that the DAGs of a file hold beside whole pipelines, as graphs: one per DAG and workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import DAG
from airflow.sdk.definitions._internal.contextmanager import DagContext

from airflow_ml._late import late
from airflow_ml.graph import Graph

if TYPE_CHECKING:
    from types import ModuleType

    from airflow_ml.graph import Parameter, Step, WorkspaceRef

__all__ = ["recorded_dags"]

# Operators stand above this room, because they can also be written by hand.
_operators = late("airflow_ml.operators")


@contextmanager
def recorded_dags(module: ModuleType) -> Iterator[Callable[[], list[Graph]]]:
    """
    Note the DAGs that a module makes, and give what finds the steps of theirs that were written by hand.

    Airflow knows a DAG by its variable, or by `with DAG(...)` at the top level of the file, as here.
    """
    before = DagContext.current_autoregister_module_name
    DagContext.current_autoregister_module_name = module.__name__
    try:
        yield lambda: _graphs(_dags_of(module))
    finally:
        DagContext.current_autoregister_module_name = before
        DagContext.autoregistered_dags = {item for item in DagContext.autoregistered_dags if item[1] is not module}


def _dags_of(module: ModuleType) -> list[DAG]:
    registered = [dag for dag, owner in DagContext.autoregistered_dags if owner is module]
    named = [value for value in vars(module).values() if isinstance(value, DAG)]
    return sorted({id(dag): dag for dag in (*registered, *named)}.values(), key=lambda dag: str(dag.dag_id))


def _graphs(dags: Iterable[DAG]) -> list[Graph]:
    return [graph for dag in dags for graph in _graphs_of(dag)]


def _graphs_of(dag: DAG) -> Iterator[Graph]:
    """Return what the operators of one DAG run would record in one pipeline run, as one graph."""
    by_workspace: dict[WorkspaceRef, list[Graph]] = {}
    for task in dag.topological_sort():  # type: ignore[no-untyped-call]  # Airflow gives it no types
        if getattr(task, "is_by_hand", False) and isinstance(task, _operators.PythonScriptStepOperator):
            graph: Graph = task.pipeline.graph
            by_workspace.setdefault(graph.workspace, []).append(graph)
    for workspace, graphs in by_workspace.items():
        yield _joined(str(dag.dag_id), workspace, graphs)


def _joined(name: str, workspace: WorkspaceRef, graphs: list[Graph]) -> Graph:
    steps: list[Step] = [step for graph in graphs for step in graph.steps]
    parameters: dict[str, Parameter] = {item.name: item for graph in graphs for item in graph.parameters}
    declarations = {item.name: item for graph in graphs for item in graph.compute_declarations}
    return Graph(
        name=name,
        workspace=workspace,
        steps=tuple(steps),
        parameters=tuple(parameters.values()),
        compute_declarations=tuple(declarations.values()),
        base_directory=graphs[0].base_directory,
    )
