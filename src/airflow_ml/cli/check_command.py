"""`airflow-ml check`: what v1 code would find here."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late

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


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("check", help="say which calls of v1 code work here", description=_DESCRIPTION)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a script, a notebook, or a folder")
    parser.add_argument("--problems", action="store_true", help="leave out what works")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    report = check.check_paths(arguments.paths)
    if arguments.json:
        sys.stdout.write(json.dumps(report.to_data(), indent=1) + "\n")
    else:
        for line in report.lines(with_working=not arguments.problems):
            sys.stdout.write(f"{line}\n")
    return 0 if report.is_movable else _EXIT_NOT_THERE
