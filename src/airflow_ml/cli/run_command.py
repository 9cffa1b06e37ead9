"""`airflow-ml run`: run a pipeline to its end, and show what came of it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_pipeline_arguments, describe
from airflow_ml.cli._output import write_json

if TYPE_CHECKING:
    from airflow_ml.cli import _pipelines, _run_documents, _starting, tables
else:
    _pipelines = late("airflow_ml.cli._pipelines")
    _run_documents = late("airflow_ml.cli._run_documents")
    _starting = late("airflow_ml.cli._starting")
    tables = late("airflow_ml.cli.tables")

__all__ = ["add_to"]

_EXIT_FAILED = 1
_DESCRIPTION = """
Runs a pipeline, shows its steps' logs while they are written, and a table of its steps at the end. Where no Airflow is
configured and no service runs, the steps run one after another in this machine's processes. The exit code is 1 if the
run fails.
"""
_EXAMPLES = """
airflow-ml run train_pipeline.py
airflow-ml run train_pipeline.py -p rate=0.5 --reuse off
airflow-ml run train_pipeline.py --quiet --json
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("run", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    add_pipeline_arguments(parser)
    parser.add_argument("--experiment", metavar="NAME", help="default: what the script says, or the pipeline's name")
    parser.add_argument("--quiet", action="store_true", help="show no logs, only what came of the run")
    add_json_argument(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    pipeline = _starting.only_one(_pipelines.find_pipelines(arguments), arguments.target)
    run = _starting.start_run(pipeline, arguments)
    is_shown = not arguments.json and not arguments.quiet
    is_good = _starting.wait_for(run, show_output=is_shown)
    if arguments.json:
        write_json(_run_documents.whole_run(run))
    elif _run_documents.has_steps(run):
        sys.stdout.write("\n" if is_shown else "")
        tables.print_run_table(run, sys.stdout)
    return 0 if is_good else _EXIT_FAILED
