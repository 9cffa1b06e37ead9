"""`airflow-ml publish`: keep a pipeline with its code."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_pipeline_arguments, describe
from airflow_ml.cli._output import write_json
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import _pipelines, _starting
    from airflow_ml.core import workspace as core_workspace
    from airflow_ml.pipeline.core import _publishing
else:
    _pipelines = late("airflow_ml.cli._pipelines")
    _publishing = late("airflow_ml.pipeline.core._publishing")
    _starting = late("airflow_ml.cli._starting")
    core_workspace = late("airflow_ml.core.workspace")

__all__ = ["add_to"]

_DESCRIPTION = """
Stores a pipeline with the code that its source directories hold now, so that it can be started by its id, by REST or by
a schedule, whatever becomes of the folders. A script is executed up to its first submit or publish.
"""
_EXAMPLES = """
airflow-ml publish train_pipeline.py --name weekly --version 1.0
airflow-ml submit weekly    # starts it
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("publish", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    add_pipeline_arguments(parser, with_values=False)
    parser.add_argument("--name", metavar="NAME", help="default: the pipeline's; need not be unique")
    parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--version", metavar="TEXT", help="shown with the pipeline, and not compared")
    parser.add_argument(
        "--continue-on-step-failure", action="store_true", help="runs go on with steps that do not need the failed one"
    )
    add_json_argument(parser)
    parser.set_defaults(run=_publish)


def _publish(arguments: argparse.Namespace) -> int:
    pipeline = _starting.only_one(_pipelines.find_pipelines(arguments), arguments.target)
    if pipeline.is_by_hand or pipeline.graph.is_script_run:
        kind = "a DAG whose steps are its tasks" if pipeline.is_by_hand else "a script's run"
        raise UserErrorException(f"{pipeline.name!r} is {kind}; only pipelines are published")
    workspace = core_workspace.Workspace.from_ref(pipeline.graph.workspace)
    said = _publishing.Publication(
        arguments.name or pipeline.name,
        arguments.description,
        arguments.version,
        arguments.continue_on_step_failure or None,
    )
    published = _publishing.publish_graph(workspace, pipeline.graph, said)
    if arguments.json:
        write_json({"id": published.id, "name": published.name, "workspace": workspace.name})
    else:
        sys.stdout.write(f"{published.id}\n")
    return 0
