"""
Kernel locks of devices: one file for each device of the machine, locked for as long as something uses the device.

A lock belongs to an open file. It is handed down to the keeper of a step's script and to all that the script starts,
so that it is held until the last of them is gone, whatever became of the task, and no kill leaves one behind.

What a holder writes into the file is for people, and for the next one: whose processes it has to look for. It counts
only together with the lock. A holder that ends properly empties the file.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from airflow_ml.exceptions import ServiceException

__all__ = ["DeviceLock", "DeviceNote", "open_lock", "read_note"]

#: A note is some hundred bytes.
_NOTE_BYTES = 1 << 14


@dataclass(frozen=True)
class DeviceNote:
    """
    What stands in a device's file.

    Attributes:
        run: what the step's processes carry as their marker: the run's id, with the node's number on other nodes.
        step: how texts for people call the step.
        since: Unix time of the lease, or of the fault.
        pid: the task's process.
        fault: why the device is put aside; None while it is leased.
        in_container: whether the step's script runs in a container of this machine's engine.
    """

    run: str
    step: str
    since: float
    pid: int
    fault: str | None = None
    in_container: bool = False

    @property
    def age(self) -> float:
        """Seconds since; never negative, as clocks are set."""
        return max(0.0, time.time() - self.since)


class DeviceLock:
    """
    The lock of one device, held by this process and by those that inherit its descriptor.

    Attributes:
        descriptor: of the open file; processes are handed it by `ProcessRequest.held`.
        left: what the last holder has left behind, if it did not end properly.
    """

    def __init__(self, device: str, descriptor: int) -> None:
        self.device = device
        self.descriptor = descriptor
        self.left = _parse(os.pread(descriptor, _NOTE_BYTES, 0))

    def write(self, note: DeviceNote | None) -> None:
        """Say who holds the device, or nothing any more; a full disk costs the words alone."""
        with suppress(OSError):
            os.ftruncate(self.descriptor, 0)
            if note is not None:
                os.pwrite(self.descriptor, json.dumps(asdict(note)).encode(), 0)

    def close(self) -> None:
        """Let go of it, as far as this process goes. Twice is fine."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def open_lock(folder: Path, device: str) -> DeviceLock | None:
    """
    Take a device's lock, or return None if something holds it.

    Raises:
        ServiceException: the file cannot be opened or locked.
    """
    path = folder / f"{device}.lock"
    try:
        # Never removed: two processes could each have locked a file of this name.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _refused(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return DeviceLock(device, descriptor)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        raise _refused(path, error) from error


def read_note(folder: Path, device: str) -> DeviceNote | None:
    """Return what stands in a device's file, whoever holds it; None for nothing."""
    try:
        return _parse((folder / f"{device}.lock").read_bytes())
    except OSError:
        return None


def _parse(data: bytes) -> DeviceNote | None:
    try:
        return DeviceNote(**json.loads(data))
    except (ValueError, TypeError):  # empty, cut by a kill or a full disk, or of another version
        return None


def _refused(path: Path, error: OSError) -> ServiceException:
    return ServiceException(
        f"lock of a device {str(path)!r}: {error.strerror}; its folder must be writable and on a disk of this machine",
        error,
    )
