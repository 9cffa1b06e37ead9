"""From Airflow's task context to our words: which pipeline run this is, and with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import UserErrorException
from airflow_ml.translation.pipeline_ref import RUN_KEY

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json
    from airflow_ml.translation.pipeline_ref import PipelineRef

__all__ = ["dag_run_of", "given_parameters", "run_source_of", "submitted_run_id"]


def dag_run_of(context: Mapping[str, Any]) -> tuple[str, str]:
    """Return the DAG's id and the DAG run's id."""
    return context["dag"].dag_id, context["dag_run"].run_id


def run_source_of(context: Mapping[str, Any]) -> str:
    """Return v1's word for how the run was started: `HTTP` or `Schedule`."""
    run_type = context["dag_run"].run_type
    return "HTTP" if str(getattr(run_type, "value", run_type)) == "manual" else "Schedule"


def submitted_run_id(context: Mapping[str, Any], pipeline: PipelineRef) -> str | None:
    """Return the id of the pipeline run that `Experiment.submit` has recorded for this DAG run, or None."""
    if pipeline.group_id:
        return None
    value = (context["dag_run"].conf or {}).get(RUN_KEY)
    return None if value is None else str(value)


def given_parameters(context: Mapping[str, Any], graph: Graph, *, is_whole_dag: bool) -> dict[str, Json]:
    """
    Return the values of the pipeline's parameters for this run.

    Airflow has put the run's conf over the DAG's defaults and checked the types; names are checked here, because
    Airflow takes unknown ones silently.

    Raises:
        UserErrorException: the run's conf has a name that is no param of the DAG.
    """
    params = context["params"]
    if is_whole_dag:
        known = {*context["dag"].params, RUN_KEY}
        unknown = sorted(set(context["dag_run"].conf or {}) - known)
        if unknown:
            names = ", ".join(sorted(known - {RUN_KEY})) or "none"
            raise UserErrorException(
                f"DAG {context['dag'].dag_id!r} has no parameter {unknown[0]!r}; it declares: {names}; correct the name"
            )
    return {parameter.name: params[parameter.name] for parameter in graph.parameters if parameter.name in params}
