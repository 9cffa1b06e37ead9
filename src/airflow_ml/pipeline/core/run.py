"""Runs of pipelines and steps (`azureml.pipeline.core.run`)."""

from __future__ import annotations

import sys
import time

from airflow_ml._late import late
from airflow_ml._refusals import refuse_unknown
from airflow_ml.core._run_filters import list_pages
from airflow_ml.core._run_life import failure_of
from airflow_ml.core.run import Run
from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException
from airflow_ml.runtime.run_status import pipeline_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn, TypeAlias

    from airflow_ml import graph
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import artifacts, logs
    from airflow_ml.graph import Graph
    from airflow_ml.pipeline.core import _graph_yaml, _publishing, _run_printing
    from airflow_ml.pipeline.core import port_data_reference as port_data
    from airflow_ml.pipeline.core.port_data_reference import PortDataReference, StepRunOutput
    from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_ml.registry import RunRecord

    #: Written here because inside the classes `list` is v1's method.
    StepRuns: TypeAlias = "list[StepRun]"
    PipelineRuns: TypeAlias = "list[PipelineRun]"
else:
    artifacts = late("airflow_ml.execution.artifacts")
    graph = late("airflow_ml.graph")
    logs = late("airflow_ml.execution.logs")
    _graph_yaml = late("airflow_ml.pipeline.core._graph_yaml")
    _publishing = late("airflow_ml.pipeline.core._publishing")
    _run_printing = late("airflow_ml.pipeline.core._run_printing")
    port_data = late("airflow_ml.pipeline.core.port_data_reference")

__all__ = ["PipelineRun", "StepRun"]

_NO_TIMEOUT = sys.maxsize

#: v1's names of the logs that it kept per step; here both streams are one file.
_STREAM_LOGS = ("logs/azureml/stdoutlogs.txt", "logs/azureml/stderrlogs.txt", "azureml-logs/70_driver_log.txt")


class _PipelineWords(Run):
    """What runs of pipelines and of steps have in common."""

    def get_status(self) -> str:
        """Return `NotStarted`, `Queued`, `Running`, `Finished`, `Failed` or `Canceled`."""
        return pipeline_word(self.status)

    def complete(self) -> NoReturn:  # type: ignore[override]  # v1's own signature
        """Raise NotImplementedError, as v1: the run's own process says how it ends."""
        raise NotSupportedError(f"run {self.id}: complete() is not for runs of pipelines and steps")

    def fail(self) -> NoReturn:  # type: ignore[override]  # v1's own signature
        """Raise NotImplementedError, as v1: the run's own process says how it ends."""
        raise NotSupportedError(f"run {self.id}: fail() is not for runs of pipelines and steps; use cancel()")

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: object = None) -> NoReturn:
        """Raise NotImplementedError, as v1: the script of a step starts runs below its own."""
        raise NotSupportedError(
            f"run {self.id}: child_run() is not for runs of pipelines and steps; call Run.get_context().child_run() in"
            " the step's script"
        )

    def _wait_until_end(self, printer: _run_printing.Printer, timeout_seconds: float, *, raise_on_error: bool) -> str:
        """Wait, print, and return the status; v1 returns that of a run that goes on when the time is over."""
        begun = time.monotonic()
        record = self._wait(printer.update, deadline=begun + min(timeout_seconds, 10**9))
        if not record.is_final:
            printer.say_timed_out(time.monotonic() - begun)
        printer.finish(record)
        if record.status == "Failed" and raise_on_error:
            raise failure_of(record)
        return pipeline_word(record.status)


class PipelineRun(_PipelineWords):
    """A run of a pipeline."""

    def __init__(self, experiment: Experiment, run_id: str, _service_endpoint: object = None, **kwargs: Any) -> None:
        super().__init__(experiment, run_id, **kwargs)

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

    @staticmethod
    def get_pipeline_runs(workspace: Workspace, pipeline_id: str, _service_endpoint: object = None) -> PipelineRuns:
        """Return the runs of a published pipeline, newest first: those with its id as `azureml.pipelineid`."""
        records = list_pages(workspace.registry(), kind="pipeline", properties={"azureml.pipelineid": pipeline_id})
        return [run for record in records if isinstance(run := Run._from_record(workspace, record), PipelineRun)]

    def get_graph(self) -> Graph:
        """Return the graph that was run."""
        text = self._registry.runs.graph(self.id)
        if text is None:
            raise UserErrorException(f"run {self.id}: it has no graph, because its operators were written by hand")
        return graph.from_json(text)

    def save(self, path: str | None = None) -> None:
        """
        Write the pipeline that was run as YAML; `Pipeline.load_yaml` reads it.

        Args:
            path: a file, or a folder for `pipeline.yml`; the current folder unless given.

        Raises:
            UserErrorException: the run has no graph, because its operators were written by hand.
        """
        _graph_yaml.save(self.get_graph(), path)

    def publish_pipeline(
        self,
        name: str,
        description: str,
        version: str,
        continue_on_step_failure: bool | None = None,
        *,
        wait: bool = False,
        **kwargs: object,
    ) -> PublishedPipeline:
        """
        Store the pipeline that was run, with the code that was run, so that it can be started by id or by REST.

        Args:
            continue_on_step_failure: for runs that say nothing else; None means no.
            wait: see `Pipeline.publish`.
            kwargs: `enable_email_notification` is accepted without effect, as notifications are Airflow's.

        Raises:
            UserErrorException: the run has no graph, because its operators were written by hand.
        """
        refuse_unknown(kwargs, where="publish_pipeline", known=["enable_email_notification"], error=GraphError)
        said = _publishing.Publication(name, description, version, continue_on_step_failure)
        return _publishing.publish_run(self.experiment.workspace, self.id, said, wait=wait)

    def get_steps(self) -> Iterator[StepRun]:
        """Return the steps' runs, newest first; the newest attempt of each. Right after submit there may be none."""
        for record in self._registry.runs.steps(self.id):
            yield StepRun._of(self.experiment, record)

    def find_step_run(self, name: str) -> StepRuns:
        """Return the runs of the steps of that name; names need not be unique."""
        return [
            StepRun._of(self.experiment, record) for record in self._registry.runs.steps(self.id) if record.name == name
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
                    return port_data.PortDataReference.of(self.experiment.workspace, self.id, output)
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
            show_output: print the steps' logs while they run; the run's id is printed in any case (v1).
            timeout_seconds: after that time the status of the run, which goes on, is returned (v1).

        Raises:
            ActivityFailedException: it failed, and `raise_on_error`; `error_details` is the error as JSON (v1).
        """
        printer = _run_printing.PipelinePrinter(self, show_output=show_output, raise_on_error=raise_on_error)
        return self._wait_until_end(printer, timeout_seconds, raise_on_error=raise_on_error)


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
        **kwargs: Any,
    ) -> None:
        super().__init__(experiment, step_run_id, **kwargs)
        self._pipeline_run_id = pipeline_run_id
        self._node_id = node_id
        self._is_reused = _is_reused
        self._current_node_id = _current_node_id
        self._reused_run_id = _reused_run_id
        self._reused_node_id = _reused_node_id
        self._reused_pipeline_run_id = _reused_pipeline_run_id

    @classmethod
    def _of(cls, experiment: Experiment, record: RunRecord) -> StepRun:
        reused = record.properties.get("azureml.reusedrunid")
        return cls(
            experiment,
            record.id,
            record.parent_id or "",
            record.node_id or "",
            _is_reused=reused is not None,
            _current_node_id=record.node_id,
            _reused_run_id=reused,
            _reused_node_id=record.properties.get("azureml.reusednodeid"),
            _reused_pipeline_run_id=record.properties.get("azureml.reusedpipeline"),
        )

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
        return port_data.StepRunOutput(self.experiment.workspace, self._pipeline_run_id, self, name, record)

    def get_stdout_log(self) -> str:
        """Return the script's output; standard error is in it, in the order written."""
        return logs.RunLog(self._registry, self.id).read_new()

    def get_stderr_log(self) -> str:
        """Return the same as `get_stdout_log`: both streams go to one file."""
        return self.get_stdout_log()

    def get_job_log(self) -> str:
        """Return the script's output."""
        return self.get_stdout_log()

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """Copy one file of the run to this machine; v1's names of a step's logs give the one log that there is."""
        is_log = name in _STREAM_LOGS and name not in self.get_file_names()
        place = output_file_path or name.rpartition("/")[2]
        super().download_file(artifacts.LOG_NAME if is_log else name, place, _validate_checksum)

    def get_details_with_logs(self) -> dict[str, Any]:
        """Return `get_details()` with the text of each log in the place of its path, and v1's three names of it."""
        details = super().get_details_with_logs()
        text = self.get_stdout_log()
        details["logFiles"] |= {"STDOUT": text, "STDERR": text, "JOBLOG": text}
        return details

    def wait_for_completion(  # type: ignore[override]  # v1's own signature and return value
        self, show_output: bool = True, timeout_seconds: float = _NO_TIMEOUT, raise_on_error: bool = True
    ) -> str:
        """
        Wait until the step has ended, and return its status: `Finished`, `Failed` or `Canceled`.

        Ctrl-C cancels the step, waits until nothing of it runs any more, and raises KeyboardInterrupt.

        Args:
            show_output: print the log while the script runs; the run's id is printed in any case (v1).
            timeout_seconds: after that time the status of the run, which goes on, is returned (v1).

        Raises:
            ActivityFailedException: it failed, and `raise_on_error`; `error_details` is the error as JSON (v1).
        """
        printer = _run_printing.StepPrinter(self, show_output=show_output, raise_on_error=raise_on_error)
        return self._wait_until_end(printer, timeout_seconds, raise_on_error=raise_on_error)
