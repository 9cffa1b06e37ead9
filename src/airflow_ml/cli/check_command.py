"""`airflow-ml check`: what v1 code would find here."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, describe
from airflow_ml.cli._output import write_json

if TYPE_CHECKING:
    from airflow_ml import check
else:
    check = late("airflow_ml.check")

__all__ = ["add_to"]

_EXIT_NOT_THERE = 1
_DESCRIPTION = """
Reads scripts, notebooks and folders of such, without running them, and lists each call of the Azure ML SDK v1: whether
it works here, differs and how, or is not there and what to do instead. The exit code is 1 if something is not there or
cannot be read, else 0.
"""
_EXAMPLES = """
airflow-ml check .                            # this folder
airflow-ml check notebooks/train.ipynb        # one notebook
airflow-ml check . --problems                 # without what works
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("check", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a script, a notebook, or a folder")
    parser.add_argument("--problems", action="store_true", help="leave out what works")
    add_json_argument(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    report = check.check_paths(arguments.paths)
    if arguments.json:
        write_json(report.to_data())
    else:
        for line in report.lines(with_working=not arguments.problems):
            sys.stdout.write(f"{line}\n")
    return 0 if report.is_movable else _EXIT_NOT_THERE
