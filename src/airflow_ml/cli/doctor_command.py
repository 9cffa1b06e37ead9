"""`airflow-ml doctor`: what crashes have left on this machine, and its removal."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_workspace_argument
from airflow_ml.exceptions import AzureMLException

if TYPE_CHECKING:
    from airflow_ml.cli import tables, workspaces
    from airflow_ml.compute import docker_engine, image_programs
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import remains, services
    from airflow_ml.registry import home
else:
    docker_engine = late("airflow_ml.compute.docker_engine")
    home = late("airflow_ml.registry.home")
    image_programs = late("airflow_ml.compute.image_programs")
    remains = late("airflow_ml.execution.remains")
    services = late("airflow_ml.execution.services")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_HEADER = ("kind", "what", "run", "because")
_DESCRIPTION = """
Lists what crashes have left on this machine: containers that nobody keeps, processes and run directories of runs that
have ended, and containers in which environments were asked about or built. With --clean it is removed. Kernel locks
need no cleaning: they die with their holders. Never touched is what belongs to an open run whose next try may go on
with it. The exit code is 1 if something is left.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    doctor = commands.add_parser("doctor", help="list or remove what crashes have left", description=_DESCRIPTION)
    doctor.add_argument("--clean", action="store_true", help="remove it; without, it is only listed")
    add_workspace_argument(doctor)
    doctor.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    left = _examine_programs(clean=arguments.clean)
    for workspace in workspaces.choose(arguments.workspace):
        with services.open_services(workspace.ref) as opened:
            left += _examine(workspace, opened, clean=arguments.clean)
    return int(left > 0)


def _examine_programs(*, clean: bool) -> int:
    """Do the same as `_examine` for what builders of environments have left, which belongs to no workspace."""
    engine, root = docker_engine.DockerEngine(), home.Home.default().environments
    try:
        found = image_programs.find_abandoned(engine, root)
        if clean:
            image_programs.remove_abandoned(engine, root)
    except AzureMLException as error:
        sys.stderr.write(f"airflow-ml: containers of builds were not looked at: {error}\n")
        return 0
    if not found:
        return 0
    rows = [("container", state.name, "", "whoever looked into an image, or built for it, has died") for state in found]
    tables.print_table(_HEADER, rows, sys.stdout)
    sys.stdout.write(f"environments: {len(found)} {'removed' if clean else 'left; --clean removes'}\n")
    return 0 if clean else len(found)


def _examine(workspace: Workspace, opened: services.Services, *, clean: bool) -> int:
    """Print what is left of a workspace's runs, remove it if that was asked for, and return how much stays."""
    found = remains.find_remains(opened)
    if found.trouble is not None:
        sys.stderr.write(f"airflow-ml: containers were not looked at: {found.trouble}\n")
    if found.found:
        rows = [(item.kind, item.what, item.run_id, item.reason) for item in found.found]
        tables.print_table(_HEADER, rows, sys.stdout)
    left = [item for item in found.found if not clean or not _removed(opened, item)]
    verb = "removed" if clean else "left"
    count = len(found.found) - len(left) if clean else len(left)
    sys.stdout.write(
        f"workspace {workspace.name!r}: {count} {verb}{'' if clean or not left else '; --clean removes'}\n"
    )
    return len(left)


def _removed(opened: services.Services, item: remains.Remain) -> bool:
    try:
        remains.remove_remain(opened, item)
    except AzureMLException as error:
        sys.stderr.write(f"airflow-ml: not removed: {item.kind} {item.what}: {error}\n")
        return False
    return True
