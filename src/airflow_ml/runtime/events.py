"""The event file of a run directory: appended by the script's processes, followed by the operator."""

from __future__ import annotations

import os
import time

from airflow_ml.exceptions import ServiceException
from airflow_ml.runtime import lean_json
from airflow_ml.runtime.protocol import VERSION, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.runtime.messages import Event

__all__ = ["EventReader", "EventWriter"]


class EventWriter:
    """
    Appends events, each with one write(2) to a file opened for appending.

    Threads and forked processes may share one, and other processes may have their own on the same file: lines never
    interleave. Nothing is buffered.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._torn = False

    def write(self, run_id: str, event: str, **fields: Any) -> None:
        """
        Append one event.

        Raises:
            ServiceException: the line could not be written whole, for instance because the disk is full.
        """
        message = {"v": VERSION, "time": time.time(), "run": run_id, "event": event, **fields}
        line = lean_json.dumps(message).encode() + b"\n"
        try:
            self._append(line, event)
        except OSError as exc:
            raise ServiceException(f"{self._path}: event {event!r} was not written: {exc.strerror}", exc) from exc

    def _append(self, line: bytes, event: str) -> None:
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        # A line that an earlier failure left torn must not swallow this one.
        data = b"\n" + line if self._torn else line
        written = os.write(self._file, data)
        self._torn = written != len(data)
        if self._torn:
            raise ServiceException(
                f"{self._path}: event {event!r} was written in part only ({written} of {len(data)} bytes); "
                "free space in the run directory"
            )


class EventReader:
    """
    Follows an event file from a byte offset.

    Attributes:
        offset: where the next unread line begins; hand it to a new reader to go on after a restart.
        damaged: how many whole lines were not events and have been passed over, for instance a line that a full disk
            has torn and that another process then wrote behind.
    """

    def __init__(self, path: str | os.PathLike[str], offset: int = 0) -> None:
        self._path = os.fspath(path)
        self.offset = offset
        self.damaged = 0

    def read(self) -> list[Event]:
        """
        Return the events that have been completed since the last call; none while the file is not there.

        A last line without its end is left for the next call.

        Raises:
            ProtocolError: an event is of another protocol version; the events before it have been passed over.
        """
        try:
            with open(self._path, "rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        events = [self._parse(line) for line in whole.splitlines() if line]
        return [event for event in events if event is not None]

    def _parse(self, line: bytes) -> Event | None:
        try:
            event: Event = lean_json.loads(line.decode())
        except ValueError:
            self.damaged += 1
            return None
        if not isinstance(event, dict) or not {"v", "run", "event"} <= event.keys():
            self.damaged += 1
            return None
        if event["v"] != VERSION:
            raise ProtocolError(
                f"{self._path}: event {event['event']!r} is of step protocol {event['v']!r}, this side reads protocol "
                f"{VERSION}; give the step the library of this version of airflow-ml"
            )
        return event
