"""`airflow-ml compute`: who has this machine's devices and who waits for them, and pools of compute targets."""

from __future__ import annotations

import argparse
import socket
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli import pools_command
from airflow_ml.cli._arguments import add_json_argument, add_workspace_argument, describe
from airflow_ml.cli._output import timestamp, write_json

if TYPE_CHECKING:
    from airflow_ml.cli import tables, workspaces
    from airflow_ml.compute import device_status
    from airflow_ml.compute.device_status import DeviceStatus, MachineStatus
    from airflow_ml.graph import Json
    from airflow_ml.registry import home
    from airflow_ml.registry.records import ComputeTargetRecord
else:
    device_status = late("airflow_ml.compute.device_status")
    home = late("airflow_ml.registry.home")
    tables = late("airflow_ml.cli.tables")
    workspaces = late("airflow_ml.cli.workspaces")

__all__ = ["add_to"]

_EXAMPLES = """
airflow-ml compute list
airflow-ml compute status        # who has which GPU, and who waits
airflow-ml compute sync          # give every target its Airflow pool
"""
_TARGETS = ("workspace", "name", "type", "settings")
_DEVICES = ("device", "model", "state", "step", "run", "for")
_WAITING = ("place", "step", "run", "devices", "for")
_DESCRIPTION = """
Shows the devices of this machine, which step has each and since when, and who waits, in order. It asks the kernel's
locks, so that it tells what is and not what somebody has once written down.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("compute", help=words)
    describe(parser, "Compute targets, and the devices of this machine.", _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list compute targets")
    listing.set_defaults(run=_list)
    add_workspace_argument(listing)
    add_json_argument(listing)
    status = actions.add_parser("status", help="who has which device, and who waits", description=_DESCRIPTION)
    add_json_argument(status)
    status.set_defaults(run=_status)
    pools_command.add_sync_to(actions)


def _list(arguments: argparse.Namespace) -> int:
    chosen = workspaces.choose(arguments.workspace)
    found = [(workspace.name, record) for workspace in chosen for record in workspace.registry().compute_targets.list()]
    if arguments.json:
        documents: list[Json] = [_document(workspace, record) for workspace, record in found]
        write_json({"compute_targets": documents})
        return 0
    rows = [
        (workspace, record.name, record.type, ", ".join(f"{key} = {value}" for key, value in _said(record).items()))
        for workspace, record in found
    ]
    tables.print_table(_TARGETS, rows, sys.stdout)
    return 0


def _said(record: ComputeTargetRecord) -> dict[str, Json]:
    return {key: value for key, value in record.settings.items() if value not in (None, "", [], {})}


def _document(workspace: str, record: ComputeTargetRecord) -> dict[str, Json]:
    settings = dict(record.settings)
    created = timestamp(record.created_at)
    return {
        "workspace": workspace,
        "name": record.name,
        "type": record.type,
        "settings": settings,
        "created_at": created,
    }


def _status(arguments: argparse.Namespace) -> int:
    status = device_status.look(home.Home.default())
    if arguments.json:
        write_json({"host": socket.gethostname(), **status.to_data()})
    else:
        _print(status)
    return int(status.problem is not None)


def _print(status: MachineStatus) -> None:
    if status.problem is not None:
        sys.stderr.write(f"airflow-ml: {status.problem}\n")
    if not status.devices:
        sys.stdout.write(f"machine {socket.gethostname()!r} has no devices\n")
        return
    tables.print_table(_DEVICES, [_row(device) for device in status.devices], sys.stdout)
    sys.stdout.write("\n")
    if not status.waiting:
        sys.stdout.write("nobody waits\n")
        return
    rows = [
        (str(place), ticket.step, ticket.run, str(ticket.wish.count), device_status.for_how_long(ticket.since))
        for place, ticket in enumerate(status.waiting, start=1)
    ]
    tables.print_table(_WAITING, rows, sys.stdout)


def _row(device: DeviceStatus) -> tuple[str, ...]:
    note = device.note
    words = (device.id, device.model, device.state if device.reason is None else f"{device.state}: {device.reason}")
    return (
        (*words, "", "", "") if note is None else (*words, note.step, note.run, device_status.for_how_long(note.since))
    )
