"""What waiting for runs of pipelines and steps prints, in v1's words. Imported at its first use."""

from __future__ import annotations

import sys
from pprint import pformat
from typing import TYPE_CHECKING, Protocol

from airflow_ml.core._run_output import page_of, print_error, say
from airflow_ml.execution.artifacts import LOG_NAME
from airflow_ml.execution.logs import RunLog
from airflow_ml.graph.identity import module_id
from airflow_ml.runtime.run_status import pipeline_word

if TYPE_CHECKING:
    from airflow_ml.pipeline.core.run import PipelineRun, StepRun
    from airflow_ml.registry import RunRecord

__all__ = ["PipelinePrinter", "Printer", "StepPrinter", "say_created_steps", "say_submitted"]

#: What v1 says of a step that may take an earlier result, whether there is one or not, and of one that may not.
_ELIGIBLE = "This step is eligible to reuse a previous run's output"
_WILL_RUN = "This step will run and generate new outputs"


class Printer(Protocol):
    """Told of every look at a run that is waited for."""

    def update(self, record: RunRecord) -> object:
        """Print what is new."""
        ...

    def say_timed_out(self, seconds: float) -> None:
        """Say that the time to wait is over."""
        ...

    def finish(self, record: RunRecord) -> None:
        """Print the end."""
        ...


class StepPrinter:
    """
    Prints one step's progress, log and summary.

    Args:
        show_output: False prints the run's id alone, as v1.
        raise_on_error: the waiting call raises a failure, so that it is not printed as well (v1).
    """

    def __init__(self, run: StepRun, *, show_output: bool = True, raise_on_error: bool = False) -> None:
        self._run = run
        self._show_output = show_output
        self._raise_on_error = raise_on_error
        self._log = RunLog(run._registry, run.id)
        self._status: str | None = None
        self._is_streaming = False
        self._is_begun = False
        self.is_done = False

    def update(self, record: RunRecord) -> None:
        """Print what is new, the summary included when the step has ended."""
        self._begin(record)
        if self.is_done or not self._show_output:
            return
        if not _is_reused(record):
            if self._status != _passed_through(record):
                self._status = _passed_through(record)
                say(f"StepRun( {record.name} ) Status: {self._status}")
            self._stream()
        if record.is_final:
            self._summarise(record)
            self.is_done = True

    def say_timed_out(self, seconds: float) -> None:
        """Say that the time to wait is over."""
        if self._show_output:
            say(f"Timed out of waiting. Elapsed time: {seconds}")

    def finish(self, record: RunRecord) -> None:
        """Do nothing: the last look has printed the end."""

    def _begin(self, record: RunRecord) -> None:
        if not self._is_begun:
            self._is_begun = True
            say(f"StepRunId: {record.id}")
            _say_link(self._run, record)
            if self._show_output:
                _say_reason(record)

    def _stream(self) -> None:
        text = self._log.read_new()
        if text and not self._is_streaming:
            self._is_streaming = True
            say(f"\nStreaming {LOG_NAME}\n{'=' * (len(LOG_NAME) + 10)}")
        sys.stdout.write(text)
        sys.stdout.flush()

    def _summarise(self, record: RunRecord) -> None:
        _say_title(f"StepRun({record.name}) Execution Summary")
        say(f"StepRun( {record.name} ) Status: {pipeline_word(record.status)}")
        if record.error and not self._raise_on_error:
            print_error(record)
        if not record.error:
            say(f"{pformat(self._run.get_details(), sort_dicts=False)}\n")


def say_created_steps(run: PipelineRun) -> None:
    """Print what v1 prints first when a pipeline is submitted: a line per step."""
    takes_results = run._record.details.get("reuse", "normal") == "normal"
    for step in run.get_graph().steps:
        word = _ELIGIBLE if takes_results and step.allow_reuse else _WILL_RUN
        say(f"Created step {step.name} [{step.id}][{module_id(step)}], ({word})")


def say_submitted(run: PipelineRun) -> None:
    """Print what v1 prints when a run was started: its id and the link."""
    say(f"Submitted PipelineRun {run.id}")
    _say_link(run, run._record)


class PipelinePrinter:
    """Prints a pipeline's progress with its steps one after the other, and its summary; `Args` as StepPrinter."""

    def __init__(self, run: PipelineRun, *, show_output: bool, raise_on_error: bool) -> None:
        self._run = run
        self._show_output = show_output
        self._raise_on_error = raise_on_error
        self._status: str | None = None
        self._steps: dict[str, StepPrinter] = {}
        say(f"PipelineRunId: {run.id}")
        _say_link(run, run._record)

    def update(self, record: RunRecord) -> None:
        """Print what is new of the pipeline and its steps."""
        if not self._show_output:
            return
        if self._status != _passed_through(record):
            self._status = _passed_through(record)
            say(f"PipelineRun Status: {self._status}")
        for step in reversed([*self._run.get_steps()]):
            if step.id not in self._steps:
                say("\n")
                self._steps[step.id] = StepPrinter(step)
            printer = self._steps[step.id]
            printer.update(step._record)
            if not printer.is_done:
                return  # one log after the other, so that lines of two steps never mix

    def say_timed_out(self, seconds: float) -> None:
        """Say that the time to wait is over."""
        if self._show_output:
            say(f"Timed out of waiting. Elapsed time: {seconds}")

    def finish(self, record: RunRecord) -> None:
        """Print the summary and the details."""
        if not self._show_output:
            return
        _say_title("PipelineRun Execution Summary")
        say(f"PipelineRun Status: {pipeline_word(record.status)}")
        if record.error and self._raise_on_error:
            return  # the error says it
        print_error(record)
        say(f"{pformat(self._run.get_details(), sort_dicts=False)}\n")


def _say_link(run: PipelineRun | StepRun, record: RunRecord) -> None:
    page = page_of(run, record)
    if page is not None:
        say(f"Link to Airflow: {page}")


def _say_title(title: str) -> None:
    say(f"\n{title}\n{'=' * len(title)}")


def _say_reason(record: RunRecord) -> None:
    """Say where a result was taken from and what that saved, or why the step runs."""
    said = record.details.get("reuse")
    if isinstance(said, dict) and said.get("reason"):
        say(f"StepRun( {record.name} ) {said['reason']}")


def _is_reused(record: RunRecord) -> bool:
    """Whether the log is that of an earlier run, and no state was passed through."""
    return record.properties.get("azureml.isreused") == "true"


def _passed_through(record: RunRecord) -> str:
    """Return the last state before the end that a run is in, or was in: a quick one is over between two looks."""
    if record.is_final:
        return "NotStarted" if record.started_at is None else "Running"
    return pipeline_word(record.status)
