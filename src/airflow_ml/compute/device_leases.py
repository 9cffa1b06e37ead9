"""
Leases of devices: what is looked at between a lock and its use, and how a device is given back.

A lock that is free says that no process of the last step lives that had inherited it. It says nothing of a process that
closed it, of a container, or of the device itself, so these are asked before a device is handed on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from airflow_ml.compute.device_locks import DeviceLock, DeviceNote
from airflow_ml.compute.devices import Device, Inventory, take_inventory
from airflow_ml.compute.orphans import kill_orphans
from airflow_ml.exceptions import ServiceException

__all__ = ["DeviceLease", "find_hindrances", "find_lost"]

#: What the driver said so many seconds ago still holds.
_FRESH_SECONDS = 2.0

#: Returns devices that live containers have, each with the container's name.
Containers = Callable[[], Mapping[str, str]]


@dataclass
class DeviceLease:
    """Devices that belong to one step, until they are given back and all its processes are gone."""

    locks: Sequence[DeviceLock]
    run: str
    step: str
    in_container: bool = False
    _faults: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for lock in self.locks:
            lock.write(self._note())

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the devices."""
        return tuple(lock.device for lock in self.locks)

    @property
    def held(self) -> tuple[int, ...]:
        """The descriptors that hold the locks, to be handed to the step's keeper."""
        return tuple(lock.descriptor for lock in self.locks)

    def put_aside(self, faults: Mapping[str, str]) -> None:
        """Keep others from these devices for a while after they were given back."""
        self._faults.update(faults)

    def give_back(self, *, is_clean: bool) -> None:
        """
        Let go of the devices; twice is fine.

        Args:
            is_clean: all processes of the step are known to be gone; the next holder need not look for them.
        """
        for lock in self.locks:
            fault = self._faults.get(lock.device)
            if lock.descriptor >= 0 and fault is not None:
                lock.write(self._note(fault))
            elif lock.descriptor >= 0 and is_clean:
                lock.write(None)
            lock.close()

    def _note(self, fault: str | None = None) -> DeviceNote:
        return DeviceNote(self.run, self.step, time.time(), os.getpid(), fault, self.in_container)


def find_hindrances(
    locks: Sequence[DeviceLock], inventory: Inventory, age: float, containers: Containers
) -> dict[str, str]:
    """
    Return why devices whose locks were just taken cannot be used yet; nothing for those that can.

    What a crashed step has left running on them is ended here.

    Args:
        age: seconds since the inventory was taken.
        containers: asked only if a step that ran in one did not end properly.
    """
    crashed = {lock.device: lock.left for lock in locks if lock.left is not None}
    left = {device: why for device, note in crashed.items() if (why := _left_by(device, note, containers))}
    return {**_unfit([lock.device for lock in locks], inventory, age), **left}


def _left_by(device: str, note: DeviceNote, containers: Containers) -> str | None:
    """End what a crashed step has left, and return what cannot be ended."""
    try:
        used = containers() if note.in_container else {}
        if device in used:
            return f"container {used[device]} still has it, of {note.step} (run {note.run})"
        kill_orphans(note.run)
    except ServiceException as error:
        return str(error)
    return None


def find_lost(ids: Sequence[str]) -> dict[str, str]:
    """Return which of the devices are not what they were, with the reason; what other processes do counts nothing."""
    if not any(map(_is_real, ids)):
        return {}
    try:
        devices = {device.id: device for device in take_inventory().devices}
    except ServiceException as error:
        return dict.fromkeys(ids, str(error))
    return {device: fault for device in ids if (fault := _fault(devices.get(device)))}


def _unfit(ids: Sequence[str], inventory: Inventory, age: float) -> dict[str, str]:
    """Ask the driver, unless it has just said that all of them are well and nobody's."""
    found = _unfit_of(ids, inventory)
    if not any(map(_is_real, ids)) or (age < _FRESH_SECONDS and not found):
        return found
    return _unfit_of(ids, take_inventory())


def _unfit_of(ids: Sequence[str], inventory: Inventory) -> dict[str, str]:
    devices = {device.id: device for device in inventory.devices}
    found = {}
    for name in ids:
        device = devices.get(name)
        fault = _fault(device)
        if fault is None and device is not None and device.users:
            fault = f"it is used by process {', '.join(device.users)}, which is no step of this installation"
        if fault is not None:
            found[name] = fault
    return found


def _fault(device: Device | None) -> str | None:
    return "the driver has lost it" if device is None else device.fault


def _is_real(device: str) -> bool:
    return not Device(device).is_fake
