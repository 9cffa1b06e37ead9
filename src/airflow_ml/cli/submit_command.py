"""`airflow-ml submit`: start a run of a pipeline."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_pipeline_arguments, describe
from airflow_ml.cli._output import write_json

if TYPE_CHECKING:
    from airflow_ml.cli import _pipelines, _starting
else:
    _pipelines = late("airflow_ml.cli._pipelines")
    _starting = late("airflow_ml.cli._starting")

__all__ = ["add_to"]

_EXIT_FAILED = 1
_DESCRIPTION = """
Starts a run and prints its id. A script is executed up to its first submit, whose arguments hold unless others are
given here. The run is taken by the workspace's Airflow, or by the service of this machine, or else by a process of its
own.
"""
_EXAMPLES = """
airflow-ml submit train_pipeline.py -p rate=0.5
airflow-ml submit weekly --workspace ml --wait        # a published pipeline
airflow-ml submit train_pipeline.py -- --rows 1000    # with the script's own arguments
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("submit", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    add_pipeline_arguments(parser)
    parser.add_argument("--experiment", metavar="NAME", help="default: what the script says, or the pipeline's name")
    parser.add_argument("--wait", action="store_true", help="show the run until its end; exit code 1 if it fails")
    add_json_argument(parser)
    parser.set_defaults(run=_submit)


def _submit(arguments: argparse.Namespace) -> int:
    found = _pipelines.find_pipelines(arguments)
    run = _starting.start_run(_starting.only_one(found, arguments.target), arguments)
    if not arguments.json:
        sys.stdout.write(f"{run.id}\n")
    has_failed = arguments.wait and not _starting.wait_for(run, show_output=not arguments.json)
    if arguments.json:
        write_json({"run_id": run.id, "experiment": run.experiment.name, "status": run.get_status()})
    return _EXIT_FAILED if has_failed else 0
