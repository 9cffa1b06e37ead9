"""`airflow-ml completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import argparse
import sys

from airflow_ml.cli._arguments import add_json_argument, describe
from airflow_ml.cli._output import write_json

__all__ = ["add_to"]

_DESCRIPTION = "Prints what makes a shell complete the commands, their options and file names."
_EXAMPLES = """
eval "$(airflow-ml completion bash)"                                            # in ~/.bashrc
eval "$(airflow-ml completion zsh)"                                             # in ~/.zshrc
airflow-ml completion fish > ~/.config/fish/completions/airflow-ml.fish
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("completion", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    add_json_argument(parser)
    parser.set_defaults(run=_print)


def _print(arguments: argparse.Namespace) -> int:
    # Not before it is asked for: it is part of no other command's start.
    from argcomplete.shell_integration import shellcode

    # zsh reads bash's code by a compatibility layer that argcomplete's own text begins with.
    shell = "fish" if arguments.shell == "fish" else "bash"
    code: str = shellcode(["airflow-ml"], shell=shell)
    if arguments.json:
        write_json({"shell": arguments.shell, "code": code})
    else:
        sys.stdout.write(code)
    return 0
