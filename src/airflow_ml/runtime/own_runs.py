"""The runs whose whole story is in this step's event file: its own, and the child runs that its script makes."""

from __future__ import annotations

import atexit
import os

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, ServiceException
from airflow_ml.runtime.metrics import fold
from airflow_ml.runtime.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from airflow_ml.runtime import datasets, pipeline_runs
    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import RunRecord
else:
    datasets = late("airflow_ml.runtime.datasets")
    pipeline_runs = late("airflow_ml.runtime.pipeline_runs")

__all__ = ["_ChildRun", "_SubmittedRun"]


class _OwnRun(Run):
    """A run whose whole story is in the event file of this step."""

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        metrics = fold(self._context.journal(self._id))
        if name is not None:
            metrics = {name: metrics[name]} if name in metrics else {}
        if not recursive:
            return metrics
        below = {child.id: child.get_metrics(name) for child in self.get_children(recursive=True)}
        return {self._id: metrics, **below}

    def _look_again(self) -> None:
        pass

    def _recorded_names(self) -> list[str]:
        return []

    def _children(self) -> list[Run]:
        events = [event for event in self._context.journal(self._id) if event["event"] == "child"]
        return [_ChildRun(self, event["id"], event["name"]) for event in reversed(events)]


class _SubmittedRun(_OwnRun):
    """The run of this process: one attempt of one step."""

    def __init__(self, context: Context) -> None:
        super().__init__(None, context.run_id, _record=_own_record(context))
        self._process = os.getpid()
        self._inputs: datasets.InputDatasets | None = None
        self._outputs: datasets.OutputDatasets | None = None
        atexit.register(self._close)

    @property
    def input_datasets(self) -> datasets.InputDatasets:
        """The inputs by name: a dataset for direct ones, a path for mounted and downloaded ones; always one object."""
        if self._inputs is None:
            self._inputs = datasets.InputDatasets(self._context)
        return self._inputs

    @property
    def output_datasets(self) -> datasets.OutputDatasets:
        """The paths of the declared outputs by name; always one object."""
        if self._outputs is None:
            self._outputs = datasets.OutputDatasets(self._context)
        return self._outputs

    @property
    def parent(self) -> Run | None:
        """The pipeline's run; of a script that was submitted by itself the run above it, if there is one."""
        parent_id = self._record["parent_id"]
        if parent_id is None or self._record["kind"] != "step":
            return super().parent
        return pipeline_runs.PipelineRun(self._experiment, parent_id)

    def get_status(self) -> str:
        """Return Running: the script is."""
        return "Running"

    def _consumed(self) -> list[dict[str, Any]]:
        return datasets.consumed(self._context.data["inputs"])

    def complete(self, _set_status: bool = True) -> None:
        """Do nothing: how a step ends is decided by its script's exit code."""

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
        """Do nothing: how a step ends is decided by its script's exit code."""

    def cancel(self) -> None:
        """Do nothing, as v1: a script that wants to end exits; `run.parent.cancel()` ends the pipeline."""

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Raise NotSupportedError: the run ends when the script that would wait does."""
        raise NotSupportedError(f"run {self.id!r}: a script cannot wait for its own end; leave the call out")

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: how a step ends is decided by its script's exit code."""

    def _close(self) -> None:
        # A forked child ends too, but the run goes on.
        if os.getpid() == self._process and os.path.isdir(self._context.directory.root):
            try:  # noqa: SIM105 - contextlib costs a script's start 3 ms
                self._mark("closed")
            except ServiceException:
                pass  # nobody is left to hear of it, and the script's own result must stand


class _ChildRun(_OwnRun):
    """A run that this script has started below its own."""

    def __init__(self, parent: Run, run_id: str, name: str | None) -> None:
        record: RunRecord = {
            "id": run_id,
            "name": name or parent.name,
            "number": None,
            "experiment": parent._record["experiment"],
            "parent_id": parent.id,
            "kind": "child",
            "status": "Running",
            "tags": {},
            "properties": {},
        }
        super().__init__(parent._experiment, run_id, _record=record)
        self._parent = parent

    @property
    def parent(self) -> Run:
        """The run that started this one."""
        return self._parent

    def get_status(self) -> str:
        """Return Running until the run is ended."""
        ends = [event["status"] for event in self._context.journal(self._id) if event["event"] == "status"]
        return ends[-1] if ends else "Running"

    def get_details(self) -> dict[str, Any]:
        """Return what this script knows of the run, under v1's keys."""
        return {"runId": self._id, "status": self.get_status(), "properties": self._properties()}

    def complete(self, _set_status: bool = True) -> None:
        """End the run as Completed; the first end counts."""
        self._end("Completed", None)

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
        """End the run as Failed, with the error's text; the first end counts."""
        text = None if error_details is None else str(error_details)
        self._end("Failed", f"{error_code}: {text}" if error_code else text)

    def cancel(self) -> None:
        """End the run as Canceled; the first end counts."""
        self._end("Canceled", None)

    def _end(self, status: str, error: str | None) -> None:
        if self.get_status() == "Running":
            self._mark("status", status=status, error=error)


def _own_record(context: Context) -> RunRecord:
    identity = context.data["run"]
    return {
        "id": identity["id"],
        "name": identity["name"],
        "number": identity["number"],
        "experiment": identity["experiment"],
        "parent_id": identity["parent_id"],
        "kind": identity.get("kind") or "step",
        "status": "Running",
        "tags": context.data["tags"],
        "properties": context.data["properties"],
        "display_name": identity.get("display_name"),
        "description": identity.get("description"),
    }
