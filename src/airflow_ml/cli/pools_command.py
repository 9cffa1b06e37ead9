"""`airflow-ml compute sync`: compute targets as Airflow pools; `pools sync` is its older name."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument
from airflow_ml.cli._output import write_json
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import workspaces
    from airflow_ml.translation import service, service_client, service_pools
    from airflow_ml.translation.service_client import AirflowClient
else:
    service = late("airflow_ml.translation.service")
    service_client = late("airflow_ml.translation.service_client")
    service_pools = late("airflow_ml.translation.service_pools")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_sync_to", "add_to"]

_TOKEN_VARIABLE = "AIRFLOW_ML_AIRFLOW_TOKEN"  # noqa: S105 - the variable's name


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("pools", help=words)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add_sync_to(actions)


def add_sync_to(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action `sync`."""
    sync = actions.add_parser(
        "sync",
        help="create or change the pools of the compute targets",
        description="Give every compute target a pool: a slot per node, or per GPU. The service does it by itself.",
    )
    sync.add_argument("--workspace", metavar="NAME", help="default: that of config.json, or else all of this machine")
    sync.add_argument("--url", help="address of an Airflow; default: the service of this machine")
    sync.add_argument("--token", help=f"of Airflow's REST API; better in the variable {_TOKEN_VARIABLE}")
    add_json_argument(sync)
    sync.set_defaults(run=_sync)


def _sync(arguments: argparse.Namespace) -> int:
    airflow = _client(arguments)
    synced = [
        (workspace.name, name, slots)
        for workspace in workspaces.choose(arguments.workspace)
        for name, slots in service_pools.sync_pools(workspace.ref, airflow).items()
    ]
    if arguments.json:
        write_json({"pools": [{"workspace": where, "name": name, "slots": slots} for where, name, slots in synced]})
        return 0
    for where, name, slots in synced:
        sys.stdout.write(f"{name}: {slots} {'slot' if slots == 1 else 'slots'} (workspace {where})\n")
    return 0


def _client(arguments: argparse.Namespace) -> AirflowClient:
    if arguments.url:
        token = arguments.token or os.environ.get(_TOKEN_VARIABLE)
        if not token:
            raise UserErrorException(f"compute sync: --url needs a token; give --token or set {_TOKEN_VARIABLE}")
        return service_client.AirflowClient(arguments.url, token)
    running = service.find_running()
    if running is None:
        raise UserErrorException(
            "compute sync: no service runs on this machine; start it with 'airflow-ml service start', or give --url"
        )
    return running.client()
