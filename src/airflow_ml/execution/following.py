"""Following a running script: its output into the task's log, its events into the registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.registry import MetricPoint
from airflow_ml.runtime.events import EventReader

if TYPE_CHECKING:
    from airflow_ml.execution.model import LogLine
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord
    from airflow_ml.runtime.messages import Event
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Follower"]

#: A line without an end is shown when it is this long, so that a progress bar without line ends is seen too.
_LONGEST_LINE = 16 << 10


class Follower:
    """
    Follows one running script; `look` now and then, `finish` once after it ended.

    What a script logs is its own affair: an event that cannot be recorded is a line in the log, never the step's end.
    """

    def __init__(self, services: Services, run: RunRecord, directory: RunDirectory, log: LogLine) -> None:
        self._services = services
        self._run = run
        self._directory = directory
        self._log = log
        self._output = LogTail(Path(directory.log))
        self._events = EventReader(directory.events)
        self._run_ids = {run.id}

    def look(self) -> None:
        """Pass on what is new since the last look."""
        for line in self._output.read():
            self._log(line)
        events = self._events.read()
        if events:
            self._record(events)

    def finish(self) -> None:
        """Pass on the rest, a last line without its end included."""
        self.look()
        for line in self._output.rest():
            self._log(line)

    def _record(self, events: list[Event]) -> None:
        metrics = [self._point(event) for event in events if event["event"] == "metric"]
        self._guarded("metrics", lambda: self._services.registry.metrics.append(metrics))
        for event in events:
            handler = _HANDLERS.get(event["event"])
            if handler is not None:
                self._guarded(event["event"], lambda handler=handler, event=event: handler(self, event))  # type: ignore[misc]  # bound now

    def _guarded(self, what: str, record: Callable[[], None]) -> None:
        try:
            record()
        except AzureMLException as error:
            self._log(f"{what} of the script could not be recorded: {error}")

    def _point(self, event: Event) -> MetricPoint:
        return MetricPoint(
            run_id=event["run"],
            name=event["name"] or "",
            kind=event["kind"],
            value=event.get("value"),
            recorded_at=datetime.fromtimestamp(event["time"], timezone.utc),
            step=event.get("step"),
            description=event.get("description") or None,
        )

    def _tag(self, event: Event) -> None:
        self._services.registry.runs.set_tags(event["run"], {event["key"]: _text(event.get("value"))})

    def _remove_tags(self, event: Event) -> None:
        self._services.registry.runs.remove_tags(event["run"], event["keys"])

    def _property(self, event: Event) -> None:
        self._services.registry.runs.add_properties(event["run"], {event["key"]: _text(event.get("value"))})

    def _file(self, event: Event) -> None:
        place = Path(self._directory.root, event["path"])
        if not self._directory.contains(str(place)):
            raise AzureMLException(f"file {event['path']!r} lies outside of the run directory")
        store_artifacts(self._services, event["run"], {event["name"] or place.name: place})
        place.unlink(missing_ok=True)

    def _child(self, event: Event) -> None:
        self._services.registry.runs.create(
            self._run.experiment,
            event.get("name") or self._run.name,
            kind="child",
            parent_id=event["run"],
            id=event["id"],
            status="Running",
        )

    def _status(self, event: Event) -> None:
        if event["run"] == self._run.id:
            return  # a step's own status follows from how its script ends (v1: complete() and fail() change nothing)
        error = event.get("error")
        self._services.registry.runs.set_status(
            event["run"], event["status"], error={"message": error} if error else None
        )

    def _display_name(self, event: Event) -> None:
        self._services.registry.runs.set_display_name(event["run"], event.get("value"))

    def _description(self, event: Event) -> None:
        self._services.registry.runs.set_description(event["run"], event.get("value"))


_HANDLERS: Mapping[str, Callable[[Follower, Event], None]] = {
    "tag": Follower._tag,
    "remove_tags": Follower._remove_tags,
    "property": Follower._property,
    "file": Follower._file,
    "child": Follower._child,
    "status": Follower._status,
    "display_name": Follower._display_name,
    "description": Follower._description,
}


class LogTail:
    """Reads a growing log file line by line; bytes that are no UTF-8 are shown as replacement characters."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._pending = b""

    def read(self) -> Iterable[str]:
        """Return the lines that were completed since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > _LONGEST_LINE:
            lines.append(self._pending)
            self._pending = b""
        return [line.decode("utf-8", "replace").rstrip("\r") for line in lines]

    def rest(self) -> Iterable[str]:
        """Return what stands behind the last line's end."""
        rest, self._pending = self._pending, b""
        return [rest.decode("utf-8", "replace")] if rest else []


def _text(value: object) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return "" if value is None else str(value)
