"""From Airflow's task context to our words: which pipeline run this is, and with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import read_reuse_mode
from airflow_ml.translation.params import is_hidden
from airflow_ml.translation.pipeline_ref import RUN_KEY
from airflow_ml.translation.reuse_param import LONG_NAME, find_reuse_param

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, ReuseMode
    from airflow_ml.translation.pipeline_ref import PipelineRef

__all__ = [
    "backfill_mark",
    "dag_run_of",
    "given_parameters",
    "group_of",
    "is_mapped",
    "map_index_of",
    "reuse_mode_of",
    "run_source_of",
    "submitted_run_id",
    "task_state",
]


def dag_run_of(context: Mapping[str, Any]) -> tuple[str, str]:
    """Return the DAG's id and the DAG run's id."""
    return context["dag"].dag_id, context["dag_run"].run_id


def is_mapped(context: Mapping[str, Any]) -> bool:
    """
    Whether the task belongs to a mapped task group.

    Airflow makes the tasks behind it one by one when they can start, so before that there is none to be skipped.
    """
    return map_index_of(context) >= 0


def group_of(context: Mapping[str, Any], pipeline: PipelineRef) -> str:
    """
    Return which pipeline run of the DAG run is meant: a mapped task group has one of its own for each value.

    A backfill that processes a day anew has one of its own, too: it clears the tasks of the day's DAG run, and who
    backfills wants what has changed, whereas a person who clears a task wants it run.
    """
    group = f"{pipeline.group_id}[{map_index_of(context)}]" if is_mapped(context) else pipeline.group_id
    return f"{group}{backfill_mark(context)}"


def backfill_mark(context: Mapping[str, Any]) -> str:
    """Return what tells the pipeline runs of a backfill from those before it in the same DAG run."""
    return "@backfill" if _run_type(context) == "backfill" else ""


def task_state(context: Mapping[str, Any], task_id: str) -> str | None:
    """Return the state of another task of the pipeline; in a mapped task group, of the one for the same value."""
    dag_id, dag_run_id = dag_run_of(context)
    index = map_index_of(context)
    wanted = {"task_ids": [task_id], "run_ids": [dag_run_id], "map_index": index if index >= 0 else None}
    states = context["ti"].get_task_states(dag_id, **wanted).get(dag_run_id, {})
    # Airflow's names of mapped tasks in this answer (its route /task-instances/states).
    state = states.get(f"{task_id}_{index}" if index >= 0 else task_id)
    return None if state is None else str(state)


def map_index_of(context: Mapping[str, Any]) -> int:
    """Return which value of a mapped task or task group this is, and -1 for a task that is not mapped."""
    index = getattr(context["ti"], "map_index", None)
    return -1 if index is None else int(index)


def run_source_of(context: Mapping[str, Any]) -> str:
    """Return v1's word for how the run was started: `HTTP` or `Schedule`."""
    return "HTTP" if _run_type(context) == "manual" else "Schedule"


def _run_type(context: Mapping[str, Any]) -> str:
    run_type = context["dag_run"].run_type
    return str(getattr(run_type, "value", run_type))


def submitted_run_id(context: Mapping[str, Any], pipeline: PipelineRef) -> str | None:
    """Return the id of the pipeline run that `Experiment.submit` has recorded for this DAG run, or None."""
    if pipeline.group_id:
        return None
    value = (context["dag_run"].conf or {}).get(RUN_KEY)
    return None if value is None else str(value)


def reuse_mode_of(context: Mapping[str, Any], pipeline: PipelineRef) -> ReuseMode:
    """
    Return how this run uses the results of earlier ones: what the trigger form or the run's conf says.

    Raises:
        UserErrorException: the conf says another word.
    """
    declared = context["dag"].params
    name = find_reuse_param(declared)
    value = "normal" if name is None else context["params"][name]
    if LONG_NAME not in declared:
        value = (context["dag_run"].conf or {}).get(LONG_NAME, value)
    return read_reuse_mode(value, where=f"pipeline {pipeline.graph.name!r}: {name or LONG_NAME} of the run")


def given_parameters(
    context: Mapping[str, Any], graph: Graph, *, is_whole_dag: bool, templates: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Json]:
    """
    Return the values of the pipeline's parameters for this run.

    Airflow has put the run's conf over the DAG's defaults and checked the types; names are checked here, because
    Airflow takes unknown ones silently.

    Args:
        templates: defaults as they stand in the DAG file, where those of the graph are rendered.

    Raises:
        UserErrorException: the run's conf has a name that is no param of the DAG.
    """
    params = context["params"]
    if is_whole_dag:
        known = {*context["dag"].params, RUN_KEY, LONG_NAME}
        unknown = sorted(set(context["dag_run"].conf or {}) - known)
        if unknown:
            names = ", ".join(sorted(context["dag"].params)) or "none"
            raise UserErrorException(
                f"DAG {context['dag'].dag_id!r} has no parameter {unknown[0]!r}; it declares: {names}; correct the name"
            )
    return {
        parameter.name: params[parameter.name]
        for parameter in graph.parameters
        if parameter.name in params
        and not (params[parameter.name] is None and is_hidden(parameter))
        and not (parameter.name in templates and params[parameter.name] == templates[parameter.name])
    }
