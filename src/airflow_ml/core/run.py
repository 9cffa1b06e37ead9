"""Runs as they are recorded (`azureml.core.run`); inside a step, `Run.get_context` is the runtime library's."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._run_filters import fits, kind_of, labels, list_pages
from airflow_ml.core._run_life import POLL_SECONDS, LivingRun
from airflow_ml.core._submission import check_submittable
from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.offline import _OfflineRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from airflow_ml.core import _run_details, environment, script_run
    from airflow_ml.core import experiment as experiments
    from airflow_ml.core._run_filters import Labels
    from airflow_ml.core._submission import Run_co, Submittable
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.environment import Environment
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.registry import RunRecord
    from airflow_ml.runtime import own_runs as own_run
    from airflow_ml.runtime import run as step_run

    #: Written here because inside the class `list` is v1's method.
    Runs: TypeAlias = "list[Run]"
    Names: TypeAlias = "list[str]"

    #: What `add_type_provider` takes: it makes a run of its type from the experiment and the run's record.
    RunFactory: TypeAlias = Callable[[Experiment, "_TypedRecord"], "Run"]
else:
    _run_details = late("airflow_ml.core._run_details")
    environment = late("airflow_ml.core.environment")
    experiments = late("airflow_ml.core.experiment")
    script_run = late("airflow_ml.core.script_run")
    own_run = late("airflow_ml.runtime.own_runs")
    step_run = late("airflow_ml.runtime.run")

# Runs of pipelines and steps stand above this package; which class a run has is only known when it is found.
pipeline_runs = late("airflow_ml.pipeline.core.run")

__all__ = ["POLL_SECONDS", "Run", "_OfflineRun", "get_run"]

#: Modules and names of the classes, by the kind of run.
_CLASSES = {
    "pipeline": (pipeline_runs, "PipelineRun"),
    "step": (pipeline_runs, "StepRun"),
    "script": (script_run, "ScriptRun"),
}

#: What `add_type_provider` was given, by type.
_factories: dict[str, RunFactory] = {}

#: Runs of one call of `create_children` (v1), and the tag that counts them.
_MOST_CHILDREN = 100
_CHILD_NUMBER = "azureml.batch_child_number"

#: What `list_by_compute` can be asked for (v1), and what the registry calls it.
_ON_COMPUTE = {"Running": ("Preparing", "Running", "Finalizing"), "Queued": ("NotStarted", "Queued")}


class Run(LivingRun):
    """
    A recorded run of any kind.

    Args:
        experiment: that the run belongs to.
        run_id: its id; nothing is looked up before something is asked.
        outputs: a folder, or several, whose files become the run's when it is ended by this object; made if needed.
    """

    @classmethod
    def get_context(cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any) -> Any:
        """
        Return the run of the step that this process is, or an offline stand-in that prints what is logged.

        Raises:
            RunEnvironmentException: there is no step's run, and `allow_offline` is False.
        """
        return step_run.Run.get_context(allow_offline, used_for_context_manager, **kwargs)

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> Any:
        """Return the run of the step that this process is; v1's old name of `get_context(allow_offline=False)`."""
        return cls.get_context(allow_offline=False, **kwargs)

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Run:
        """
        Return any run of the workspace, as the class of its kind.

        Raises:
            UserErrorException: there is none of that id.
        """
        record = workspace.registry().runs.find(run_id)
        if record is None:
            raise UserErrorException(f"workspace {workspace.name!r} has no run {run_id!r}; correct the id")
        return Run._from_record(workspace, record)

    @staticmethod
    def list(
        experiment: Experiment,
        type: str | None = None,
        tags: Labels = None,
        properties: Labels = None,
        status: str | None = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """
        Return runs of an experiment, newest first, read page by page as they are asked for.

        Args:
            type: v1's word, such as `azureml.scriptrun` or `azureml.PipelineRun`.
            tags: a name, or names with values; the run must have all of them.
            properties: the same for properties.
            include_children: also those below other runs.
        """
        records = list_pages(
            experiment.workspace.registry(),
            experiment=experiment.name,
            kind=kind_of(type),
            status=status,
            tags=labels(tags),
            properties=labels(properties),
            include_children=include_children,
        )
        return (Run._from_record(experiment.workspace, record, _rehydrate_runs) for record in records)

    @staticmethod
    def list_by_compute(
        compute: ComputeTarget,
        type: str | None = None,
        tags: Labels = None,
        properties: Labels = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """
        Return the runs that run on a compute target or wait for it.

        Args:
            status: `Running` or `Queued` (v1's two); both unless given.

        Raises:
            UserErrorException: another status.
        """
        if status is not None and status not in _ON_COMPUTE:
            raise UserErrorException(
                f"runs of compute target {compute.name!r}: status {status!r}, expected 'Running' or 'Queued'; runs that"
                " have ended are found by Run.list or Experiment.get_runs"
            )
        words = [word for name, found in _ON_COMPUTE.items() if status in (None, name) for word in found]
        return Run._on_compute(compute, words, type=type, tags=tags, properties=properties)

    @staticmethod
    def _on_compute(compute: ComputeTarget, statuses: Sequence[str], **wanted: Any) -> Iterator[Run]:
        for status in statuses:
            for record in list_pages(compute.workspace.registry(), status=status, include_children=True):
                if record.target == compute.name and fits(record, **wanted):
                    yield Run._from_record(compute.workspace, record)

    @staticmethod
    def add_type_provider(runtype: str, run_factory: RunFactory) -> None:
        """
        Let a function make the runs of a type that v1 does not know, for lists and `Run.get`.

        Args:
            runtype: what the run's property `azureml.runsource` says.
            run_factory: called with the experiment and a record with `run_id`, `run_type`, `name`, `status`, `tags` and
                `properties`.

        Raises:
            ValueError: there is one for the type already (v1's type).
        """
        if runtype in _factories or runtype in {"azureml.PipelineRun", "azureml.StepRun", "azureml.scriptrun"}:
            raise ValueError(f"run type {runtype!r} has a factory already; use another name")
        _factories[runtype] = run_factory

    @staticmethod
    def _from_record(workspace: Workspace, record: RunRecord, _rehydrate: bool = True) -> Run:
        experiment = experiments.Experiment(workspace, record.experiment, _skip_name_validation=True)
        if not _rehydrate:
            return Run(experiment, record.id)
        source = record.properties.get("azureml.runsource", "")
        if source in _factories:
            return _factories[source](experiment, _TypedRecord(source, record))
        module, name = _CLASSES.get(record.kind, (None, ""))
        cls: type[Run] = getattr(module, name) if module is not None else Run
        return cls._of(experiment, record)

    @classmethod
    def _of(cls, experiment: Experiment, record: RunRecord) -> Run:
        return cls(experiment, record.id)

    @property
    def parent(self) -> Run | None:
        """The run that this one belongs to, or None."""
        parent_id = self._record.parent_id
        return None if parent_id is None else Run.get(self._experiment.workspace, parent_id)

    def get_children(
        self,
        recursive: bool = False,
        tags: Labels = None,
        properties: Labels = None,
        type: str | None = None,
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Return the runs below this one, newest first; right after a submit there may be none."""
        for record in self._registry.runs.children(self._run_id, recursive=recursive):
            if fits(record, tags=tags, properties=properties, type=type, status=status):
                yield Run._from_record(self._experiment.workspace, record, _rehydrate_runs)

    def child_run(
        self, name: str | None = None, run_id: str | None = None, outputs: str | Sequence[str] | None = None
    ) -> Run:
        """
        Start a run below this one; it is the caller's to end, by `complete`, `fail` or a `with` block.

        Args:
            name: shown for it; this run's unless given.
            run_id: a random one unless given.
            outputs: a folder, or several, whose files become the run's when it is ended.
        """
        child = self._create_child(self._record, name, run_id, {})
        self._registry.runs.set_status(child.id, "Running")
        return Run(self._experiment, child.id, outputs)

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[object] | None = None
    ) -> Runs:
        """
        Create runs below this one that are not started yet: as many as `count`, or one per tag value.

        With `count` each has its number as the tag `azureml.batch_child_number` (v1).

        Raises:
            UserErrorException: more than 100, or neither or both of `count` and the tags.
        """
        given = (count is not None, tag_key is not None, tag_values is not None)
        if given not in ((True, False, False), (False, True, True)):
            raise UserErrorException(
                f"run {self.id}: create_children got count {count!r}, tag_key {tag_key!r}, tag_values {tag_values!r};"
                " give either count, or both tag_key and tag_values"
            )
        values = range(count or 0) if tag_values is None else tag_values
        if len(values) > _MOST_CHILDREN:
            raise UserErrorException(
                f"run {self.id}: create_children was asked for {len(values)} runs, and one call makes at most"
                f" {_MOST_CHILDREN}; call it again for the others"
            )
        own = self._record
        records = [self._create_child(own, None, None, {tag_key or _CHILD_NUMBER: str(value)}) for value in values]
        return [Run(self._experiment, record.id) for record in records]

    def _create_child(self, own: RunRecord, name: str | None, run_id: str | None, tags: dict[str, str]) -> RunRecord:
        return self._registry.runs.create(
            own.experiment,
            name or own.name,
            kind="child",
            parent_id=own.id,
            target=own.target,
            tags=tags,
            id=run_id or "",
        )

    def submit_child(self, config: Submittable[Run_co], tags: Mapping[str, str] | None = None, **kwargs: Any) -> Run_co:
        """
        Start a script as a run below this one, and return its ScriptRun at once.

        Args:
            config: a ScriptRunConfig.
            tags: of the new run.
            kwargs: `run_id`.

        Raises:
            NotSupportedError: a pipeline, or another configuration of v1 that does not exist here.
            UserErrorException: another kind of object, or what the configuration names is not there.
        """
        check_submittable(config, where=f"run {self.id}", is_child=True)
        return config._submit_to(self._experiment, tags=tags, _parent_run_id=self.id, **kwargs)

    def get_environment(self) -> Environment:
        """
        Return the environment that the run's script was given.

        Raises:
            UserErrorException: the run has no script.
        """
        step = _run_details.step_of(self._registry, self._record)
        if step is None:
            raise UserErrorException(
                f"run {self.id}: it has no environment, because no script runs in it; a pipeline's run has one in each"
                " of its steps: run.find_step_run(name)[0].get_environment()"
            )
        definition = dict(step.environment or {})
        if definition.get("by_reference"):
            version = definition.get("version")
            return environment.Environment.get(
                self._experiment.workspace, str(definition["name"]), None if version is None else str(version)
            )
        definition.setdefault("name", "default-environment")
        return environment.Environment.from_definition(definition)

    def get_secret(self, name: str) -> str:
        """Return a secret's value; raises UserErrorException if there is none of that name. See `Keyvault`."""
        return self._experiment.workspace.get_default_keyvault().get_secret(name)

    def get_secrets(self, secrets: Names) -> dict[str, str | None]:
        """Return several secrets by name; None for those that are not there, as v1 does."""
        return self._experiment.workspace.get_default_keyvault().get_secrets(secrets)


def get_run(experiment: Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """
    Return a run of an experiment.

    Args:
        rehydrate: as the class of its kind; False gives a plain Run.
        clean_up: without effect: there is nothing to clean up.

    Raises:
        UserErrorException: the experiment has no run of that id.
    """
    del clean_up
    workspace = experiment.workspace
    record = workspace.registry().runs.find(run_id)
    if record is None or record.experiment != experiment.name:
        raise UserErrorException(f"experiment {experiment.name!r} has no run {run_id!r}; correct the id")
    return Run._from_record(workspace, record, rehydrate)


def __getattr__(name: str) -> object:
    if name == "_SubmittedRun":  # scripts ask whether their run is one
        return own_run._SubmittedRun
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _TypedRecord:
    """What a factory of `add_type_provider` is given, with v1's names."""

    def __init__(self, run_type: str, record: RunRecord) -> None:
        self.run_id = record.id
        self.run_type = run_type
        self.name = record.name
        self.status = record.status
        self.tags = dict(record.tags)
        self.properties = dict(record.properties)
        self.parent_run_id = record.parent_id
        self.root_run_id = record.root_id
