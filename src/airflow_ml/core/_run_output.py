"""What waiting for a run prints, in v1's words. Imported at its first use."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from airflow_ml.execution.artifacts import LOG_NAME
from airflow_ml.execution.logs import RunLog
from airflow_ml.execution.runner_lock import ENGINE_EMBEDDED

if TYPE_CHECKING:
    from airflow_ml.core._run_record import RecordedRun
    from airflow_ml.registry import RunRecord

__all__ = ["RunPrinter", "page_of", "print_error", "say"]


class RunPrinter:
    """Prints `wait_for_completion(show_output=True)` of a run that is neither a pipeline's nor a step's."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._log = RunLog(run._registry, run.id)
        self._is_streaming = False
        self._say_names()

    def update(self, _record: RunRecord) -> None:
        """Print what the script has written since the last look."""
        text = self._log.read_new()
        if text and not self._is_streaming:
            say(f"\nStreaming {LOG_NAME}\n{'=' * (len(LOG_NAME) + 10)}\n")
            self._is_streaming = True
        sys.stdout.write(text)
        sys.stdout.flush()

    def finish(self, record: RunRecord, *, raise_on_error: bool) -> None:
        """Print the summary; the error too if it is not raised."""
        say("\nExecution Summary\n=================")
        self._say_names()
        if not raise_on_error:
            print_error(record)
        say("")

    def _say_names(self) -> None:
        say(f"RunId: {self._run.id}")
        say(f"Web View: {self._run.get_portal_url()}")


def print_error(record: RunRecord) -> None:
    """Print why the run failed, if it did, as v1 does where it does not raise."""
    if record.error:
        say("\nError:")
        say(json.dumps({"error": dict(record.error)}, indent=4))


def page_of(run: RecordedRun, record: RunRecord) -> str | None:
    """Return the run's page, if a web server can have one: an embedded run has none."""
    root = record if record.parent_id is None else run._registry.runs.get(record.root_id)
    return None if root.details.get("engine") == ENGINE_EMBEDDED else run.get_portal_url()


def say(text: str) -> None:
    """Print a line that v1 prints and notebooks show, at once."""
    print(text, flush=True)  # noqa: T201 - what v1 prints
