"""The operator of one step of a pipeline."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from airflow_ml._late import late
from airflow_ml.exceptions import GraphError
from airflow_ml.operators._context import dag_run_of, group_of, is_mapped, map_index_of, submitted_run_id
from airflow_ml.operators._ending import close_behind_end, end_task_id
from airflow_ml.operators._failures import airflow_failures, is_ours
from airflow_ml.operators.links import RunLink

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_ml.execution import attempt, model, pipelines, reusing, runner_lock, services, steps
    from airflow_ml.graph import Json, Step
    from airflow_ml.operators import _announcing, _assets, _services, _supervised, _templates, _waiting
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation.pipeline_ref import PipelineRef
else:
    _announcing = late("airflow_ml.operators._announcing")
    _assets = late("airflow_ml.operators._assets")
    _services = late("airflow_ml.operators._services")
    _supervised = late("airflow_ml.operators._supervised")
    _templates = late("airflow_ml.operators._templates")
    _waiting = late("airflow_ml.operators._waiting")
    attempt = late("airflow_ml.execution.attempt")
    model = late("airflow_ml.execution.model")
    pipelines = late("airflow_ml.execution.pipelines")
    reusing = late("airflow_ml.execution.reusing")
    runner_lock = late("airflow_ml.execution.runner_lock")
    steps = late("airflow_ml.execution.steps")

__all__ = ["StepOperator"]

#: The script's output in the task's log, apart from what the operator itself says.
_script_log = logging.getLogger("airflow_ml.step")

#: Attributes that Airflow converts when they are set.
_CONVERTED = frozenset(name.removeprefix("_convert_") for name in dir(BaseOperator) if name.startswith("_convert_"))


class StepOperator(BaseOperator):
    """
    Runs one step of a pipeline: stages inputs, starts the script, follows it, commits its outputs.

    Where an earlier run has the result by now, the step takes it and ends; where another run computes it at this
    moment, it waits without a slot. When its outputs are there, the steps that waited for them are decided: those that
    are reused are skipped at once.

    The XCom is a small mapping: `step_run_id`, `pipeline_run_id`, `outputs` (datastore, path, digest by name) and the
    last value of each scalar metric. Data never goes through XCom.

    Args:
        pipeline: what the tasks of the pipeline share.
        step: which of its steps.
        compute_pool: the compute target behind the task's pool, as JSON text (`airflow_ml.translation.pools`); from it
            the plugin makes a pool that is missing.
        retry_user_failures: let Airflow's retries apply to failing scripts too; by default only failures of storage,
            registry and machine are tried again.
    """

    operator_extra_links = (RunLink(),)
    ui_color = "#e3f1fb"

    #: How many of the step's arguments stand in the DAG file; None is all of them.
    templated_arguments: int | None = None

    def __init__(
        self,
        *,
        pipeline: PipelineRef,
        step: Step,
        compute_pool: str | None = None,
        retry_user_failures: bool = False,
        retries: int = 1,
        retry_delay: timedelta = timedelta(seconds=10),
        trigger_rule: str = "none_failed",
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, retry_delay=retry_delay, trigger_rule=trigger_rule, **kwargs)
        self.pipeline = pipeline
        self.step = step
        self.compute_pool = compute_pool
        self.retry_user_failures = retry_user_failures
        self.run_id: str | None = None
        self._is_stopped = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.template_fields:
            cls.__setattr__ = BaseOperator.__setattr__  # type: ignore[method-assign]  # it follows XComs in such fields

    def __setattr__(self, key: str, value: Any) -> None:
        """Set an attribute; the same as Airflow's, without its search for a converter where there is none."""
        # A DAG file makes hundreds of steps on every parse, each with some 70 attributes: a third of the time.
        if key in _CONVERTED:
            super().__setattr__(key, value)
        else:
            object.__setattr__(self, key, value)

    @classmethod
    def partial(cls, *, task_id: str, **_given: Any) -> OperatorPartial:
        """
        Refuse to be mapped: the tasks of a translated pipeline are what its steps are.

        Raises:
            ValueError: always; it says what to do instead.
        """
        raise GraphError(f"task {task_id!r}: a {cls.__name__} cannot be mapped; PythonScriptStepOperator can")

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Return what Airflow keeps of the operator in the serialized DAG: its own fields, and `compute_pool`."""
        fields: frozenset[str] = super().get_serialized_fields()  # type: ignore[no-untyped-call]  # Airflow's own
        return fields | {"compute_pool"}

    @property
    def workspace_name(self) -> str:
        """Name of the workspace that the run is recorded in."""
        return self.pipeline.graph.workspace.name

    @property
    def title(self) -> str:
        """How texts for people call the step."""
        return self.pipeline.graph.title(self.step)

    def execute(self, context: Mapping[str, Any]) -> dict[str, Json]:
        """Run the step and return what its XCom holds."""
        workspace = self.pipeline.graph.workspace
        with airflow_failures():
            self._write_out(context)
        with (
            _supervised.supervised(),
            airflow_failures(retry_user_failures=self.retry_user_failures),
            _services.open_services(workspace) as opened,
        ):
            run = self._pipeline_run(opened, context)
            self.log.info("parameters: %s", pipelines.printable_parameters(run))
            self._refuse_stopped(run)
            try:
                result = self._take(opened, context, run)
                later = [] if is_mapped(context) else self._announce_later(opened, context, run)
                _assets.tell_registered(opened, context, self.pipeline.graph, [result.step_run_id, *later])
                return result.to_data()
            finally:
                self._after(opened, context, run.id)

    def _write_out(self, context: Mapping[str, Any]) -> None:
        """Render the templates of the DAG file; the operator is this task's own copy."""
        if self.pipeline.has_templates:
            self.pipeline = _templates.rendered(self.pipeline, self, context, most=self.templated_arguments)
            self.step = self.pipeline.graph.step(self.step.id)

    def _take(self, opened: services.Services, context: Mapping[str, Any], run: RunRecord) -> model.StepResult:
        """Run the step or take the result that is there; where another run computes it, wait for that."""
        dag_id, dag_run_id = dag_run_of(context)
        ti = context["ti"]
        # Clearing a task gives it all its retries again, counted from the tries that it had.
        cleared_after = max(0, (ti.max_tries or 0) - (self.retries or 0))
        index = map_index_of(context)
        place = model.Airflow(dag_id, dag_run_id, self.task_id, ti.try_number, cleared_after, index)
        handed_on = self._handed_on(context)
        while True:
            task = model.StepTask(self.pipeline.graph, self.step, run, place, handed_on)
            outcome = self._take_once(opened, context, task)
            if isinstance(outcome, reusing.Reused):
                self.run_id = outcome.result.step_run_id
                self.log.info("%s: %s", self.title, outcome.sentence)
                reusing.mark_announced(opened, [outcome])
                return outcome.result
            if isinstance(outcome, model.StepResult):
                return outcome
            self.log.info("%s waits: %s", self.title, outcome.sentence)
            if run.details.get("engine") != runner_lock.ENGINE_EMBEDDED:
                _waiting.ask_again_later(context, outcome)
            _waiting.wait_here(outcome, lambda: self._is_stopped)
            run = self._refuse_stopped(opened.registry.runs.get(run.id))

    def _take_once(
        self, opened: services.Services, context: Mapping[str, Any], task: model.StepTask
    ) -> model.StepResult | reusing.Reused | reusing.Waiting:
        control = attempt.Control(
            is_stopped=lambda: self._is_stopped,
            log=self._log_line,
            started=lambda run_id: self._note_run(opened, run_id),
            is_retried=lambda error: self._is_retried(error, context),
        )
        try:
            return steps.take_step(opened, task, control)
        except attempt.StepStopped as error:
            # Airflow ended this task itself (a worker that shuts down, for instance): its retries apply.
            kind = AirflowException if self._is_stopped else AirflowFailException
            raise kind(str(error)) from error

    @staticmethod
    def _log_line(line: str) -> None:
        """Pass on a line of the script's output, which may hold anything that logging takes for a placeholder."""
        _script_log.info("%s", line)

    def _refuse_stopped(self, run: RunRecord) -> RunRecord:
        """Return the pipeline run if steps of it may start."""
        reason = pipelines.stop_reason(run)
        if reason is not None:
            raise AirflowSkipException(f"{self.title} is not started: {reason}")
        if self._is_stopped:
            raise AirflowException(f"{self.title} was stopped while it waited")
        return run

    def _announce_later(self, opened: services.Services, context: Mapping[str, Any], run: RunRecord) -> list[str]:
        """
        Skip the tasks behind this one that are reused with what it has just written, and return their steps' runs.

        The step itself is done, so nothing in here may fail it: what is not announced is found when its task starts.
        """
        dag_id, dag_run_id = dag_run_of(context)
        graph = self.pipeline.graph
        reused: Sequence[reusing.Reused] = ()
        try:
            place = model.Airflow(dag_id, dag_run_id, self._prefix)
            reused = reusing.decide_after(opened, graph, run, self.step.id, place)
            for item in reused:
                self.log.info("%s: %s", graph.title(graph.step(item.step_id)), item.sentence)
            _announcing.announce(
                context, self.workspace_name, _announcing.announcements_of(self._prefix, reused, graph)
            )
            reusing.mark_announced(opened, reused)
        except Exception:
            self.log.exception("%s is done; the steps behind it decide for themselves", self.title)
        return [item.result.step_run_id for item in reused]

    @property
    def _prefix(self) -> str:
        """What the ids of the pipeline's tasks have before the steps' ids: their task groups."""
        return self.task_id.removesuffix(self.step.id)

    def on_kill(self) -> None:
        """Ask the script to end; called from a signal handler, so it only sets a flag that the operator looks at."""
        self._is_stopped = True

    def _is_retried(self, error: BaseException, context: Mapping[str, Any]) -> bool:
        """Whether Airflow runs the task again after this error (see `airflow_failures`)."""
        has_tries = context["ti"].try_number <= (context["ti"].max_tries or 0)
        return has_tries and (self.retry_user_failures or is_ours(error))

    def _note_run(self, opened: services.Services, run_id: str) -> None:
        self.run_id = run_id
        self.log.info("%s is run %s of workspace %r", self.title, run_id, self.workspace_name)
        reuse = opened.registry.runs.get(run_id).details.get("reuse")
        if isinstance(reuse, dict):
            self.log.info("%s: %s", self.title, reuse.get("reason"))

    def _pipeline_run(self, opened: services.Services, context: Mapping[str, Any]) -> RunRecord:
        """Return the pipeline run that `reuse_check` has opened; without one this branch was not taken."""
        run_id = submitted_run_id(context, self.pipeline)
        if run_id is None:
            run = opened.registry.runs.find_pipeline(*dag_run_of(context), group_of(context, self.pipeline))
            if run is None:
                raise AirflowSkipException(f"{self.title} is not started: its pipeline's first task was skipped")
            run_id = run.id
        return pipelines.enter_pipeline(opened, run_id, self.step.id)

    def _after(self, opened: services.Services, context: Mapping[str, Any], pipeline_run_id: str) -> None:
        """Do what has to follow an attempt, whatever became of it."""
        close_behind_end(opened, context, pipeline_run_id, end_task_id(self._prefix))

    def _handed_on(self, _context: Mapping[str, Any]) -> Mapping[str, Json]:
        """Return what other tasks handed on by XCom, by task id; for operators written by hand."""
        return {}
