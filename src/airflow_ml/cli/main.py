"""
The `airflow-ml` command.

Each command is a module that adds its own arguments and names the function that does it. What our errors say is
printed as one line, what fails in the code of a script too; any other error is a fault of ours and keeps its traceback.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence

from airflow_ml._version import __version__
from airflow_ml.cli import (
    check_command,
    compute_command,
    doctor_command,
    environments_command,
    plan_command,
    pools_command,
    reuse_command,
    runs_command,
    secrets_command,
    service_command,
    submit_command,
)
from airflow_ml.exceptions import AzureMLException

__all__ = ["main"]

_EXIT_ERROR = 2
_EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return the exit code: 0, or 2 for errors of the caller and of Airflow.

    Args:
        arguments: without the program's name; default: those of this process.
    """
    # What is imported stays: looking through it for garbage again and again is a tenth of a short command's time.
    gc.set_threshold(100_000, 50, 50)
    parsed = _make_parser().parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except AzureMLException as error:
        sys.stderr.write(f"airflow-ml: {' '.join(str(error).split())}\n")
        return _EXIT_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("airflow-ml: interrupted\n")
        return _EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` for instance, has seen enough
        sys.stderr.close()
        return 0
    return code


def _make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="airflow-ml", description="Azure ML SDK v1 pipelines on your own Airflow.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    known = (
        check_command,
        plan_command,
        submit_command,
        reuse_command,
        runs_command,
        service_command,
        pools_command,
        secrets_command,
        environments_command,
        compute_command,
        doctor_command,
    )
    for command in known:
        command.add_to(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_print_version)
    return parser


def _print_version(_arguments: argparse.Namespace) -> int:
    sys.stdout.write(f"airflow-ml {__version__}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
