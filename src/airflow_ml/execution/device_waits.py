"""Waiting for devices: the task stays, hears requests to stop, and says who has what it waits for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_ml.compute.device_leases import DeviceLease, find_hindrances
from airflow_ml.compute.device_queue import Overview, Turn, device_folder
from airflow_ml.compute.device_status import for_how_long
from airflow_ml.compute.devices import take_inventory
from airflow_ml.compute.docker_engine import home_label
from airflow_ml.execution.stopping import StepStopped
from airflow_ml.registry import RunStateError

if TYPE_CHECKING:
    from airflow_ml.compute.device_locks import DeviceLock
    from airflow_ml.compute.device_queue import Wish
    from airflow_ml.compute.devices import Inventory
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.services import Services

__all__ = ["wait_for_devices"]

#: Seconds between two looks while others have the devices.
_LOOK_SECONDS = 0.1
#: Seconds for which a device that could not be used is not tried again.
_AVOID_SECONDS = 10.0
#: Seconds between two lines of the log that say the same.
_SAY_SECONDS = 60.0


def wait_for_devices(attempt: Attempt, wish: Wish, inventory: Inventory) -> DeviceLease:
    """
    Return the lease of so many devices, when it is this step's turn.

    Nothing but a request to stop bounds the wait: Airflow's `execution_timeout` counts it, v1's
    `max_run_duration_seconds`, the time of the script, does not.

    Raises:
        StepStopped: the step was stopped meanwhile.
        ServiceException: the driver does not answer, or the locks cannot be written.
    """

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        attempt.watch.start_clock()
        reason = attempt.watch.reason()
        if reason is not None:
            raise StepStopped(f"{attempt.title} was stopped while it waited for devices: {reason}")

    services = attempt.services
    turn = Turn(device_folder(services.home), wish, attempt.marker, attempt.title, pause)
    wait = _Wait(services, turn, inventory, in_container=attempt.is_in_container)
    said = _Saying(attempt)
    try:
        while (lease := wait.look()) is None:
            said.say(turn.wish, turn.seen, wait.avoided)
            pause(_LOOK_SECONDS)
        return lease
    finally:
        turn.close()


class _Wait:
    """
    Looks for devices again and again.

    Attributes:
        avoided: devices that cannot be used at the moment, with the reason.
    """

    def __init__(self, services: Services, turn: Turn, inventory: Inventory, *, in_container: bool) -> None:
        self._services = services
        self._turn = turn
        self._in_container = in_container
        self._take(inventory)

    def look(self) -> DeviceLease | None:
        """Return the lease if it can be had now."""
        if self.avoided and time.monotonic() > self._until:
            self._take(take_inventory())
        locks = self._turn.look(self.avoided)
        return self._settled(locks) if locks else None

    def _take(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._asked = time.monotonic()
        self._until = self._asked + _AVOID_SECONDS
        present = {device.id: device.fault for device in inventory.devices}
        gone = {device: "the driver has lost it" for device in self._turn.wish.ids if device not in present}
        self.avoided: dict[str, str] = {**{device: fault for device, fault in present.items() if fault}, **gone}

    def _settled(self, locks: Sequence[DeviceLock]) -> DeviceLease | None:
        try:
            hindrances = find_hindrances(locks, self._inventory, time.monotonic() - self._asked, self._containers)
            if not hindrances:
                return DeviceLease(locks, self._turn.run, self._turn.step, self._in_container)
        except BaseException:
            _close(locks)
            raise
        _close(locks)
        self.avoided.update(hindrances)
        self._until = time.monotonic() + _AVOID_SECONDS
        return None

    def _containers(self) -> dict[str, str]:
        """Return the devices of this installation's running containers, each with the container's name."""
        found = self._services.containers.engine.find_all({"home": home_label(self._services.home.root)})
        return {
            device: state.name
            for state in found
            if state.is_running
            for device in filter(None, state.label("devices").split(","))
        }


class _Saying:
    """Tells the task's log what it waits for, at once and then every minute."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._next: float | None = None

    def say(self, wish: Wish, seen: Overview, avoided: Mapping[str, str]) -> None:
        """Say how things stand."""
        now = time.monotonic()
        if self._next is None:
            self._note_queued()
        elif now < self._next:
            return
        self._next = now + _SAY_SECONDS
        title, devices = self._attempt.title, f"{wish.count} of {len(wish.ids)} devices"
        self._attempt.log(f"{title} waits for {devices}: {describe(seen, avoided)}")

    def _note_queued(self) -> None:
        """Record that the run waits: v1's status between Preparing and Running."""
        try:
            self._attempt.services.registry.runs.set_status(self._attempt.run.id, "Queued", expected="Preparing")
        except RunStateError:  # canceled meanwhile: the watch sees it
            return


def describe(seen: Overview, avoided: Mapping[str, str]) -> str:
    """Say who has which device, and since when, and how many wait longer."""
    parts = []
    for device in seen.devices:
        hindrance = avoided.get(device.id) or device.fault
        if device.is_held and device.note is not None:
            note = device.note
            parts.append(f"{device.id} is held by {note.step} (run {note.run}) for {for_how_long(note.since)}")
        elif device.is_held:
            parts.append(f"{device.id} is being given back")
        elif hindrance:
            parts.append(f"{device.id} cannot be used: {hindrance}")
        else:
            parts.append(f"{device.id} is free")
    before = [f"{ticket.step} (run {ticket.run}, {ticket.wish.count})" for ticket in seen.waiting]
    if before:
        parts.append(f"before it in the queue: {', '.join(before)}")
    return "; ".join(parts)


def _close(locks: Sequence[DeviceLock]) -> None:
    for lock in locks:
        lock.close()
