"""`airflow-ml plan`: which steps of a pipeline would take an earlier result now, and why the others would run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_pipeline_arguments, describe
from airflow_ml.cli._output import write_json

if TYPE_CHECKING:
    from airflow_ml.cli import _pipelines, _plans
    from airflow_ml.cli._plans import StepPlan
    from airflow_ml.cli._scripts import FoundPipeline
    from airflow_ml.execution import reusing, services
    from airflow_ml.graph import Json
    from airflow_ml.graph.reuse_modes import ReuseMode
    from airflow_ml.registry import errors as registry_errors
    from airflow_ml.registry import shared
else:
    _pipelines = late("airflow_ml.cli._pipelines")
    _plans = late("airflow_ml.cli._plans")
    reusing = late("airflow_ml.execution.reusing")
    registry_errors = late("airflow_ml.registry.errors")
    services = late("airflow_ml.execution.services")
    shared = late("airflow_ml.registry.shared")

__all__ = ["add_to"]

_DESCRIPTION = """
Says of each step whether it would take an earlier result now, and why the others would run. Nothing is run, recorded or
uploaded. A script is executed up to its first submit or publish.
"""
_EXAMPLES = """
airflow-ml plan train_pipeline.py -p rate=0.5
airflow-ml plan digits_classification --workspace digits    # the pipeline of a DAG, as it ran last
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "plan",
        help=words,
    )
    describe(parser, _DESCRIPTION, _EXAMPLES)
    add_pipeline_arguments(parser)
    add_json_argument(parser)
    parser.set_defaults(run=_plan)


def _plan(arguments: argparse.Namespace) -> int:
    documents: list[Json] = []
    for number, pipeline in enumerate(_pipelines.find_pipelines(arguments)):
        mode = _pipelines.mode_of(pipeline, arguments.reuse)
        steps = _plan_one(pipeline, _pipelines.parameters_of(pipeline, arguments.parameter), mode)
        if arguments.json:
            documents.append(_plans.document(pipeline, mode, steps))
        else:
            sys.stdout.write("\n" if number else "")
            _plans.print_plan(pipeline, mode, steps, sys.stdout)
    if arguments.json:
        write_json({"pipelines": documents})
    return 0


def _plan_one(pipeline: FoundPipeline, parameters: Mapping[str, Json], mode: ReuseMode) -> list[StepPlan]:
    graph = pipeline.graph
    try:
        shared.open_shared(graph.workspace, create=False)
    except registry_errors.WorkspaceNotFoundError:
        # A DAG file may be planned before its first run has made the workspace.
        return _plans.all_run(graph, "no earlier result: the workspace has not been made yet")
    with services.open_services(graph.workspace) as opened:
        return _plans.step_plans(graph, reusing.plan(opened, graph, parameters, mode=mode))
