"""How the devices of this machine stand, for people and for pages: the driver's word, the locks, and the notes."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ml.compute.device_locks import DeviceNote
from airflow_ml.compute.device_queue import Ticket, device_folder, overview
from airflow_ml.compute.devices import Inventory, take_inventory
from airflow_ml.exceptions import AzureMLException

if TYPE_CHECKING:
    from airflow_ml.compute.device_queue import DeviceState
    from airflow_ml.compute.devices import Device
    from airflow_ml.graph import Json
    from airflow_ml.registry import Home

__all__ = ["DeviceStatus", "MachineStatus", "for_how_long", "look"]

State: TypeAlias = Literal["free", "leased", "busy", "aside", "lost"]


@dataclass(frozen=True)
class DeviceStatus:
    """
    One device.

    Attributes:
        state: `free`; `leased` by a step; `busy` with what is no step; put `aside` after it was lost a while ago; or
            `lost`: the driver misses or complains of it.
        reason: why it is not free, where no step has it.
        note: who has it.
    """

    id: str
    model: str
    state: State
    reason: str | None = None
    note: DeviceNote | None = None

    def to_data(self) -> dict[str, Json]:
        """Return it as a JSON mapping."""
        return asdict(self)


@dataclass(frozen=True)
class MachineStatus:
    """
    All devices of this machine and those who wait for them, in order.

    Attributes:
        problem: why the driver could not be asked; the locks are shown all the same.
    """

    devices: tuple[DeviceStatus, ...]
    waiting: tuple[Ticket, ...]
    problem: str | None = None

    def to_data(self) -> dict[str, Json]:
        """Return it as a JSON mapping."""
        return {
            "devices": [device.to_data() for device in self.devices],
            "waiting": [
                {"step": item.step, "run": item.run, "devices": item.wish.count, "since": item.since, "pid": item.pid}
                for item in self.waiting
            ],
            "problem": self.problem,
        }


def look(home: Home) -> MachineStatus:
    """
    Return how things stand now.

    Raises:
        ServiceException: the locks' folder cannot be written.
    """
    problem = None
    try:
        inventory = take_inventory()
    except AzureMLException as error:
        inventory, problem = Inventory(), str(error)
    seen = overview(device_folder(home), inventory.ids)
    known = {device.id: device for device in inventory.devices}
    shown = [state for state in seen.devices if state.id in known or state.is_held or problem is not None]
    return MachineStatus(tuple(_status(state, known.get(state.id)) for state in shown), seen.waiting, problem)


def for_how_long(since: float) -> str:
    """Return the time since a moment in Unix time, in words."""
    minutes, seconds = divmod(max(0, int(time.time() - since)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _status(state: DeviceState, device: Device | None) -> DeviceStatus:
    model = "" if device is None else device.name
    if state.is_held:
        return DeviceStatus(state.id, model, "leased", note=state.note)
    if device is None or device.fault is not None:
        return DeviceStatus(state.id, model, "lost", "the driver does not list it" if device is None else device.fault)
    if state.fault is not None:
        return DeviceStatus(state.id, model, "aside", state.fault)
    if device.users:
        return DeviceStatus(state.id, model, "busy", f"process {', '.join(device.users)}")
    return DeviceStatus(state.id, model, "free")
