"""Following a running script: its output into the task's log, its events into the registry."""

from __future__ import annotations

import codecs
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException, ServiceException, UserErrorException
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.registry import MetricPoint, RunStateError
from airflow_ml.runtime.events import EventReader

if TYPE_CHECKING:
    from airflow_ml.execution.kept_attempts import KeptAttempt
    from airflow_ml.execution.model import LogLine
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord
    from airflow_ml.runtime.messages import Event
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Follower"]

#: Characters.
_LONGEST_LINE = 16 << 10


class Follower:
    """
    Follows one running script; `look` now and then, `finish` once after it ended.

    What a script logs is its own affair: an event that cannot be recorded is a line in the log, never the step's end.

    Args:
        kept: of an attempt that another process may have to go on with; how many events are recorded is noted there.
    """

    def __init__(
        self,
        services: Services,
        run: RunRecord,
        directory: RunDirectory,
        log: LogLine,
        kept: KeptAttempt | None = None,
    ) -> None:
        self._services = services
        self._kept = kept
        self._run = run
        self._directory = directory
        self._log = log
        self._output = LogTail(Path(directory.log))
        self._events = EventReader(directory.events, 0 if kept is None else kept.events)
        # Behind what was noted, events may be recorded that the earlier process did not come to note.
        self._recorded = set() if kept is None else _points_of(services, run)
        self._noted = self._events.offset
        self._waiting: list[Event] = []
        self._complaints: set[str] = set()
        # v1 scripts also log to their pipeline's run.
        self._run_ids = {run.id, run.root_id, run.parent_id}

    def look(self) -> None:
        """Pass on what is new since the last look."""
        self._pass_on_output(self._output.read)
        try:
            self._waiting += self._events.read()
        except (AzureMLException, OSError) as error:
            self._complain(f"events of the script cannot be read: {error}")
        self._record()

    def finish(self) -> None:
        """Pass on the rest, a last line without its end included."""
        self.look()
        self._pass_on_output(self._output.rest)
        if self._waiting:
            self._complain(f"{len(self._waiting)} events of the script could not be recorded")
        if self._events.damaged:
            self._complain(f"{self._events.damaged} damaged lines among the events of the script were passed over")

    def _pass_on_output(self, read: Callable[[], Iterable[str]]) -> None:
        try:
            for line in read():
                self._log(line)
        except OSError as error:  # the script may have done anything to its run directory
            self._complain(f"output of the script cannot be read: {error}")

    def _complain(self, text: str) -> None:
        """Say it in the task's log, once."""
        if text not in self._complaints:
            self._complaints.add(text)
            self._log(text)

    def _record(self) -> None:
        """Record the events that wait, in order; those behind one that the registry could not take wait longer."""
        while self._waiting:
            batch = [*itertools.takewhile(_is_metric, self._waiting)] or self._waiting[:1]
            try:
                self._record_batch(batch)
            except ServiceException as error:
                self._complain(f"events of the script wait to be recorded: {error}")
                return
            del self._waiting[: len(batch)]
        if self._kept is not None and self._noted != self._events.offset:
            self._noted = self._events.offset
            self._kept.note_events(self._noted)

    def _record_batch(self, batch: list[Event]) -> None:
        try:
            if _is_metric(batch[0]):
                points = [self._point(event) for event in batch]
                self._services.registry.metrics.append(point for point in points if _key(point) not in self._recorded)
            else:
                self._handle(batch[0])
        except ServiceException as error:
            if not isinstance(error, RunStateError):
                raise
            self._complain(f"{batch[0]['event']} of the script was not recorded: {error}")
        except (AzureMLException, OSError, KeyError, TypeError, ValueError) as error:
            if len(batch) > 1:
                for event in batch:
                    self._record_batch([event])
            else:
                self._complain(f"{batch[0]['event']} of the script was not recorded: {error}")

    def _handle(self, event: Event) -> None:
        handler = _HANDLERS.get(event["event"])
        if handler is not None:
            self._check_run(event)
            handler(self, event)

    def _check_run(self, event: Event) -> None:
        """Refuse events about runs that are not the script's to change."""
        if event["run"] not in self._run_ids:
            raise UserErrorException(f"run {event['run']!r} is not of this step, its children or its pipeline")

    def _point(self, event: Event) -> MetricPoint:
        self._check_run(event)
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
            raise UserErrorException(f"file {event['path']!r} lies outside of the run directory")
        store_artifacts(self._services.store, event["run"], {event["name"] or place.name: place})
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
        self._run_ids.add(event["id"])

    def _status(self, event: Event) -> None:
        if event["run"] == self._run.id:
            return  # a step's own status follows from how its script ends (v1: complete() and fail() change nothing)
        if event["run"] in (self._run.root_id, self._run.parent_id) and event["status"] != "CancelRequested":
            raise UserErrorException(f"run {event['run']!r} is this step's pipeline, which a script can cancel alone")
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
    """
    Reads a growing log file line by line; bytes that are no UTF-8 are shown as replacement characters.

    A very long line comes in pieces, as soon as they are there: a progress bar has no line ends, and no log viewer
    likes a line of megabytes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""

    def read(self) -> Iterable[str]:
        """Return the lines that were completed since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        *lines, self._pending = (self._pending + self._decoder.decode(data)).split("\n")
        pieces = [piece for line in lines for piece in _pieces(line.rstrip("\r"))]
        *long, self._pending = _pieces(self._pending)
        return [*pieces, *long]

    def rest(self) -> Iterable[str]:
        """Return what stands behind the last line's end."""
        rest, self._pending = self._pending + self._decoder.decode(b"", final=True), ""
        return [rest] if rest else []


def _pieces(line: str) -> list[str]:
    return [line[start : start + _LONGEST_LINE] for start in range(0, len(line), _LONGEST_LINE)] or [""]


def _points_of(services: Services, run: RunRecord) -> set[tuple[object, ...]]:
    ids = {run.id, run.root_id, run.parent_id}
    return {_key(point) for run_id in ids if run_id for point in services.registry.metrics.read(run_id)}


def _key(point: MetricPoint) -> tuple[object, ...]:
    """Return what no two points of a script have in common: two in one microsecond have different names or steps."""
    return point.run_id, point.name, point.step, point.recorded_at, str(point.value)


def _is_metric(event: Event) -> bool:
    return event["event"] == "metric"


def _text(value: object) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return "" if value is None else str(value)
