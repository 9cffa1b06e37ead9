"""
The few calls of the face to what stands above it: making Airflow DAGs, starting runs, and addresses that start them.

`Pipeline.to_dag`, `Pipeline.to_task_group`, `Experiment.submit` and `PublishedPipeline.endpoint` need the translation
room, which imports Airflow. They reach it here and nowhere else, by name, at the moment of the call.

Somebody who wants to see a file's pipelines without starting them (`airflow-ml plan`) puts a collector in between.
"""

from __future__ import annotations

from airflow_ml._late import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol, cast

    from airflow_ml.graph import Graph, Json, ReuseMode, WorkspaceRef
    from airflow_ml.registry import ScheduleContent, ScheduleRecord
else:
    from airflow_ml._typing import Protocol, cast

__all__ = [
    "Collector",
    "address_of_description",
    "address_of_endpoint",
    "announce",
    "authentication_header",
    "collect_with",
    "create_schedule",
    "endpoint_of",
    "paused_dags",
    "set_schedule_active",
    "submit",
    "submit_script",
    "to_dag",
    "to_task_group",
    "update_schedule",
]


class Collector(Protocol):
    """Takes graphs in the place of the translation room."""

    def translate(self, graph: Graph, name: str, make: Callable[[], Any]) -> Any:
        """
        Take a graph that becomes a DAG or a task group of that name, and return what the file gets for it.

        Args:
            make: makes the real one.
        """

    def start(self, graph: Graph, **submission: Any) -> None:
        """
        Take a graph that is about to be started or published, before anything of that has happened.

        Args:
            submission: what `submit` takes beside the graph; nothing where it is published.
        """


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
        reuse: ReuseMode,
        properties: Mapping[str, str],
    ) -> str:
        """See `airflow_ml.translation.submission.submit`."""

    def submit_script(
        self, graph: Graph, *, experiment: str, tags: Mapping[str, str], parent_id: str | None, run_id: str | None
    ) -> str:
        """See `airflow_ml.translation.submission.submit_script`."""


class _RegisteredDags(Protocol):
    def offer_published(self, workspace: WorkspaceRef, pipeline_id: str, *, wait: bool) -> tuple[str, str]:
        """See `airflow_ml.translation.registered_dags.offer_published`."""


class _Endpoints(Protocol):
    def authentication_header(self) -> dict[str, str]:
        """See `airflow_ml.translation.endpoints.authentication_header`."""

    def endpoint_of(self, workspace: WorkspaceRef, pipeline_id: str) -> str:
        """See `airflow_ml.translation.endpoints.endpoint_of`."""

    def address_of_endpoint(self, workspace: WorkspaceRef, endpoint_id: str) -> str:
        """See `airflow_ml.translation.endpoints.address_of_endpoint`."""

    def address_of_description(self, workspace: WorkspaceRef) -> str:
        """See `airflow_ml.translation.endpoints.address_of_description`."""


class _Schedules(Protocol):
    def create(self, workspace: WorkspaceRef, content: ScheduleContent, *, wait: bool) -> ScheduleRecord:
        """See `airflow_ml.translation.schedules.create`."""

    def update(
        self, workspace: WorkspaceRef, schedule_id: str, content: ScheduleContent, *, wait: bool
    ) -> ScheduleRecord:
        """See `airflow_ml.translation.schedules.update`."""

    def set_active(self, workspace: WorkspaceRef, schedule_id: str, *, active: bool) -> ScheduleRecord:
        """See `airflow_ml.translation.schedules.set_active`."""

    def paused_dags(self, workspace: WorkspaceRef, dag_ids: Sequence[str]) -> set[str]:
        """See `airflow_ml.translation.schedules.paused_dags`."""


_dags = cast(_Dags, late("airflow_ml.translation.dags"))
_endpoints = cast(_Endpoints, late("airflow_ml.translation.endpoints"))
_schedules = cast(_Schedules, late("airflow_ml.translation.schedules"))
_registered_dags = cast(_RegisteredDags, late("airflow_ml.translation.registered_dags"))
_submission = cast(_Submission, late("airflow_ml.translation.submission"))

_collector: Collector | None = None


def collect_with(collector: Collector | None) -> None:
    """Let a collector take the graphs of this process from now on; None ends that."""
    global _collector
    _collector = collector


def announce(graph: Graph, **submission: Any) -> None:
    """Say that a graph is about to be started or published; a collector may take it and leave the script by raising."""
    if _collector is not None:
        _collector.start(graph, **submission)


def to_dag(graph: Graph, dag_id: str, **dag_arguments: Any) -> Any:
    """Return an Airflow DAG of the graph."""
    if _collector is not None:
        return _collector.translate(graph, dag_id, lambda: _dags.to_dag(graph, dag_id, **dag_arguments))
    return _dags.to_dag(graph, dag_id, **dag_arguments)


def to_task_group(graph: Graph, group_id: str, **group_arguments: Any) -> Any:
    """Return a task group of the graph inside the DAG that is being written."""
    if _collector is not None:
        return _collector.translate(graph, group_id, lambda: _dags.to_task_group(graph, group_id, **group_arguments))
    return _dags.to_task_group(graph, group_id, **group_arguments)


def submit(
    graph: Graph,
    *,
    experiment: str,
    parameters: Mapping[str, Json],
    tags: Mapping[str, str],
    continue_on_step_failure: bool,
    reuse: ReuseMode,
    properties: Mapping[str, str],
) -> str:
    """Start a run of the graph and return its run id."""
    return _submission.submit(
        graph,
        experiment=experiment,
        parameters=parameters,
        tags=tags,
        continue_on_step_failure=continue_on_step_failure,
        reuse=reuse,
        properties=properties,
    )


def submit_script(
    graph: Graph, *, experiment: str, tags: Mapping[str, str], parent_id: str | None, run_id: str | None
) -> str:
    """Start the run of a graph that is one script, and return its run id."""
    return _submission.submit_script(graph, experiment=experiment, tags=tags, parent_id=parent_id, run_id=run_id)


def offer_published(workspace: WorkspaceRef, pipeline_id: str, *, wait: bool = False) -> tuple[str, str]:
    """Make a published pipeline's DAG runnable in the workspace's Airflow; return its id, and what came of it."""
    return _registered_dags.offer_published(workspace, pipeline_id, wait=wait)


def authentication_header() -> dict[str, str]:
    """Return the header that opens the endpoints of published pipelines."""
    return _endpoints.authentication_header()


def endpoint_of(workspace: WorkspaceRef, pipeline_id: str) -> str:
    """Return the address that starts runs of a published pipeline."""
    return _endpoints.endpoint_of(workspace, pipeline_id)


def address_of_endpoint(workspace: WorkspaceRef, endpoint_id: str) -> str:
    """Return the address that starts runs of a pipeline endpoint's default version."""
    return _endpoints.address_of_endpoint(workspace, endpoint_id)


def address_of_description(workspace: WorkspaceRef) -> str:
    """Return the address of the OpenAPI description of such addresses."""
    return _endpoints.address_of_description(workspace)


def create_schedule(workspace: WorkspaceRef, content: ScheduleContent, *, wait: bool) -> ScheduleRecord:
    """Record a schedule, and make it known to Airflow."""
    return _schedules.create(workspace, content, wait=wait)


def update_schedule(
    workspace: WorkspaceRef, schedule_id: str, content: ScheduleContent, *, wait: bool
) -> ScheduleRecord:
    """Change a schedule, in Airflow too."""
    return _schedules.update(workspace, schedule_id, content, wait=wait)


def set_schedule_active(workspace: WorkspaceRef, schedule_id: str, *, active: bool) -> ScheduleRecord:
    """Let a schedule start runs, or no longer."""
    return _schedules.set_active(workspace, schedule_id, active=active)


def paused_dags(workspace: WorkspaceRef, dag_ids: Sequence[str]) -> set[str]:
    """Return which of these DAGs of schedules are paused in Airflow."""
    return _schedules.paused_dags(workspace, dag_ids)
