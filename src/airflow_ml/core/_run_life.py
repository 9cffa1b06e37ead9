"""How a recorded run goes on and ends: for those that no step drives, this process says so."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.core._run_results import RunWithResults
from airflow_ml.exceptions import ActivityFailedException, NotSupportedError, ServiceException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import json
    import pathlib
    import time
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from airflow_ml.core import _run_output
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.execution import interactive
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord
else:
    json = late("json")
    pathlib = late("pathlib")
    time = late("time")
    _run_output = late("airflow_ml.core._run_output")
    interactive = late("airflow_ml.execution.interactive")

__all__ = ["POLL_SECONDS", "LivingRun", "failure_of"]

#: Seconds between two looks at a run that is waited for.
POLL_SECONDS = 0.3

#: Kinds of runs that end when their script ends; nobody else says how.
_DRIVEN = ("pipeline", "step", "script")


class LivingRun(RunWithResults):
    """A recorded run that can be started, waited for and ended."""

    def __init__(
        self, experiment: Experiment, run_id: str, outputs: str | Sequence[str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(experiment, run_id, **kwargs)
        folders = [outputs] if isinstance(outputs, str) else outputs or ()
        self._folders = dict(_watched(folder) for folder in folders)

    def start(self) -> None:
        """Mark a run that was created only, such as one of `create_children`, as running."""
        if self._record.status != "Running":
            self._registry.runs.set_status(self.id, "Running")

    def complete(self, _set_status: bool = True) -> None:
        """
        Keep the files of the output folders and end the run as Completed; one that has completed stays as it is.

        Raises:
            NotSupportedError: a step or script drives the run; how it ends is decided there.
            RunStateError: it has ended otherwise.
        """
        self._end("complete", "Completed" if _set_status else None)

    def fail(
        self,
        error_details: str | BaseException | None = None,
        error_code: str | None = None,
        _set_status: bool = True,
    ) -> None:
        """
        Keep the files of the output folders and end the run as Failed, with the reason.

        The script of a submitted run is stopped, with everything that it started; in v1 it went on unseen.

        Raises:
            NotSupportedError: a step drives the run; how it ends is decided there.
            RunStateError: it has ended otherwise.
        """
        code = error_code or (type(error_details).__name__ if isinstance(error_details, BaseException) else "UserError")
        message = "" if error_details is None else str(error_details)
        self._end("fail", "Failed" if _set_status else None, {"code": code, "message": message or "no details given"})

    def cancel(self) -> None:
        """Ask the run to end; one that no step or script drives ends now. A run that has ended stays as it is."""
        record = self._record
        if record.is_final:
            return
        if record.kind not in _DRIVEN:
            self._end("cancel", "Canceled")
            return
        try:
            self._registry.runs.set_status(self.id, "CancelRequested")
        except ServiceException:
            if not self._record.is_final:  # otherwise it has ended in this moment
                raise

    def _end(self, call: str, status: str | None, error: dict[str, Json] | None = None) -> None:
        record = self._record
        if record.kind in _DRIVEN and (record.kind, call) != ("script", "fail"):
            raise NotSupportedError(
                f"run {self.id}: {call}() is not for the run of a {record.kind}, which ends when its script ends; use"
                " cancel() to stop it"
            )
        if not record.is_final and record.kind not in _DRIVEN:
            interactive.keep_outputs(self._registry, self.id, self._folders)
        if status is not None:
            self._registry.runs.set_status(self.id, status, error=error)

    def flush(self, timeout_seconds: float = 300) -> None:
        """Do nothing: what was logged is recorded already."""

    def clean(self) -> list[str]:
        """Return the files that were removed on the machine of the run: none, they are removed when it has ended."""
        return []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End the run: Failed if an error leaves the block. `sys.exit()` and `sys.exit(0)` are no errors (v1)."""
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            self.complete()
            return error is not None
        self.fail(error)
        return False

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """
        Wait until the run has ended and return its details.

        Ctrl-C cancels the run of a script, waits until nothing of it runs any more, and raises KeyboardInterrupt.

        Args:
            show_output: print the script's output while it runs.
            wait_post_processing: without effect: a run has ended when its files are stored.

        Raises:
            ActivityFailedException: it failed, and `raise_on_error`; `error_details` is the error as JSON (v1).
        """
        del wait_post_processing
        printer = _run_output.RunPrinter(self) if show_output else None
        record = self._wait(printer.update if printer is not None else lambda _record: None)
        if printer is not None:
            printer.finish(record, raise_on_error=raise_on_error)
        if record.status == "Failed" and raise_on_error:
            raise failure_of(record)
        return self.get_details()

    def _wait(self, update: Callable[[RunRecord], object], deadline: float | None = None) -> RunRecord:
        """
        Return the record of the run that has ended, or has not until the deadline; tell `update` each look.

        Ctrl-C cancels what a step or script drives and waits for its end; somebody is waiting, so nothing else does.
        """
        try:
            while True:
                record = self._record
                update(record)
                if record.is_final or (deadline is not None and time.monotonic() > deadline):
                    return record
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            if self._record.kind in _DRIVEN:
                print(f"canceling run {self.id} ...", flush=True)  # noqa: T201 - said to the person at the keyboard
                self.cancel()
                while not self._record.is_final:
                    time.sleep(POLL_SECONDS)
            raise


def failure_of(record: RunRecord) -> ActivityFailedException:
    """Return what waiting for a failed run raises: the reason in one line, and as JSON in `error_details` (v1)."""
    error = dict(record.error or {"message": "no details were recorded; see its log"})
    return ActivityFailedException(
        f"run {record.id} ({record.name}) failed: {error.get('message')}",
        error_details=json.dumps({"error": error}, indent=4),
    )


def _watched(folder: str) -> tuple[str, pathlib.Path]:
    """Make an output folder (v1) and return what its files are called by, and where it is."""
    place = pathlib.Path(folder).absolute()
    place.mkdir(parents=True, exist_ok=True)
    name = os.path.normpath(folder).replace(os.sep, "/")
    return (place.name if os.path.isabs(folder) or name.startswith("..") else name), place
