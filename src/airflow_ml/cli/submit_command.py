"""`airflow-ml submit`: start a run of a pipeline."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_pipeline_arguments
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

__all__ = ["add_to"]

_EXIT_FAILED = 1
_GOOD_ENDS = ("Finished", "Completed")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "submit",
        help="start a run of a pipeline",
        description="A script is executed up to its first submit, whose arguments hold unless others are given here.",
    )
    add_pipeline_arguments(parser)
    parser.add_argument("--experiment", metavar="NAME", help="default: what the script says, or the pipeline's name")
    parser.add_argument("--wait", action="store_true", help="show the run until its end; exit code 1 if it fails")
    parser.set_defaults(run=_submit)


def _submit(arguments: argparse.Namespace) -> int:
    found = _pipelines.find_pipelines(arguments)
    if len(found) > 1:
        names = ", ".join(repr(pipeline.name) for pipeline in found)
        raise UserErrorException(f"{arguments.target!r} has several pipelines: {names}; choose one by --pipeline")
    run = _start(found[0], arguments)
    sys.stdout.write(f"{run.id}\n")
    if not arguments.wait:
        return 0
    run.wait_for_completion(show_output=True)
    return 0 if run.get_status() in _GOOD_ENDS else _EXIT_FAILED


def _start(pipeline: FoundPipeline, arguments: argparse.Namespace) -> Run:
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
