"""`Run` inside a step: the run of this process, its parent, and the child runs it makes."""

from __future__ import annotations

import atexit
import os

from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException, ServiceException, UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.late import Late
from airflow_ml.runtime.metrics import fold
from airflow_ml.runtime.offline import _OfflineRun
from airflow_ml.runtime.run_files import RunFiles
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from airflow_ml.runtime import datasets, workspace
    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import RunRecord
else:
    datasets = Late("airflow_ml.runtime.datasets")
    workspace = Late("airflow_ml.runtime.workspace")

__all__ = ["Run", "_ChildRun", "_OfflineRun", "_SubmittedRun"]

_MOST_CHILDREN = 100

_submitted: _SubmittedRun | None = None
_offline: _OfflineRun | None = None


class Run(RunFiles, WorkspaceSide):
    """
    A run: this step's (`Run.get_context()`), its parent or another one of the workspace.

    What is reported goes to the operator at once; another run's record is asked of the operator.
    """

    _elsewhere = (
        "add_type_provider",
        "cancel",
        "clean",
        "get_all_logs",
        "get_detailed_status",
        "get_details_with_logs",
        "get_environment",
        "get_portal_url",
        "get_secret",
        "get_secrets",
        "get_snapshot_id",
        "portal_url",
        "restore_snapshot",
        "submit_child",
        "take_snapshot",
        "wait_for_completion",
    )

    def __init__(
        self, experiment: workspace.Experiment | None, run_id: str, outputs: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(contexts.required("Run"), run_id, kwargs.get("_record"))
        self._experiment = experiment

    def __repr__(self) -> str:
        return f"Run(Experiment: {self.experiment.name}, Id: {self.id})"

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if exc is None:
            self.complete()
        else:
            self.fail(f"{type(exc).__name__}: {exc}")

    @classmethod
    def get_context(
        cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any
    ) -> Run | _OfflineRun:
        """
        Return the run of this process, always the same object; outside a step one that only prints.

        Raises:
            RunEnvironmentException: this process is not a step's, and allow_offline is false.
            ProtocolError: it is a step's, but the run directory is of another version or cannot be read.
        """
        global _submitted, _offline
        context = contexts.current()
        if context is not None:
            if _submitted is None or _submitted._context is not context:
                _submitted = _SubmittedRun(context)
            return _submitted
        if not allow_offline:
            raise RunEnvironmentException("Run.get_context: this process is not a step's, and allow_offline is False")
        _offline = _offline or _OfflineRun()
        return _offline

    @staticmethod
    def get(workspace: workspace.Workspace, run_id: str) -> Run:
        """Return a run of the workspace by id; raises what the operator says if there is none."""
        context = contexts.required("Run.get")
        own = Run.get_context()
        if isinstance(own, Run) and run_id == own.id:
            return own
        return _from_record(context.request("run.get", id=run_id))

    @property
    def experiment(self) -> workspace.Experiment:
        """The experiment, and through it the workspace."""
        if self._experiment is None:
            home = workspace.Workspace._of(self._context)
            self._experiment = workspace.Experiment(home, self._record["experiment"])
        return self._experiment

    @property
    def parent(self) -> Run | None:
        """The run above this one: of a step its pipeline's; None at the top."""
        parent_id = self._record["parent_id"]
        return None if parent_id is None else Run(self._experiment, parent_id)

    def get_children(
        self,
        recursive: bool = False,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        type: str | None = None,  # noqa: A002 - v1's name
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Yield the runs below this one, newest first, that have all of the tags, properties, type and status."""
        for child in self._children():
            fits = _has(child.get_tags(), tags) and _has(child.get_properties(), properties)
            if fits and type in (None, child.type) and (status is None or child.get_status() == status):
                yield child
            if recursive:
                yield from child.get_children(True, tags, properties, type, status)

    def _children(self) -> list[Run]:
        records: list[RunRecord] = self._context.request("run.children", id=self._id)
        return [_from_record(record) for record in records]

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> Run:
        """
        Start a run below this one; it is this script's to end by `complete`, `fail` or a `with` block.

        Args:
            name: shown for it; its id otherwise.
            run_id: a random id otherwise.
            outputs: not used: a child's files are those it uploads.
        """
        child = _ChildRun(self, run_id or _new_id(), name)
        self._mark("child", id=child.id, name=name)
        return child

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[str] | None = None
    ) -> Iterator[Run]:
        """
        Yield new child runs: as many as `count`, or one per tag value.

        Raises:
            UserErrorException: more than 100, or not exactly one of count and tag_values.
        """
        if (count is None) == (tag_values is None) or (tag_values is None) != (tag_key is None):
            raise UserErrorException("create_children: give either count, or tag_key and tag_values")
        values = list(tag_values) if tag_values is not None else [None] * (count or 0)
        if len(values) > _MOST_CHILDREN:
            raise UserErrorException(f"create_children: {len(values)} at once, expected at most {_MOST_CHILDREN}")
        for value in values:
            child = self.child_run()
            if tag_key is not None:
                child.tag(tag_key, value)
            yield child

    def complete(self, _set_status: bool = True) -> None:
        """End a child run that this script has started; raises NotSupportedError for other runs."""
        raise NotSupportedError(f"run {self.id!r}: only the runs that a script starts itself are its to end")

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
        """End a child run that this script has started as failed; raises NotSupportedError for other runs."""
        self.complete()

    def start(self) -> None:
        """Do nothing: a run that a script can see is running."""

    def flush(self, timeout_seconds: float = 300) -> None:
        """Do nothing: what was reported is with the operator already."""


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

    def _children(self) -> list[Run]:
        events = [event for event in self._context.journal(self._id) if event["event"] == "child"]
        return [_ChildRun(self, event["id"], event["name"]) for event in reversed(events)]


class _SubmittedRun(_OwnRun):
    """The run of this process: one attempt of one step."""

    def __init__(self, context: Context) -> None:
        super().__init__(None, context.run_id, _record=_own_record(context))
        self._process = os.getpid()
        atexit.register(self._close)

    @property
    def input_datasets(self) -> datasets.InputDatasets:
        """The inputs by name: a dataset for direct ones, a path for mounted and downloaded ones."""
        return datasets.InputDatasets(self._context)

    @property
    def output_datasets(self) -> datasets.OutputDatasets:
        """The paths of the declared outputs by name."""
        return datasets.OutputDatasets(self._context)

    def get_status(self) -> str:
        """Return Running: the script is."""
        return "Running"

    def get_details(self) -> dict[str, Any]:
        """Return the run's record under v1's keys, with the datasets that are its inputs."""
        return {**super().get_details(), "inputDatasets": datasets.consumed(self._context)}

    def complete(self, _set_status: bool = True) -> None:
        """Do nothing: how a step ends is decided by its script's exit code."""

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
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
            "name": name or run_id,
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
        return {"runId": self._id, "status": self.get_status(), "properties": self.get_properties()}

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
        "kind": "step",
        "status": "Running",
        "tags": context.data["tags"],
        "properties": context.data["properties"],
        "display_name": identity.get("display_name"),
        "description": identity.get("description"),
    }


def _from_record(record: RunRecord) -> Run:
    return Run(None, record["id"], _record=record)


def _has(held: Mapping[str, str | None], wanted: str | Mapping[str, str] | None) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return wanted in held
    return all(held.get(key) == value for key, value in wanted.items())


def _new_id() -> str:
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
