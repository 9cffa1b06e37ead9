"""`airflow-ml secrets rotate`: what workspaces keep encrypted, encrypted with the newest key."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, describe
from airflow_ml.cli._output import write_json

if TYPE_CHECKING:
    from airflow_ml.cli import workspaces
    from airflow_ml.graph import Json
    from airflow_ml.registry import resealing
else:
    resealing = late("airflow_ml.registry.resealing")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_DESCRIPTION = """
Encrypts the secrets of datastores, graphs, environments, datasets and runs with the first of Airflow's Fernet keys, and
those that are still in plain text. To change the key, put the new one before the old one in [core] fernet_key, with a
comma between them, do this, and then take the old one away.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("secrets", help=words)
    describe(parser, "What workspaces keep encrypted.", "airflow-ml secrets rotate    # after a change of the key")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    rotate = actions.add_parser("rotate", help="encrypt everything anew", description=_DESCRIPTION)
    rotate.add_argument("--workspace", metavar="NAME", help="default: that of config.json, or else all of this machine")
    add_json_argument(rotate)
    rotate.set_defaults(run=_rotate)


def _rotate(arguments: argparse.Namespace) -> int:
    done: list[Json] = []
    for workspace in workspaces.choose(arguments.workspace):
        count = resealing.reseal_registry(workspace.registry())
        done.append({"workspace": workspace.name, "records": count})
        if not arguments.json:
            sys.stdout.write(f"workspace {workspace.name}: {count} records encrypted anew\n")
    if arguments.json:
        write_json({"workspaces": done})
    return 0
