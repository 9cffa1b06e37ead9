"""
The `airflow-ml` command.

Each command is a module that adds its own arguments and names the function that does it. Of the modules only that of
the command that is called is imported, because most of a short command's time is imports. What our errors say is
printed as one line, what fails in the code of a script too; any other error is a fault of ours and keeps its traceback.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from airflow_ml._late import load
from airflow_ml._version import __version__
from airflow_ml.cli._arguments import add_json_argument
from airflow_ml.cli._output import write_error, write_json
from airflow_ml.exceptions import AzureMLException

__all__ = ["COMMANDS", "main", "make_parser"]

_EXIT_ERROR = 2
_EXIT_INTERRUPTED = 130
_EPILOG = """
begin with:
  airflow-ml demo                     a small pipeline, run on this machine
  airflow-ml init                     make a workspace, which the code in this folder finds
  airflow-ml check .                  which calls of the Azure ML SDK v1 in this folder work here
  airflow-ml plan pipeline.py         which steps would run now, and why
  airflow-ml run pipeline.py          run it, and see what came of it
  airflow-ml COMMAND --help           what a command takes, with examples
"""

#: Command -> what it does, in a few words. Its module is called like it.
COMMANDS = {
    "init": "make a workspace for the code in this folder",
    "demo": "run a small pipeline on this machine",
    "check": "say which calls of v1 code work here",
    "plan": "say which steps would be reused, and why the others would run",
    "run": "run a pipeline and show what came of it",
    "submit": "start a run of a pipeline",
    "publish": "keep a pipeline with its code, to be started by id, REST or schedule",
    "runs": "list, show, compare and cancel runs, and read their logs",
    "reuse": "list results that runs take, explain and invalidate them",
    "schedules": "list schedules, and switch them on and off",
    "datasets": "list, show and preview registered datasets",
    "datastores": "list, show and register places for data",
    "environments": "list or remove what was built on this machine for steps",
    "compute": "list compute targets, look at this machine's devices, make pools",
    "service": "run submitted pipelines in the background, steps in parallel",
    "pools": "the same as compute, for its action sync",
    "secrets": "encrypt what workspaces keep with the newest key",
    "doctor": "say what is wrong with this machine's set-up, and remove what crashes have left",
    "completion": "print what makes a shell complete commands and options",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return the exit code: 0, or 2 for errors of the caller and of Airflow.

    Args:
        arguments: without the program's name; default: those of this process.
    """
    # What is imported stays: looking through it for garbage again and again is a tenth of a short command's time.
    gc.set_threshold(100_000, 50, 50)
    given = sys.argv[1:] if arguments is None else [*arguments]
    if "_ARGCOMPLETE" in os.environ:
        return _complete()
    parsed = make_parser(_command_of(given)).parse_args(given)
    as_json = bool(getattr(parsed, "json", False))
    try:
        code: int = parsed.run(parsed)
    except AzureMLException as error:
        write_error(error, as_json=as_json)
        return _EXIT_ERROR
    except KeyboardInterrupt:
        sys.stderr.write("airflow-ml: interrupted\n")
        return _EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` for instance, has seen enough
        sys.stderr.close()
        return 0
    return code


def make_parser(only: str | None = None) -> argparse.ArgumentParser:
    """
    Return the parser of the whole command line.

    Args:
        only: the command whose arguments are wanted; the others have their names alone. None: those of all.
    """
    parser = argparse.ArgumentParser(
        prog="airflow-ml",
        description="Azure ML SDK v1 pipelines on your own Airflow.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, words in COMMANDS.items():
        if only is None or only == name:
            load(f"airflow_ml.cli.{name}_command").add_to(commands, words)
        else:
            commands.add_parser(name, help=words, add_help=False)
    version = commands.add_parser("version", help="print the version")
    add_json_argument(version)
    version.set_defaults(run=_print_version)
    return parser


def _command_of(arguments: Sequence[str]) -> str:
    """Return the command that is called, or "" where it is none; options of the whole there are not, besides help."""
    return next((word for word in arguments if not word.startswith("-")), "")


def _complete() -> int:
    """Answer the shell, which has put the line so far into the environment."""
    import argcomplete

    words = os.environ.get("COMP_LINE", "").split()
    argcomplete.autocomplete(make_parser(_command_of(words[1:])))
    return 0


def _print_version(arguments: argparse.Namespace) -> int:
    if arguments.json:
        write_json({"version": __version__})
    else:
        sys.stdout.write(f"airflow-ml {__version__}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
