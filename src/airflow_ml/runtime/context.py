"""The run that this process belongs to, read from the run directory that its operator made."""

from __future__ import annotations

import os

from airflow_ml.exceptions import RunEnvironmentException
from airflow_ml.runtime import lean_json
from airflow_ml.runtime.channel import PATIENCE_SECONDS, Channel
from airflow_ml.runtime.events import EventReader, EventWriter
from airflow_ml.runtime.protocol import (
    PATIENCE_VARIABLE,
    RUN_DIRECTORY_VARIABLE,
    VERSION,
    ProtocolError,
    RunDirectory,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.runtime.messages import ContextData, Event

__all__ = ["Context", "current", "required"]

_current: Context | None = None


class Context:
    """
    One run directory as the script sees it.

    Attributes:
        data: the content of `context.json`.
        events: where everything that the script reports is written.
    """

    def __init__(self, directory: RunDirectory, data: ContextData) -> None:
        self.directory = directory
        self.data = data
        self.events = EventWriter(directory.events)
        self._channel = Channel(directory.channel, float(os.environ.get(PATIENCE_VARIABLE) or PATIENCE_SECONDS))
        self._reader = EventReader(directory.events)
        self._journal: dict[str, list[Event]] = {}

    @property
    def run_id(self) -> str:
        """Id of the step's run."""
        return self.data["run"]["id"]

    def request(self, method: str, **params: Any) -> Any:
        """Ask the operator and return its answer; its errors are raised as the classes they were there."""
        return self._channel.request(method, params)

    def journal(self, run_id: str) -> list[Event]:
        """Return what all processes of this step have reported about a run so far, oldest first."""
        for event in self._reader.read():
            self._journal.setdefault(event["run"], []).append(event)
        return self._journal.get(run_id, [])


def load(directory: RunDirectory) -> Context:
    """
    Read a run directory's context.

    Raises:
        ProtocolError: the file is missing, is not JSON, or is of another protocol version.
    """
    try:
        with open(directory.context, encoding="utf-8") as file:
            data: ContextData = lean_json.loads(file.read())
    except (OSError, ValueError) as exc:
        raise ProtocolError(
            f"{directory.context}: the context cannot be read ({exc}); {RUN_DIRECTORY_VARIABLE} must name a run "
            "directory, unset it to run offline",
            exc,
        ) from exc
    version = data.get("protocol") if isinstance(data, dict) else None
    if version != VERSION:
        raise ProtocolError(
            f"{directory.context}: the operator speaks step protocol {version!r}, this step's library protocol "
            f"{VERSION}; build the step library of the operator's version of airflow-ml"
        )
    return Context(directory, data)


def current() -> Context | None:
    """Return the context of this process, read once, or None outside a step."""
    global _current
    root = os.environ.get(RUN_DIRECTORY_VARIABLE)
    if not root:
        return None
    if _current is None or _current.directory.root != os.path.abspath(root):
        _current = load(RunDirectory(root))
    return _current


def required(what: str) -> Context:
    """
    Return the context for a call that works inside a step alone.

    Raises:
        RunEnvironmentException: this process is not a step's; the text begins with `what`.
    """
    context = current()
    if context is None:
        raise RunEnvironmentException(
            f"{what}: the step library works inside a step alone, and {RUN_DIRECTORY_VARIABLE} is not set; outside a "
            "step use the airflow-ml package"
        )
    return context
