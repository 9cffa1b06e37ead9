"""
The few calls of the face to what stands above it: making Airflow DAGs and starting runs.

`Pipeline.to_dag`, `Pipeline.to_task_group` and `Experiment.submit` need the translation room, which imports Airflow.
They reach it here and nowhere else, by name, at the moment of the call.
"""

from __future__ import annotations

from airflow_ml._late import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol, cast

    from airflow_ml.graph import Graph, Json
else:
    from airflow_ml._typing import Protocol, cast

__all__ = ["submit", "submit_script", "to_dag", "to_task_group"]


class _Dags(Protocol):
    def to_dag(self, graph: Graph, dag_id: str, **dag_arguments: Any) -> Any:
        """See `airflow_ml.translation.dags.to_dag`."""

    def to_task_group(self, graph: Graph, group_id: str, **group_arguments: Any) -> Any:
        """See `airflow_ml.translation.dags.to_task_group`."""


class _Submission(Protocol):
    def submit(
        self,
        graph: Graph,
        *,
        experiment: str,
        parameters: Mapping[str, Json],
        tags: Mapping[str, str],
        continue_on_step_failure: bool,
        regenerate_outputs: bool,
    ) -> str:
        """See `airflow_ml.translation.submission.submit`."""

    def submit_script(
        self, graph: Graph, *, experiment: str, tags: Mapping[str, str], parent_id: str | None, run_id: str | None
    ) -> str:
        """See `airflow_ml.translation.submission.submit_script`."""


_dags = cast(_Dags, late("airflow_ml.translation.dags"))
_submission = cast(_Submission, late("airflow_ml.translation.submission"))


def to_dag(graph: Graph, dag_id: str, **dag_arguments: Any) -> Any:
    """Return an Airflow DAG of the graph."""
    return _dags.to_dag(graph, dag_id, **dag_arguments)


def to_task_group(graph: Graph, group_id: str, **group_arguments: Any) -> Any:
    """Return a task group of the graph inside the DAG that is being written."""
    return _dags.to_task_group(graph, group_id, **group_arguments)


def submit(
    graph: Graph,
    *,
    experiment: str,
    parameters: Mapping[str, Json],
    tags: Mapping[str, str],
    continue_on_step_failure: bool,
    regenerate_outputs: bool,
) -> str:
    """Start a run of the graph and return its run id."""
    return _submission.submit(
        graph,
        experiment=experiment,
        parameters=parameters,
        tags=tags,
        continue_on_step_failure=continue_on_step_failure,
        regenerate_outputs=regenerate_outputs,
    )


def submit_script(
    graph: Graph, *, experiment: str, tags: Mapping[str, str], parent_id: str | None, run_id: str | None
) -> str:
    """Start the run of a graph that is one script, and return its run id."""
    return _submission.submit_script(graph, experiment=experiment, tags=tags, parent_id=parent_id, run_id=run_id)
