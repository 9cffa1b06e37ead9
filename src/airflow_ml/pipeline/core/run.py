"""Runs of pipelines and steps (`azureml.pipeline.core.run`)."""

from __future__ import annotations

import json
import pprint
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from airflow_ml._late import late
from airflow_ml.core.experiment import Experiment
from airflow_ml.core.run import POLL_SECONDS, Run
from airflow_ml.exceptions import ActivityFailedException, NotSupportedError, UserErrorException
from airflow_ml.graph import Graph, from_json
from airflow_ml.pipeline.core.port_data_reference import PortDataReference, StepRunOutput

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import logs, runner_lock
    from airflow_ml.registry import RunRecord
else:
    logs = late("airflow_ml.execution.logs")
    runner_lock = late("airflow_ml.execution.runner_lock")

__all__ = ["PipelineRun", "StepRun"]

_NO_TIMEOUT = sys.maxsize
_RULE = "=" * 80

#: What pipelines and steps call the states of the run history (v1).
_STATUS_WORDS = {"Completed": "Finished", "Preparing": "Running", "Finalizing": "Running", "CancelRequested": "Running"}


#: Written here because inside the classes `list` is v1's method.
StepRuns: TypeAlias = "list[StepRun]"


class _PipelineWords(Run):
    """What runs of pipelines and of steps have in common."""

    def get_status(self) -> str:
        """Return `NotStarted`, `Queued`, `Running`, `Finished`, `Failed` or `Canceled`."""
        status = self.status
        return _STATUS_WORDS.get(status, status)

    def complete(self, _set_status: bool = True) -> NoReturn:
        """Raise NotImplementedError, as v1: the run's own process says how it ends."""
        raise NotSupportedError(f"run {self.id}: complete() is not for runs of pipelines and steps")

    def fail(self, error_details: object = None, error_code: str | None = None, _set_status: bool = True) -> NoReturn:
        """Raise NotImplementedError, as v1: the run's own process says how it ends."""
        raise NotSupportedError(f"run {self.id}: fail() is not for runs of pipelines and steps; use cancel()")

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: object = None) -> NoReturn:
        """Raise NotImplementedError, as v1."""
        raise NotSupportedError(f"run {self.id}: child_run() is not for runs of pipelines and steps")

    def _raise_failure(self) -> NoReturn:
        record = self._record
        details = json.dumps({"error": dict(record.error or {}), "status": record.status})
        message = str((record.error or {}).get("message", "no details were recorded"))
        raise ActivityFailedException(f"run {record.id} ({record.name}) failed: {message}", error_details=details)


class PipelineRun(_PipelineWords):
    """A run of a pipeline."""

    def __init__(self, experiment: Experiment, run_id: str, _service_endpoint: object = None, **kwargs: object) -> None:
        super().__init__(experiment, run_id)

    @staticmethod
    def get(workspace: Workspace, run_id: str, _service_endpoint: object = None) -> PipelineRun:
        """
        Return the pipeline run of that id.

        Raises:
            UserErrorException: there is none, or it is the run of something else.
        """
        run = Run.get(workspace, run_id)
        if not isinstance(run, PipelineRun):
            raise UserErrorException(f"run {run_id!r} is a {run.type}, not a pipeline's run")
        return run

    def get_graph(self) -> Graph:
        """Return the graph that was run."""
        text = self._registry.runs.graph(self.id)
        if text is None:
            raise UserErrorException(f"run {self.id}: it has no graph, because its operators were written by hand")
        return from_json(text)

    def get_steps(self) -> Iterator[StepRun]:
        """Return the steps' runs, newest first; the newest attempt of each. Right after submit there may be none."""
        for record in self._registry.runs.steps(self.id):
            yield StepRun(self.experiment, record.id, self.id, record.node_id or "")

    def find_step_run(self, name: str) -> StepRuns:
        """Return the runs of the steps of that name; names need not be unique."""
        return [
            StepRun(self.experiment, record.id, self.id, record.node_id or "")
            for record in self._registry.runs.steps(self.id)
            if record.name == name
        ]

    def get_pipeline_output(self, pipeline_output_name: str) -> PortDataReference:
        """
        Return where an output of the pipeline lies.

        Raises:
            UserErrorException: no step has committed an output of that `pipeline_output_name`.
        """
        for record in self._registry.runs.steps(self.id):
            for output in self._registry.outputs.of(record.id):
                if output.pipeline_output_name == pipeline_output_name:
                    return PortDataReference.of(self.experiment.workspace, self.id, output)
        raise UserErrorException(
            f"run {self.id} has no pipeline output {pipeline_output_name!r} yet; name it in"
            " PipelineData(pipeline_output_name=...), and wait for the step that writes it"
        )

    def cancel(self) -> None:
        """Ask the run to end: running scripts are stopped, others are not started."""
        super().cancel()

    def wait_for_completion(  # type: ignore[override]  # v1's own signature and return value
        self, show_output: bool = True, timeout_seconds: float = _NO_TIMEOUT, raise_on_error: bool = True
    ) -> str:
        """
        Wait until the run has ended, and return its status: `Finished`, `Failed` or `Canceled`.

        Ctrl-C cancels the run, waits until nothing of it runs any more, and raises KeyboardInterrupt.

        Args:
            show_output: print the steps' logs while they run.

        Raises:
            ActivityFailedException: it failed, and `raise_on_error`.
            TimeoutError: it has not ended in time; it goes on.
        """
        report = _Report(self) if show_output else None
        deadline = time.monotonic() + min(timeout_seconds, 10**9)
        try:
            self._wait(report, deadline, timeout_seconds)
        except KeyboardInterrupt:
            print(f"canceling run {self.id} ...")  # noqa: T201 - said to the person at the keyboard
            self.cancel()
            while not self._record.is_final:
                time.sleep(POLL_SECONDS)
            raise
        if report is not None:
            report.finish()
        if self.status == "Failed" and raise_on_error:
            self._raise_failure()
        return self.get_status()

    def _wait(self, report: _Report | None, deadline: float, timeout_seconds: float) -> None:
        while True:
            is_final = self._record.is_final
            if report is not None:
                report.update()
            if is_final:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {self.id} has not ended within {timeout_seconds} seconds; it goes on")
            time.sleep(POLL_SECONDS)


class StepRun(_PipelineWords):
    """The run of one step of a pipeline: one attempt of it."""

    def __init__(
        self,
        experiment: Experiment,
        step_run_id: str,
        pipeline_run_id: str,
        node_id: str,
        _service_endpoint: object = None,
        _is_reused: bool = False,
        _current_node_id: str | None = None,
        _reused_run_id: str | None = None,
        _reused_node_id: str | None = None,
        _reused_pipeline_run_id: str | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(experiment, step_run_id)
        self._pipeline_run_id = pipeline_run_id
        self._node_id = node_id

    @classmethod
    def _of(cls, experiment: Experiment, record: RunRecord) -> Run:
        return cls(experiment, record.id, record.parent_id or "", record.node_id or "")

    @property
    def pipeline_run_id(self) -> str:
        """Id of the pipeline's run."""
        return self._pipeline_run_id

    def get_outputs(self) -> dict[str, StepRunOutput]:
        """Return the committed outputs by name."""
        return {output.name: self._output(output.name) for output in self._registry.outputs.of(self.id)}

    def get_output(self, name: str) -> StepRunOutput:
        """
        Return one committed output.

        Raises:
            UserErrorException: the step has none of that name (yet).
        """
        return self._output(name)

    def get_output_data(self, name: str) -> PortDataReference:
        """
        Return where one committed output lies.

        Raises:
            UserErrorException: the step has none of that name (yet).
        """
        return self._output(name).get_port_data_reference()

    def _output(self, name: str) -> StepRunOutput:
        record = self._registry.outputs.get(self.id, name)
        return StepRunOutput(self.experiment.workspace, self._pipeline_run_id, self, name, record)

    def get_stdout_log(self) -> str:
        """Return the script's output; standard error is in it, in the order written."""
        return logs.RunLog(self._registry, self.id).read_new()

    def get_stderr_log(self) -> str:
        """Return the same as `get_stdout_log`: both streams go to one file."""
        return self.get_stdout_log()

    def get_job_log(self) -> str:
        """Return the script's output."""
        return self.get_stdout_log()

    def get_details_with_logs(self) -> dict[str, Any]:
        """Return the details with the text of the log."""
        return {**self.get_details(), "logs": {"user_logs/std_log.txt": self.get_stdout_log()}}

    def wait_for_completion(  # type: ignore[override]  # v1's own signature and return value
        self, show_output: bool = True, timeout_seconds: float = _NO_TIMEOUT, raise_on_error: bool = True
    ) -> str:
        """
        Wait until the step has ended, and return its status.

        Raises:
            ActivityFailedException: it failed, and `raise_on_error`.
            TimeoutError: it has not ended in time.
        """
        printer = _StepPrinter(self) if show_output else None
        deadline = time.monotonic() + min(timeout_seconds, 10**9)
        while True:
            is_final = self._record.is_final
            if printer is not None:
                printer.update()
            if is_final:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"step run {self.id} has not ended within {timeout_seconds} seconds")
            time.sleep(POLL_SECONDS)
        if self.status == "Failed" and raise_on_error:
            self._raise_failure()
        return self.get_status()


class _Report:
    """Prints what `wait_for_completion(show_output=True)` shows, in v1's words."""

    def __init__(self, run: PipelineRun) -> None:
        self._run = run
        self._status: str | None = None
        self._printers: dict[str, _StepPrinter] = {}
        _say(f"PipelineRunId: {run.id}")
        if run._record.details.get("engine") != runner_lock.ENGINE_EMBEDDED:
            _say(f"Link to Airflow: {run.portal_url}")

    def update(self) -> None:
        record = self._run._record
        status = _passed_through(record)
        if status != self._status:
            _say(f"PipelineRun Status: {status}")
        self._status = status
        for step in reversed([*self._run.get_steps()]):
            printer = self._printers.setdefault(step.id, _StepPrinter(step))
            if not printer.update():
                return  # one log after the other, so that lines of two steps never mix

    def finish(self) -> None:
        _say(f"\n\nPipelineRun Execution Summary\n{_RULE}\nPipelineRun Status: {self._run.get_status()}")
        _say(pprint.pformat(self._run.get_details(), sort_dicts=False))


class _StepPrinter:
    """Prints one step's progress and log."""

    def __init__(self, run: StepRun) -> None:
        self._run = run
        self._log = logs.RunLog(run._registry, run.id)
        self._status: str | None = None
        self._is_done = False

    def update(self) -> bool:
        """Print what is new; True when there is no more to come."""
        if self._is_done:
            return True
        record = self._run._record
        name, status = record.name, _STATUS_WORDS.get(record.status, record.status)
        if self._status is None:
            _say(f"\n\nStepRunId: {record.id}")
        passed = _passed_through(record)
        if passed != self._status:
            _say(f"StepRun( {name} ) Status: {passed}\n")
        self._status = passed
        text = self._log.read_new()
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
        if record.is_final:
            _say(f"\nStepRun({name}) Execution Summary\n{_RULE}\nStepRun( {name} ) Status: {status}")
            if record.error:
                _say(str(record.error.get("message", "")))
        self._is_done = record.is_final
        return self._is_done


def _passed_through(record: RunRecord) -> str:
    """Return the last state before the end that a run is in, or was in: a quick one is over between two looks."""
    if record.is_final:
        return "NotStarted" if record.started_at is None else "Running"
    return _STATUS_WORDS.get(record.status, record.status)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what v1 prints and notebooks show
