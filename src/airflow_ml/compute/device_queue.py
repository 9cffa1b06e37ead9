"""
Who gets which devices of a machine, in the order of asking.

    <folder>/<device>.lock      held for as long as something uses the device (`airflow_ml.compute.device_locks`)
    <folder>/queue.lock         held for the moment in which somebody looks around and takes what is his
    <folder>/tickets/<number>   held by one who waits; the lower number was there first

Who asks for several devices gets all or none. Free devices are kept for those who have waited longer, so that a large
request has to wait for no more than the steps that run when it asks, however many small ones come later. A request
that the devices in order cannot fulfil keeps nobody waiting.

Everything hangs on kernel locks: what a killed process held is free at once, and its ticket is passed over.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.device_locks import DeviceLock, DeviceNote, open_lock, read_note
from airflow_ml.exceptions import ServiceException

if TYPE_CHECKING:
    from airflow_ml.registry import Home

__all__ = ["ASIDE_SECONDS", "DeviceState", "Overview", "Ticket", "Turn", "Wish", "allot", "device_folder", "overview"]

#: How long a device that was lost is put aside: longer than the retries of the step that lost it.
ASIDE_SECONDS = 600.0

#: Seconds between two looks at the queue's lock, which is held for less than a millisecond.
_MOMENT = 0.005


@dataclass(frozen=True)
class Wish:
    """How many devices are asked for, and which would do."""

    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Ticket:
    """Somebody who waits; `since` is Unix time."""

    number: int
    wish: Wish
    run: str
    step: str
    since: float
    pid: int


@dataclass(frozen=True)
class DeviceState:
    """One device: whether something holds it, and what its file says; a note about a fault counts while it is new."""

    id: str
    is_held: bool
    note: DeviceNote | None = None

    @property
    def fault(self) -> str | None:
        """Why it is put aside at the moment, or None."""
        if self.is_held or self.note is None or self.note.age > ASIDE_SECONDS:
            return None
        return self.note.fault


@dataclass(frozen=True)
class Overview:
    """The devices of a machine and those who wait for them, in order, at one moment."""

    devices: tuple[DeviceState, ...] = ()
    waiting: tuple[Ticket, ...] = ()


def device_folder(home: Home) -> Path:
    """Return where the locks of this machine's devices lie, the same for all workers that share its devices."""
    return home.locks / "devices"


def allot(wishes: Sequence[Wish], free: Collection[str], usable: Collection[str]) -> tuple[str, ...]:
    """
    Return what the last of these wishes gets now, empty if it has to wait; the others were there before.

    Args:
        free: devices that nothing holds, of those that the last one asks for.
        usable: devices of the last one's that are in order, free or not. Others' are taken to be so.
    """
    *before, own = wishes
    left = [device for device in own.ids if device in free]
    for wish in before:
        able = [device for device in wish.ids if device in usable or device not in own.ids]
        if len(able) >= wish.count:
            kept = [device for device in left if device in wish.ids][: wish.count]
            left = [device for device in left if device not in kept]
    return tuple(left[: own.count]) if len(left) >= own.count else ()


@dataclass
class Turn:
    """
    One request for devices, from the first look to the end of the waiting; for one thread.

    Args:
        pause: sleeps for so many seconds, and raises if there is nothing to wait for any more.

    Attributes:
        seen: how things stood at the last look: the devices asked for, and who was there before.
    """

    folder: Path
    wish: Wish
    run: str
    step: str
    pause: Callable[[float], None] = time.sleep
    seen: Overview = field(default_factory=Overview)
    _ticket: tuple[int, int] | None = None

    def look(self, avoided: Mapping[str, str]) -> list[DeviceLock]:
        """
        Return the locks of all devices if it is this one's turn and they are free, or else take a ticket.

        Args:
            avoided: devices that shall not be taken now.

        Raises:
            ServiceException: the folder cannot be written.
        """
        with _looking(self.folder, self.pause):
            before = [ticket for ticket in _living(self.folder) if self._ticket is None or ticket.number < self._number]
            states, locks = _states(self.folder, self.wish.ids)
            chosen: tuple[str, ...] = ()
            try:
                self.seen = Overview(tuple(states.values()), tuple(before))
                usable = {device for device, state in states.items() if device not in avoided and not state.fault}
                chosen = allot([*(ticket.wish for ticket in before), self.wish], usable & locks.keys(), usable)
                if not chosen and self._ticket is None:
                    self._take_ticket()
            finally:
                for device in locks.keys() - set(chosen):
                    locks[device].close()
        return [locks[device] for device in chosen]

    def close(self) -> None:
        """Give the ticket back."""
        if self._ticket is not None:
            number, descriptor = self._ticket
            self._ticket = None
            _drop(self.folder, number, descriptor)

    @property
    def _number(self) -> int:
        return 0 if self._ticket is None else self._ticket[0]

    def _take_ticket(self) -> None:
        numbers = [int(path.name) for path in _tickets(self.folder).iterdir() if path.name.isdigit()]
        number = max(numbers, default=0) + 1
        path = _tickets(self.folder) / f"{number:012}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._ticket = number, descriptor
        said = {"count": self.wish.count, "ids": self.wish.ids, "run": self.run, "step": self.step}
        os.write(descriptor, json.dumps({**said, "since": time.time(), "pid": os.getpid()}).encode())


def overview(folder: Path, devices: Collection[str] = ()) -> Overview:
    """
    Return who holds what and who waits, for these devices and all others that were ever leased here.

    Raises:
        ServiceException: the folder cannot be written, or somebody has held the queue for too long.
    """
    if not folder.is_dir():
        return Overview(tuple(DeviceState(device, is_held=False) for device in devices))
    deadline = time.monotonic() + 10

    def pause(seconds: float) -> None:
        if time.monotonic() > deadline:
            raise ServiceException(f"queue of devices {str(folder)!r} is held by a process that does not go on")
        time.sleep(seconds)

    with _looking(folder, pause):
        known = sorted(path.stem for path in folder.glob("*.lock") if path.stem != "queue")
        states, locks = _states(folder, tuple(dict.fromkeys([*devices, *known])))
        for lock in locks.values():
            lock.close()
        return Overview(tuple(states.values()), tuple(_living(folder)))


def _tickets(folder: Path) -> Path:
    return folder / "tickets"


@contextmanager
def _looking(folder: Path, pause: Callable[[float], None]) -> Iterator[None]:
    """Look around while nobody else does."""
    try:
        _tickets(folder).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "queue.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        while not _lock(descriptor):  # without waiting in the kernel, where a request to stop would not be heard
            pause(_MOMENT)
        try:
            yield
        except OSError as error:
            raise _refused(folder, error) from error
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _states(folder: Path, devices: Collection[str]) -> tuple[dict[str, DeviceState], dict[str, DeviceLock]]:
    """Return how each device stands, and the locks of those that are free, which are taken by that."""
    states: dict[str, DeviceState] = {}
    locks: dict[str, DeviceLock] = {}
    try:
        for device in devices:
            lock = open_lock(folder, device)
            if lock is None:
                states[device] = DeviceState(device, is_held=True, note=read_note(folder, device))
            else:
                locks[device] = lock
                states[device] = DeviceState(device, is_held=False, note=lock.left)
    except BaseException:
        for lock in locks.values():
            lock.close()
        raise
    return states, locks


def _living(folder: Path) -> Iterator[Ticket]:
    """Return the tickets of those who still wait, in order; the others' are removed."""
    for path in sorted(path for path in _tickets(folder).iterdir() if path.name.isdigit()):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # given back this moment
            continue
        number = int(path.name)
        if _lock(descriptor):
            _drop(folder, number, descriptor)
            continue
        try:
            said = json.loads(os.read(descriptor, 1 << 16))
            wish = Wish(said.pop("count"), tuple(said.pop("ids")))
            yield Ticket(number, wish, **said)
        except (ValueError, TypeError, KeyError):  # cut by a full disk: it waits, and nothing is kept for it
            continue
        finally:
            os.close(descriptor)


def _drop(folder: Path, number: int, descriptor: int) -> None:
    """Remove a ticket that is ours or nobody's."""
    (_tickets(folder) / f"{number:012}").unlink(missing_ok=True)
    os.close(descriptor)


def _refused(folder: Path, error: OSError) -> ServiceException:
    return ServiceException(
        f"queue of devices {str(folder)!r}: {error.strerror}; it must be writable, on a disk of this machine",
        error,
    )
