"""
The devices of one attempt: how many it takes, and what its script sees of them.

Pools of Airflow admit steps, they hand out no device. The lease is taken when everything else is ready, so that no
device stands idle while inputs are staged, and a step that is reused never waits for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ml.compute.device_leases import find_lost
from airflow_ml.compute.device_queue import Wish
from airflow_ml.compute.devices import DEVICES_VARIABLE, take_inventory, visibility
from airflow_ml.compute.targets import TargetSettings
from airflow_ml.exceptions import ComputeTargetException, ServiceException, StepLostError
from airflow_ml.execution.device_waits import wait_for_devices

if TYPE_CHECKING:
    from airflow_ml.compute.device_leases import DeviceLease
    from airflow_ml.compute.devices import Inventory
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services

__all__ = ["Devices", "leased"]


@dataclass(frozen=True)
class Devices:
    """
    What a step has of the machine's devices.

    Attributes:
        environment: what its script must find, whatever the step or the worker says of these variables.
        held: descriptors of the locks, for the script's keeper.
    """

    ids: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    held: tuple[int, ...] = ()
    _lease: DeviceLease | None = None

    def refuse_lost(self, where: str) -> None:
        """
        Look whether a script failed because it has lost a device; such a device is put aside for a while.

        Raises:
            StepLostError: it is so; a retry gets another device.
        """
        lost = find_lost(self.ids) if self._lease is not None else {}
        if lost and self._lease is not None:
            self._lease.put_aside(lost)
            texts = "; ".join(f"device {device}: {fault}" for device, fault in lost.items())
            raise StepLostError(f"{where} lost a device while its script ran: {texts}; a retry takes another one")


@contextmanager
def leased(attempt: Attempt) -> Iterator[Devices]:
    """
    Give the step its devices inside the block; nothing, and at no cost, for a step that takes none.

    Raises:
        ComputeTargetException: this machine does not have so many.
        StepStopped: it was stopped while it waited.
        ServiceException: the driver does not answer; trying again can help.
    """
    count, is_said = _asked(attempt.services, attempt.task)
    if count is None:
        yield Devices()
        return
    inventory = take_inventory() if count else None
    if inventory is None or _does_without(attempt, count, inventory, is_said=is_said):
        yield Devices(environment=visibility(()))
        return
    _refuse_crowded(attempt, count, inventory)
    attempt.meeting.wait_for_turn(attempt.watch)
    lease = wait_for_devices(attempt, Wish(count, inventory.ids), inventory)
    is_clean = True
    try:
        attempt.log(f"{attempt.title} has {'device' if count == 1 else 'devices'} {', '.join(lease.ids)}")
        yield Devices(lease.ids, visibility(lease.ids), lease.held, lease)
    except ServiceException:  # its keeper may have been killed, for instance; the next holder looks for what is left
        is_clean = False
        raise
    finally:
        lease.give_back(is_clean=is_clean)


def _asked(services: Services, task: StepTask) -> tuple[int | None, bool]:
    """
    Return how many devices the step takes, and whether it says so itself; the GPUs of its target's node otherwise.

    None is for a step whose target says nothing of its nodes: it sees what the worker sees.
    """
    said = task.step.settings.get("gpus")
    if isinstance(said, int):
        return said, True
    record = None if task.step.compute is None else services.registry.compute_targets.find(task.step.compute)
    if record is None:
        return None, False
    target = TargetSettings.read(record.name, record.type, record.settings)
    return (None if target.node is None and not target.gpus_per_node else target.gpus_per_node), False


def _does_without(attempt: Attempt, count: int, inventory: Inventory, *, is_said: bool) -> bool:
    """Say whether the step runs without the devices that it asks for, or refuse it if it must not."""
    if len(inventory.devices) >= count:
        return False
    if not inventory.devices and (inventory.rule == "waived" or (inventory.rule == "optional" and not is_said)):
        attempt.log(f"{attempt.title} runs WITHOUT the {_devices(count)} of its compute target: this machine has none")
        return True
    has = f"has {_devices(len(inventory.devices))}" if inventory.devices else "has none"
    raise ComputeTargetException(
        f"{attempt.title}: {_devices(count)} asked for, and this machine {has}; give the step fewer by gpus=, run it on"
        f" a machine with more, or set {DEVICES_VARIABLE} to say what the machine has"
    )


def _refuse_crowded(attempt: Attempt, count: int, inventory: Inventory) -> None:
    """Refuse nodes of one step that have met on a machine which cannot give its devices to all of them."""
    nodes, has = attempt.meeting.neighbours, len(inventory.devices)
    if nodes * count > has:
        raise ComputeTargetException(
            f"{attempt.title}: {nodes} of its nodes are on this machine, which has {_devices(has)} and not"
            f" {nodes * count}; let each worker of the target run one task at a time, or give the step fewer by gpus="
        )


def _devices(count: int) -> str:
    return f"{count} device{'' if count == 1 else 's'}"
