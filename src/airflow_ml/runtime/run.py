"""`Run` inside a step: this step's, its parent, and others of the workspace by way of the operator."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import (
    ActivityFailedException,
    NotSupportedError,
    RunEnvironmentException,
    UserErrorException,
)
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.offline import _OfflineRun, new_id
from airflow_ml.runtime.run_files import RunFiles
from airflow_ml.runtime.run_record import kind_of
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from airflow_ml.runtime import experiments, own_runs, pipeline_runs, workspace
    from airflow_ml.runtime.messages import RunRecord
else:
    experiments = late("airflow_ml.runtime.experiments")
    own_runs = late("airflow_ml.runtime.own_runs")
    pipeline_runs = late("airflow_ml.runtime.pipeline_runs")
    workspace = late("airflow_ml.runtime.workspace")

__all__ = ["Run", "_OfflineRun", "get_run"]

#: Statuses after which a run does not change any more.
_FINAL = ("Completed", "Failed", "Canceled")

_MOST_CHILDREN = 100

_submitted: own_runs._SubmittedRun | None = None
_offline: _OfflineRun | None = None


class Run(RunFiles, WorkspaceSide):
    """
    A run: this step's (`Run.get_context()`), its parent or another one of the workspace.

    What is reported goes to the operator at once; another run's record is asked of the operator.
    """

    _shown = "Run"
    _elsewhere: tuple[str, ...] = (
        "add_type_provider",
        "clean",
        "get_all_logs",
        "get_details_with_logs",
        "get_docs_url",
        "get_environment",
        "list_by_compute",
        "submit_child",
        "take_snapshot",
    )
    _instead = {  # noqa: RUF012 - shared and never written
        "submit_child": "make it a step of the pipeline, or report parts of this step by child_run",
        "take_snapshot": "the step's source directory is captured already; use upload_folder for other files",
    }

    def __init__(
        self, experiment: experiments.Experiment | None, run_id: str, outputs: str | None = None, **kwargs: Any
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
                _submitted = own_runs._SubmittedRun(context)
            return _submitted
        if not allow_offline:
            raise RunEnvironmentException("Run.get_context: this process is not a step's, and allow_offline is False")
        _offline = _offline or _OfflineRun()
        return _offline

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Run | _OfflineRun:
        """Return what `get_context` returns; v1's older name of it."""
        return cls.get_context(**kwargs)

    @staticmethod
    def get(workspace: workspace.Workspace, run_id: str) -> Run:
        """Return a run of the workspace by id; raises what the operator says if there is none."""
        context = contexts.required("Run.get")
        own = Run.get_context()
        if isinstance(own, Run) and run_id == own.id:
            return own
        return _from_record(context.request("run.get", id=run_id))

    @staticmethod
    def list(
        experiment: experiments.Experiment,
        type: str | None = None,  # noqa: A002 - v1's name
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        status: str | None = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Yield an experiment's runs, newest first, that have all of the tags, properties, type and status."""
        context = contexts.required("Run.list")
        wanted = {
            "experiment": experiment.name,
            "kind": kind_of(type),
            "tags": _wanted(tags),
            "properties": _wanted(properties),
            "status": status,
            "include_children": include_children,
        }
        before: int | None = None
        while True:
            page: Sequence[RunRecord] = context.request("run.list", before=before, **wanted)
            for record in page:
                yield _from_record(record)
            if not page:
                return
            before = page[-1]["sequence"]

    @property
    def experiment(self) -> experiments.Experiment:
        """The experiment, and through it the workspace."""
        if self._experiment is None:
            home = workspace.Workspace._of(self._context)
            self._experiment = experiments.Experiment(home, self._record["experiment"])
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
            fits = _has(child.tags, tags) and _has(child.properties, properties)
            if fits and kind_of(type) in (None, child._record["kind"]) and status in (None, child.status):
                yield child
            if recursive:
                yield from child.get_children(True, tags, properties, type, status)

    def _children(self) -> Sequence[Run]:
        records: Sequence[RunRecord] = self._context.request("run.children", id=self._id)
        return [_from_record(record) for record in records]

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> Run:
        """
        Start a run below this one; it is this script's to end by `complete`, `fail` or a `with` block.

        Args:
            name: shown for it; this run's otherwise.
            run_id: a random id otherwise.
            outputs: not used: a child's files are those it uploads.
        """
        child = own_runs._ChildRun(self, run_id or new_id(), name)
        self._mark("child", id=child.id, name=child.name)
        return child

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[str] | None = None
    ) -> Sequence[Run]:
        """
        Return new child runs: as many as `count`, or one per tag value.

        Those that are counted have their number as the tag `azureml.batch_child_number` (v1).

        Raises:
            UserErrorException: more than 100, or not exactly one of count and tag_values.
        """
        if (count is None) == (tag_values is None) or (tag_values is None) != (tag_key is None):
            raise UserErrorException("create_children: give either count, or tag_key and tag_values")
        values = range(count or 0) if tag_values is None else tag_values
        if len(values) > _MOST_CHILDREN:
            raise UserErrorException(f"create_children: {len(values)} at once, expected at most {_MOST_CHILDREN}")
        children = [self.child_run() for _ in values]
        for child, value in zip(children, values):
            child.tag(tag_key or "azureml.batch_child_number", str(value))
        return children

    def complete(self, _set_status: bool = True) -> None:
        """End a child run that this script has started; raises NotSupportedError for other runs."""
        raise NotSupportedError(f"run {self.id!r}: only the runs that a script starts itself are its to end")

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
        """End a child run that this script has started as failed; raises NotSupportedError for other runs."""
        self.complete()

    def cancel(self) -> None:
        """Ask the run to end; of a pipeline's run the running scripts are stopped, this one too."""
        self._mark("status", status="CancelRequested", error=None)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """
        Wait until the run has ended and return its details.

        Args:
            show_output: not used, like `wait_post_processing`: the run's own task shows its output.

        Raises:
            ActivityFailedException: it failed, and raise_on_error.
        """
        self._wait(float("inf"), raise_on_error=raise_on_error)
        return self.get_details()

    def _wait(self, timeout_seconds: float, *, raise_on_error: bool) -> None:
        import time

        deadline = time.monotonic() + timeout_seconds
        while (status := self.status) not in _FINAL:
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {self.id!r}: still {status} after {timeout_seconds} seconds; it goes on")
            time.sleep(1)
        if status == "Failed" and raise_on_error:
            raise ActivityFailedException(f"run {self.id!r} failed: {self.get_detailed_status()['error']}")

    def get_secret(self, name: str) -> str:
        """Return a secret's value; raises UserErrorException if there is none of that name."""
        return self.experiment.workspace.get_default_keyvault().get_secret(name)

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str | None]:
        """Return several secrets by name; None for those that are not there."""
        return self.experiment.workspace.get_default_keyvault().get_secrets(secrets)

    def start(self) -> None:
        """Do nothing: a run that a script can see is running."""

    def flush(self, timeout_seconds: float = 300) -> None:
        """Do nothing: what was reported is with the operator already."""


def _from_record(record: RunRecord) -> Run:
    """Return a run as the class of its kind, as v1 does where the pipelines' package is installed."""
    if record["kind"] == "pipeline":
        return pipeline_runs.PipelineRun(None, record["id"], _record=record)
    if record["kind"] == "step":
        node_id = record.get("node_id")
        return pipeline_runs.StepRun(None, record["id"], record["parent_id"] or "", node_id, _record=record)
    return Run(None, record["id"], _record=record)


def _wanted(labels: str | Mapping[str, str] | None) -> dict[str, str | None]:
    if isinstance(labels, str):
        return {labels: None}
    return {key: None if value is None else str(value) for key, value in (labels or {}).items()}


def _has(held: Mapping[str, str | None], wanted: str | Mapping[str, str] | None) -> bool:
    return all(key in held and value in (None, held[key]) for key, value in _wanted(wanted).items())


def get_run(experiment: experiments.Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """Return a run of an experiment by id; raises what the operator says if there is none."""
    return Run.get(experiment.workspace, run_id)
