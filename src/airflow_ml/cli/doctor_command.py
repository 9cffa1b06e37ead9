"""`airflow-ml doctor`: what is wrong with this machine's set-up, and what crashes have left on it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, describe
from airflow_ml.cli._output import write_json
from airflow_ml.exceptions import AzureMLException, UserErrorException

if TYPE_CHECKING:
    from airflow_ml.cli import _health, tables, workspaces
    from airflow_ml.cli._health import Check
    from airflow_ml.compute import docker_engine, image_programs
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import remains, services
    from airflow_ml.graph import Json
    from airflow_ml.registry import home
else:
    _health = late("airflow_ml.cli._health")
    docker_engine = late("airflow_ml.compute.docker_engine")
    home = late("airflow_ml.registry.home")
    image_programs = late("airflow_ml.compute.image_programs")
    remains = late("airflow_ml.execution.remains")
    services = late("airflow_ml.execution.services")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_CHECKS = ("", "what", "is", "do")
_HEADER = ("kind", "what", "run", "because")
_DESCRIPTION = """
Looks at this machine and its workspaces: Airflow, the plugin, the key of secrets, databases, datastores, the engine of
containers, devices, and the Airflow that runs the pipelines. It says what is wrong, and what to type.

It also lists what crashes have left: containers that nobody keeps, processes and run directories of runs that have
ended, and containers in which environments were asked about or built. With --clean that is removed. Kernel locks need
no cleaning: they die with their holders. Never touched is what belongs to an open run whose next try may go on with it.

The exit code is 1 if there is a problem, or something is left.
"""
_EXAMPLES = """
airflow-ml doctor
airflow-ml doctor --clean    # removes what crashes have left
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    doctor = commands.add_parser("doctor", help=words)
    describe(doctor, _DESCRIPTION, _EXAMPLES)
    doctor.add_argument("--clean", action="store_true", help="remove what was left; without, it is only listed")
    add_workspace_argument(doctor)
    add_json_argument(doctor)
    doctor.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    try:
        chosen = workspaces.choose(arguments.workspace)
    except UserErrorException:
        if arguments.workspace is not None:
            raise
        chosen = []
    checks = [*_checks(chosen)]
    left = [*_examine_programs(clean=arguments.clean)]
    for workspace in chosen:
        with services.open_services(workspace.ref) as opened:
            left += _examine(workspace, opened, clean=arguments.clean)
    if arguments.json:
        write_json({"checks": [check.to_data() for check in checks], "left": [*left]})
    else:
        _print(checks, left, clean=arguments.clean)
    stays = [item for item in left if not item["removed"]]
    return int(bool(stays) or any(check.state == "problem" for check in checks))


def _checks(chosen: Sequence[Workspace]) -> Iterator[Check]:
    yield from _health.check_machine()
    for workspace in chosen:
        yield from _health.check_workspace(workspace)
    if not chosen:
        yield _health.Check("workspace", "missing", "there is none on this machine", "airflow-ml init")


def _print(checks: Sequence[Check], left: Sequence[dict[str, Json]], *, clean: bool) -> None:
    tables.print_table(_CHECKS, [(check.state, check.what, check.text, check.advice) for check in checks], sys.stdout)
    count = sum(check.state == "problem" for check in checks)
    sys.stdout.write(f"\n{count or 'no'} {'problem' if count == 1 else 'problems'}\n")
    if left:
        sys.stdout.write("\n")
        rows = [tuple(str(item[key]) for key in ("kind", "what", "run_id", "reason")) for item in left]
        tables.print_table(_HEADER, rows, sys.stdout)
    stays = sum(not item["removed"] for item in left)
    if clean:
        sys.stdout.write(f"{len(left) - stays} removed\n")
    sys.stdout.write(f"{stays} left by crashes{'; --clean removes' if stays and not clean else ''}\n")


def _examine_programs(*, clean: bool) -> Iterator[dict[str, Json]]:
    """Do the same as `_examine` for what builders of environments have left, which belongs to no workspace."""
    engine, root = docker_engine.DockerEngine(), home.Home.default().environments
    try:
        found = image_programs.find_abandoned(engine, root)
        if clean:
            image_programs.remove_abandoned(engine, root)
    except AzureMLException as error:
        sys.stderr.write(f"airflow-ml: containers of builds were not looked at: {' '.join(str(error).split())}\n")
        return
    reason = "whoever looked into an image, or built for it, has died"
    for state in found:
        yield {"kind": "container", "what": state.name, "run_id": "", "reason": reason, "removed": clean}


def _examine(workspace: Workspace, opened: services.Services, *, clean: bool) -> Iterator[dict[str, Json]]:
    """Give what is left of a workspace's runs, and remove it if that was asked for."""
    found = remains.find_remains(opened)
    if found.trouble is not None:
        sys.stderr.write(f"airflow-ml: containers were not looked at: {found.trouble}\n")
    for item in found.found:
        said: dict[str, Json] = {"kind": item.kind, "what": item.what, "run_id": item.run_id, "reason": item.reason}
        yield {**said, "workspace": workspace.name, "removed": clean and _removed(opened, item)}


def _removed(opened: services.Services, item: remains.Remain) -> bool:
    try:
        remains.remove_remain(opened, item)
    except AzureMLException as error:
        sys.stderr.write(f"airflow-ml: not removed: {item.kind} {item.what}: {error}\n")
        return False
    return True
