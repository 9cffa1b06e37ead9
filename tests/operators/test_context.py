"""What operators read from Airflow's context."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import Graph, Parameter, Step, WorkspaceRef

pytestmark = pytest.mark.airflow


def context_of(dag: Any, conf: dict[str, Any]) -> dict[str, Any]:
    """Return the context of a task of the DAG in a run of that conf, as Airflow makes it."""
    from airflow.sdk.definitions.param import process_params

    params = process_params(dag, dag.tasks[0], conf, suppress_exception=False)
    return {"dag": dag, "params": params, "dag_run": SimpleNamespace(conf=conf)}


def mode_and_parameters(conf: dict[str, Any], **to_dag: Any) -> tuple[str, dict[str, Any]]:
    """Return the mode and the pipeline's parameters of a run of that conf."""
    from airflow_ml.operators._context import given_parameters, reuse_mode_of
    from airflow_ml.translation.dags import to_dag as make
    from airflow_ml.translation.pipeline_ref import PipelineRef

    parameters = to_dag.pop("parameters", ())
    graph = Graph("p", WorkspaceRef("w"), (Step("s", "s", "python_script"),), parameters)
    context = context_of(make(graph, "d", schedule=None, **to_dag), conf)
    mode = reuse_mode_of(context, PipelineRef(graph, "e"))
    return mode, given_parameters(context, graph, is_whole_dag=True)


def test_a_run_that_says_nothing_takes_results() -> None:
    """The default of the trigger form, and so of schedules, is `normal`."""
    assert mode_and_parameters({}) == ("normal", {})


@pytest.mark.parametrize("name", ["reuse", "airflow_ml_reuse"])
def test_conf_says_the_mode(name: str) -> None:
    """By the short name, or by the long one, which every DAG takes; neither is an unknown parameter."""
    assert mode_and_parameters({name: "off"}) == ("off", {})


def test_a_parameter_called_reuse_stays_the_pipelines() -> None:
    """The pipeline's value is its own, and the mode has the long name."""
    conf = {"reuse": 7, "airflow_ml_reuse": "refresh"}

    assert mode_and_parameters(conf, parameters=(Parameter("reuse", "integer", 5),)) == ("refresh", {"reuse": 7})


def test_a_param_called_reuse_stays_the_dags() -> None:
    """A team's own param is not taken for ours, whatever it holds."""
    assert mode_and_parameters({"reuse": "off"}, params={"reuse": "x"}) == ("normal", {})


def test_other_words_are_refused() -> None:
    """A conf that Airflow has not checked is refused in one sentence that names the three words."""
    with pytest.raises(UserErrorException, match=r"pipeline 'p': reuse of the run: 'no' .* 'off' .* 'refresh'"):
        mode_and_parameters({"airflow_ml_reuse": "no"})
