"""`airflow-ml compute`: who has this machine's devices and who waits for them, and pools of compute targets."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli import pools_command

if TYPE_CHECKING:
    from airflow_ml.cli import tables
    from airflow_ml.compute import device_status
    from airflow_ml.compute.device_status import DeviceStatus, MachineStatus
    from airflow_ml.registry import home
else:
    device_status = late("airflow_ml.compute.device_status")
    home = late("airflow_ml.registry.home")
    tables = late("airflow_ml.cli.tables")

__all__ = ["add_to"]

_DEVICES = ("device", "model", "state", "step", "run", "for")
_WAITING = ("place", "step", "run", "devices", "for")
_DESCRIPTION = """
Shows the devices of this machine, which step has each and since when, and who waits, in order. It asks the kernel's
locks, so that it tells what is and not what somebody has once written down.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("compute", help="look at this machine's devices, and make pools of compute targets")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    status = actions.add_parser("status", help="who has which device, and who waits", description=_DESCRIPTION)
    status.add_argument("--json", action="store_true", help="print a JSON document")
    status.set_defaults(run=_status)
    pools_command.add_sync_to(actions)


def _status(arguments: argparse.Namespace) -> int:
    status = device_status.look(home.Home.default())
    if arguments.json:
        sys.stdout.write(json.dumps({"host": socket.gethostname(), **status.to_data()}, indent=1) + "\n")
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
