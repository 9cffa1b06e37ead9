"""`airflow-ml service start | stop | status`: the background Airflow of this machine."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late

if TYPE_CHECKING:
    from airflow_ml.translation import service_control, service_database
    from airflow_ml.translation.service_control import ServiceStatus
else:
    service_control = late("airflow_ml.translation.service_control")
    service_database = late("airflow_ml.translation.service_database")

__all__ = ["add_to"]

#: Exit code of `status` for a service that is not running, as of `systemctl status`.
_EXIT_NOT_RUNNING = 3


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "service",
        help="run submitted pipelines in the background, steps in parallel",
        description="An Airflow of this machine (`airflow standalone`) that takes the pipelines that are submitted.",
    )
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


def _start(arguments: argparse.Namespace) -> int:
    if arguments.database_url and service_database.has_password(arguments.database_url):
        _hide_password(arguments)
    state = service_control.service_status().state
    if state != "running":
        sys.stdout.write("starting Airflow; this takes about half a minute ...\n")
        sys.stdout.flush()
    status = service_control.start_service(port=arguments.port, database_url=arguments.database_url)
    if state == "running":
        sys.stdout.write("the service is running already\n")
    _print(status)
    return 0


def _stop(_arguments: argparse.Namespace) -> int:
    was_running = service_control.stop_service()
    sys.stdout.write("the service has ended\n" if was_running else "the service was not running\n")
    return 0


def _status(_arguments: argparse.Namespace) -> int:
    status = service_control.service_status()
    _print(status)
    return 0 if status.state == "running" else _EXIT_NOT_RUNNING


def _hide_password(arguments: argparse.Namespace) -> None:
    """Start over with the URL in the environment: everybody on the machine can read a process's arguments."""
    variables = {**os.environ, service_database.VARIABLE: arguments.database_url}
    command = [sys.executable, "-m", "airflow_ml.cli.main", "service", "start", "--port", str(arguments.port)]
    os.execve(sys.executable, command, variables)  # noqa: S606 - our own interpreter, no shell


def _print(status: ServiceStatus) -> None:
    lines = {
        "state": status.state,
        "problem": status.problem,
        "url": status.url,
        "user": f"admin, password in {status.passwords}" if status.url else None,
        "pid": status.pid,
        "database": status.database,
        "log": status.log,
    }
    for name, value in lines.items():
        if value is not None:
            sys.stdout.write(f"{name + ':':<10}{value}\n")
