"""`airflow-ml service start | stop | status`: the background Airflow of this machine."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, describe
from airflow_ml.cli._output import write_json

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.translation import service_control, service_database
    from airflow_ml.translation.service_control import ServiceStatus
else:
    service_control = late("airflow_ml.translation.service_control")
    service_database = late("airflow_ml.translation.service_database")

__all__ = ["add_to"]

_DESCRIPTION = """
An Airflow of this machine (`airflow standalone`) that takes the pipelines that are submitted; submits find it by
themselves.
"""
_EXAMPLES = """
airflow-ml service start
airflow-ml service status
airflow-ml service stop
"""
#: Exit code of `status` for a service that is not running, as of `systemctl status`.
_EXIT_NOT_RUNNING = 3


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("service", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    start = actions.add_parser("start", help="start the service and wait until it answers")
    start.add_argument("--port", type=int, default=8080, help="of Airflow's pages (%(default)s, or a free one)")
    start.add_argument(
        "--database-url",
        metavar="URL",
        help="PostgreSQL database for Airflow's own records; also AIRFLOW_ML_SERVICE_DATABASE; default: an SQLite file",
    )
    start.set_defaults(run=_start)
    stop = actions.add_parser("stop", help="end the service and everything that it runs")
    stop.set_defaults(run=_stop)
    status = actions.add_parser("status", help="say whether the service runs, and where (exit code 3 if it does not)")
    status.set_defaults(run=_status)
    for action in (start, stop, status):
        add_json_argument(action)


def _start(arguments: argparse.Namespace) -> int:
    if arguments.database_url and service_database.has_password(arguments.database_url):
        _hide_password(arguments)
    state = service_control.service_status().state
    if state != "running" and not arguments.json:
        sys.stdout.write("starting Airflow; this takes about half a minute ...\n")
        sys.stdout.flush()
    status = service_control.start_service(port=arguments.port, database_url=arguments.database_url)
    if state == "running" and not arguments.json:
        sys.stdout.write("the service is running already\n")
    _print(status, as_json=arguments.json)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    was_running = service_control.stop_service()
    if arguments.json:
        write_json({"state": "stopped", "was_running": was_running})
        return 0
    sys.stdout.write("the service has ended\n" if was_running else "the service was not running\n")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    status = service_control.service_status()
    _print(status, as_json=arguments.json)
    return 0 if status.state == "running" else _EXIT_NOT_RUNNING


def _hide_password(arguments: argparse.Namespace) -> None:
    """Start over with the URL in the environment: everybody on the machine can read a process's arguments."""
    variables = {**os.environ, service_database.VARIABLE: arguments.database_url}
    command = [sys.executable, "-m", "airflow_ml.cli.main", "service", "start", "--port", str(arguments.port)]
    if arguments.json:
        command.append("--json")
    os.execve(sys.executable, command, variables)  # noqa: S606 - our own interpreter, no shell


def _print(status: ServiceStatus, *, as_json: bool) -> None:
    lines: dict[str, Json] = {
        "state": status.state,
        "problem": status.problem,
        "url": status.url,
        "user": f"admin, password in {status.passwords}" if status.url else None,
        "pid": status.pid,
        "database": status.database,
        "log": str(status.log),
    }
    if as_json:
        write_json(lines)
        return
    for name, value in lines.items():
        if value is not None:
            sys.stdout.write(f"{name + ':':<10}{value}\n")
