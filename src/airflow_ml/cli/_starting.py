"""Starting a run of a pipeline that a command was told about."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import _pipelines
    from airflow_ml.cli._scripts import FoundPipeline
    from airflow_ml.core import experiment as core_experiment
    from airflow_ml.core import run as core_run
    from airflow_ml.core import workspace as core_workspace
    from airflow_ml.core.run import Run
    from airflow_ml.execution import publishing
    from airflow_ml.pipeline import _engine
    from airflow_ml.pipeline.core import run as pipeline_run
else:
    _engine = late("airflow_ml.pipeline._engine")
    _pipelines = late("airflow_ml.cli._pipelines")
    core_experiment = late("airflow_ml.core.experiment")
    core_run = late("airflow_ml.core.run")
    core_workspace = late("airflow_ml.core.workspace")
    pipeline_run = late("airflow_ml.pipeline.core.run")
    publishing = late("airflow_ml.execution.publishing")

__all__ = ["only_one", "start_run", "wait_for"]

_GOOD_ENDS = ("Finished", "Completed")


def only_one(found: Sequence[FoundPipeline], target: str) -> FoundPipeline:
    """
    Return the one pipeline that was found.

    Raises:
        UserErrorException: there are several; the error names them.
    """
    if len(found) > 1:
        names = ", ".join(repr(pipeline.name) for pipeline in found)
        raise UserErrorException(f"{target!r} has several pipelines: {names}; choose one by --pipeline")
    return found[0]


def start_run(pipeline: FoundPipeline, arguments: argparse.Namespace) -> Run:
    """
    Start a run, as the script says it unless the command line says otherwise.

    Raises:
        UserErrorException: its steps are written by hand, it is published and disabled, or a parameter is wrong.
    """
    graph, said = pipeline.graph, pipeline.submission
    if pipeline.is_by_hand:
        raise UserErrorException(f"{pipeline.name!r} is a DAG whose steps are its tasks; start it through Airflow")
    # Asked for first: importing it is what makes runs of pipelines known as such.
    _ = pipeline_run.PipelineRun
    workspace = core_workspace.Workspace.from_ref(graph.workspace)
    experiment = core_experiment.Experiment(workspace, arguments.experiment or said.get("experiment") or pipeline.name)
    if pipeline.published_id is not None:
        publishing.graph_to_run(workspace.registry(), pipeline.published_id)  # refuses one that is disabled
    common: dict[str, Any] = {"experiment": experiment.name, "tags": said.get("tags", {})}
    if graph.is_script_run:
        run_id = _engine.submit_script(graph, **common, parent_id=None, run_id=None)
    else:
        run_id = _engine.submit(
            graph,
            **common,
            parameters=_pipelines.parameters_of(pipeline, arguments.parameter),
            continue_on_step_failure=bool(said.get("continue_on_step_failure")),
            reuse=_pipelines.mode_of(pipeline, arguments.reuse),
            properties=said.get("properties", {}),
        )
    return core_run.Run.get(workspace, run_id)


def wait_for(run: Run, *, show_output: bool) -> bool:
    """
    Wait until a run has ended, and return whether it has ended well.

    Args:
        show_output: print its logs; without it even the lines that v1 prints while it waits are no output.
    """
    sys.stdout.flush()
    with nullcontext() if show_output else redirect_stdout(sys.stderr):
        run.wait_for_completion(show_output=show_output, raise_on_error=False)
    return run.get_status() in _GOOD_ENDS
