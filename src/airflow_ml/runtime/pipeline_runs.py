"""`PipelineRun` and `StepRun` inside a step: what other steps of a pipeline have logged and written."""

from __future__ import annotations

import sys

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.datastores import Datastore
from airflow_ml.runtime.run import Run
from airflow_ml.runtime.run_status import pipeline_word
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from airflow_ml.runtime.experiments import Experiment
    from airflow_ml.runtime.messages import OutputRecord
    from airflow_ml.runtime.workspace import Workspace

__all__ = ["PipelineRun", "PortDataReference", "StepRun", "StepRunOutput"]


class _PipelineWords(Run):
    """What runs of pipelines and of steps have in common."""

    def get_status(self) -> str:
        """Return `NotStarted`, `Queued`, `Running`, `Finished`, `Failed` or `Canceled`."""
        return pipeline_word(super().get_status())

    @property
    def status(self) -> str:
        """The status in the words of run history, `Completed` among them."""
        return super().get_status()

    def wait_for_completion(  # type: ignore[override]  # v1's own signature and return value
        self, show_output: bool = True, timeout_seconds: float = sys.maxsize, raise_on_error: bool = True
    ) -> str:
        """
        Wait until the run has ended and return its status: `Finished`, `Failed` or `Canceled`.

        Args:
            show_output: not used: the run's own tasks show their output.

        Raises:
            ActivityFailedException: it failed, and raise_on_error.
            TimeoutError: it has not ended in time; it goes on.
        """
        self._wait(timeout_seconds, raise_on_error=raise_on_error)
        return self.get_status()

    def complete(self, _set_status: bool = True) -> None:
        """Raise NotSupportedError, as in v1: a pipeline's runs end by themselves."""
        raise NotSupportedError(f"run {self.id!r}: only the runs that a script starts itself are its to end")

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> Run:
        """Raise NotSupportedError, as in v1: make child runs of `Run.get_context()`."""
        raise NotSupportedError(
            f"run {self.id!r}: child runs belong to a step's own run; call Run.get_context().child_run"
        )


class PipelineRun(_PipelineWords):
    """The run of a pipeline: this step's (`run.parent`) or another one by id."""

    _shown = "PipelineRun"
    _elsewhere = (*Run._elsewhere, "get_graph", "get_pipeline_runs", "publish_pipeline", "save")

    def __init__(self, experiment: Experiment | None, run_id: str, _service_endpoint: Any = None, **kwags: Any) -> None:
        super().__init__(experiment, run_id, **kwags)

    @staticmethod
    def get(workspace: Workspace, run_id: str, _service_endpoint: Any = None) -> PipelineRun:
        """Return a pipeline's run by id; raises what the operator says if there is none."""
        record = contexts.required("PipelineRun.get").request("run.get", id=run_id)
        return PipelineRun(None, run_id, _record=record)

    def get_steps(self) -> Sequence[StepRun]:
        """Return the newest run of each step that has begun, newest first."""
        newest: dict[str | None, StepRun] = {}
        for record in self._context.request("run.children", id=self.id):
            if record["kind"] == "step":
                step = StepRun(self._experiment, record["id"], self.id, record["node_id"], _record=record)
                newest.setdefault(record["node_id"], step)
        return list(newest.values())

    def find_step_run(self, name: str) -> Sequence[StepRun]:
        """Return the runs of the steps of that name, newest first; none if it has not begun."""
        return [step for step in self.get_steps() if step.name == name]

    def get_pipeline_output(self, pipeline_output_name: str) -> PortDataReference:
        """Return the output that a step declares under a pipeline_output_name; raises UserErrorException."""
        for step in self.get_steps():
            for output in step._outputs():
                if output["pipeline_output_name"] == pipeline_output_name:
                    return PortDataReference(self.experiment.workspace, self.id, output, step)
        raise UserErrorException(
            f"run {self.id!r}: no finished step has written a pipeline output {pipeline_output_name!r}; wait for its "
            "step, or correct the name"
        )


class StepRun(_PipelineWords):
    """The run of a step of a pipeline."""

    _shown = "StepRun"
    _elsewhere = (*Run._elsewhere, "get_job_log", "get_stderr_log", "get_stdout_log")

    def __init__(
        self,
        experiment: Experiment | None,
        step_run_id: str,
        pipeline_run_id: str,
        node_id: str | None,
        _service_endpoint: Any = None,
        _is_reused: bool = False,
        _current_node_id: str | None = None,
        _reused_run_id: str | None = None,
        _reused_node_id: str | None = None,
        _reused_pipeline_run_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(experiment, step_run_id, **kwargs)
        self.pipeline_run_id = pipeline_run_id

    def get_outputs(self) -> dict[str, StepRunOutput]:
        """Return what the step has written, by the outputs' names; nothing before it has completed."""
        return {output["name"]: StepRunOutput(self, output) for output in self._outputs()}

    def get_output(self, name: str) -> StepRunOutput:
        """Return one of the outputs; raises UserErrorException."""
        found = self.get_outputs()
        if name not in found:
            raise UserErrorException(
                f"step {self.name!r}: no output {name!r}; it has written {sorted(found)}, outputs are seen when their "
                "step has completed"
            )
        return found[name]

    def get_output_data(self, name: str) -> PortDataReference:
        """Return where an output's data is; raises UserErrorException."""
        return self.get_output(name).get_port_data_reference()

    def _outputs(self) -> Sequence[OutputRecord]:
        outputs: Sequence[OutputRecord] = self._context.request("run.outputs", id=self.id)
        return outputs


class StepRunOutput:
    """One output of a finished step."""

    def __init__(self, step_run: StepRun, record: OutputRecord) -> None:
        self.step_run = step_run
        self.name = record["name"]
        self._record = record

    def get_port_data_reference(self) -> PortDataReference:
        """Return where the data is."""
        return PortDataReference(
            self.step_run.experiment.workspace, self.step_run.pipeline_run_id, self._record, self.step_run
        )


class PortDataReference(WorkspaceSide):
    """Where an output's data is, on a datastore."""

    _elsewhere = ("as_download", "as_input", "as_mount", "create_input_binding")

    def __init__(
        self, context: Workspace, pipeline_run_id: str, data_reference: OutputRecord, step_run: StepRun | None = None
    ) -> None:
        self._workspace = context
        self.pipeline_run_id = pipeline_run_id
        self.step_run = step_run
        self.name = data_reference["name"]
        self.datastore_name = data_reference["datastore"]
        self.path_on_datastore = self._path_on_datastore = data_reference["path"]
        self._is_file = data_reference["is_file"]

    def __repr__(self) -> str:
        return f"PortDataReference({self.name!r}, {self.datastore_name!r}, {self.path_on_datastore!r})"

    @property
    def datastore(self) -> Datastore:
        """The datastore."""
        return Datastore(self._workspace, self.datastore_name)

    def download(self, local_path: str, overwrite: bool | None = None, show_progress: bool | None = None) -> int:
        """
        Copy the output's files below local_path, with their whole path on the datastore (v1); return their number.

        Args:
            overwrite: write over files that are there; they are left as they are otherwise.
            show_progress: not used: the operator's log has the progress.
        """
        prefix = self.path_on_datastore if self._is_file else self.path_on_datastore.rstrip("/") + "/"
        return self.datastore._fetch(local_path, prefix, overwrite=bool(overwrite), exact=self._is_file)
