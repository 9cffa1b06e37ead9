"""Runs as they are recorded (`azureml.core.run`); inside a step, `Run.get_context` is the runtime library's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_ml._late import late
from airflow_ml.core._run_details import describe_run
from airflow_ml.core._run_filters import TYPES, has, kind_of, labels, list_pages
from airflow_ml.exceptions import ActivityFailedException, ServiceException, UserErrorException
from airflow_ml.runtime import run as step_run
from airflow_ml.runtime.offline import _OfflineRun

if TYPE_CHECKING:
    from airflow_ml.core import experiment as experiments
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import metrics, runner_lock, stores
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry, RunRecord
else:
    experiments = late("airflow_ml.core.experiment")
    metrics = late("airflow_ml.execution.metrics")
    runner_lock = late("airflow_ml.execution.runner_lock")
    stores = late("airflow_ml.execution.stores")

# Runs of pipelines and steps stand above this package; which class a run has is only known when it is found.
pipeline_runs = late("airflow_ml.pipeline.core.run")

__all__ = ["Run", "_OfflineRun"]

#: Names of the classes in `pipeline_runs`, by the kind of run.
_CLASSES = {"pipeline": "PipelineRun", "step": "StepRun"}

#: Seconds between two looks at a run that is waited for.
POLL_SECONDS = 0.3

#: Written here because inside the class `list` is v1's method.
Names: TypeAlias = "list[str]"


class Run:
    """
    A recorded run of any kind.

    Args:
        experiment: that the run belongs to.
        run_id: its id; nothing is looked up before something is asked.
    """

    def __init__(self, experiment: Experiment, run_id: str, outputs: object = None, **kwargs: object) -> None:
        self._experiment = experiment
        self._run_id = run_id

    # --- finding runs -------------------------------------------------------------------------------------------------

    @classmethod
    def get_context(cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any) -> Any:
        """
        Return the run of the step that this process is, or an offline stand-in that prints what is logged.

        Raises:
            RunEnvironmentException: there is no step's run, and `allow_offline` is False.
        """
        return step_run.Run.get_context(allow_offline, used_for_context_manager, **kwargs)

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
        tags: Mapping[str, str] | str | None = None,
        properties: Mapping[str, str] | str | None = None,
        status: str | None = None,
        include_children: bool = False,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Return runs of an experiment, newest first, read page by page as they are asked for."""
        records = list_pages(
            experiment.workspace.registry(),
            experiment=experiment.name,
            kind=kind_of(type),
            status=status,
            tags=labels(tags),
            properties=labels(properties),
            include_children=include_children,
        )
        return (Run._from_record(experiment.workspace, record) for record in records)

    @staticmethod
    def _from_record(workspace: Workspace, record: RunRecord) -> Run:
        cls: type[Run] = getattr(pipeline_runs, _CLASSES[record.kind]) if record.kind in _CLASSES else Run
        return cls._of(experiments.Experiment(workspace, record.experiment), record)

    @classmethod
    def _of(cls, experiment: Experiment, record: RunRecord) -> Run:
        return cls(experiment, record.id)

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def _registry(self) -> Registry:
        return self._experiment.workspace.registry()

    @property
    def _record(self) -> RunRecord:
        """The record as it is now."""
        return runner_lock.close_if_lost(self._registry, self._registry.runs.get(self._run_id))

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run_id

    @property
    def experiment(self) -> Experiment:
        """The experiment that the run belongs to."""
        return self._experiment

    @property
    def name(self) -> str:
        """The step's or pipeline's name."""
        return self._record.name

    @property
    def display_name(self) -> str:
        """A name that people gave, else `name`; can be set."""
        record = self._record
        return record.display_name or record.name

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._registry.runs.set_display_name(self._run_id, value)

    @property
    def description(self) -> str | None:
        """Free text; can be set."""
        return self._record.description

    @description.setter
    def description(self, value: str) -> None:
        self._registry.runs.set_description(self._run_id, value)

    @property
    def number(self) -> int | None:
        """Counts the runs of the experiment from 1; None for runs below another."""
        return self._record.number

    @property
    def type(self) -> str:
        """v1's word for the kind of run."""
        return TYPES.get(self._record.kind, self._record.kind)

    @property
    def parent(self) -> Run | None:
        """The run that this one belongs to, or None."""
        parent_id = self._record.parent_id
        return None if parent_id is None else Run.get(self._experiment.workspace, parent_id)

    @property
    def status(self) -> str:
        """v1's word of the run history: `NotStarted`, `Running`, `Completed`, `Failed`, `Canceled`, ..."""
        return self._record.status

    def get_status(self) -> str:
        """Return the status; runs of pipelines and steps say `Finished` where others say `Completed`."""
        return self.status

    def get_detailed_status(self) -> dict[str, Json]:
        """Return the status with the error, if there is one."""
        record = self._record
        return {"status": record.status, "error": None if record.error is None else dict(record.error)}

    @property
    def portal_url(self) -> str:
        """Path of the run's page on the Airflow web server."""
        return f"/airflow-ml/workspaces/{self._experiment.workspace.name}/runs/{self._run_id}"

    def get_portal_url(self) -> str:
        """Return `portal_url`."""
        return self.portal_url

    # --- tags, properties, metrics ------------------------------------------------------------------------------------

    @property
    def tags(self) -> dict[str, str]:
        """The tags; a copy."""
        return dict(self._record.tags)

    def get_tags(self) -> dict[str, str]:
        """Return the tags."""
        return self.tags

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag."""
        self.set_tags({key: value or ""})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags; others stay."""
        self._registry.runs.set_tags(self._run_id, {key: str(value) for key, value in tags.items()})

    def remove_tags(self, tags: str | Names) -> Names:
        """Remove tags and return their names."""
        names = [tags] if isinstance(tags, str) else [*tags]
        self._registry.runs.remove_tags(self._run_id, names)
        return names

    @property
    def properties(self) -> dict[str, str]:
        """The properties, which never change once set; a copy."""
        return dict(self._record.properties)

    def get_properties(self) -> dict[str, str]:
        """Return the properties."""
        return self.properties

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """
        Return metrics by name: one value as it is, repeated ones as a list.

        Args:
            recursive: return `{run id: metrics}` for this run and all below it instead.
        """
        return metrics.read_metrics(self._registry, self._run_id, name, recursive=recursive)

    # --- details, files, children -------------------------------------------------------------------------------------

    def get_details(self) -> dict[str, Any]:
        """Return what is known of the run, with v1's keys."""
        return describe_run(self._registry, self._record)

    def get_snapshot_id(self) -> str | None:
        """Return the id of the captured source directory."""
        return self._record.snapshot_id

    def get_file_names(self) -> Names:
        """Return the names of the run's files."""
        return [item.name for item in self._registry.artifacts.list(self._run_id)]

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """
        Copy one file of the run to this machine.

        Args:
            output_file_path: a file, or a folder that exists; default: the file's own name in the current folder.

        Raises:
            UserErrorException: the run has no file of that name.
        """
        record = self._registry.artifacts.get(self._run_id, name)
        target = Path(output_file_path or Path(name).name)
        target = target / Path(name).name if target.is_dir() else target
        target.parent.mkdir(parents=True, exist_ok=True)
        stores.Stores(self._registry)(record.datastore).get(record.path, target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Names | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        """Copy the files whose names begin with the prefix to this machine."""
        root = Path(output_directory or ".")
        for number, name in enumerate(item for item in self.get_file_names() if item.startswith(prefix or "")):
            below = name if append_prefix else name[len(prefix or "") :].lstrip("/")
            target = root / (output_paths[number] if output_paths else below)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.download_file(name, str(target))

    def get_children(
        self,
        recursive: bool = False,
        tags: Mapping[str, str] | str | None = None,
        properties: Mapping[str, str] | str | None = None,
        type: str | None = None,
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Run]:
        """Return the runs below this one, newest first."""
        wanted_tags, wanted_properties = labels(tags) or {}, labels(properties) or {}
        for record in self._registry.runs.children(self._run_id, recursive=recursive):
            is_wanted = (
                (type is None or record.kind == kind_of(type))
                and (status is None or record.status == status)
                and has(record.tags, wanted_tags)
                and has(record.properties, wanted_properties)
            )
            if is_wanted:
                yield Run._from_record(self._experiment.workspace, record)

    # --- waiting and ending -------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Ask the run to end; a run that has ended stays as it is."""
        if not self._record.is_final:
            try:
                self._registry.runs.set_status(self._run_id, "CancelRequested")
            except ServiceException:
                if not self._record.is_final:  # otherwise it has ended in this moment
                    raise

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """
        Wait until the run has ended and return its details.

        Raises:
            ActivityFailedException: it failed, and `raise_on_error`.
        """
        while not (record := self._record).is_final:
            time.sleep(POLL_SECONDS)
        if record.status == "Failed" and raise_on_error:
            message = str((record.error or {}).get("message", "failed"))
            raise ActivityFailedException(f"run {record.id}: {message}", error_details=message)
        return self.get_details()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self._run_id == other._run_id

    def __hash__(self) -> int:
        return hash(self._run_id)

    def __repr__(self) -> str:
        return f"Run(Experiment: {self._experiment.name}, Id: {self._run_id})"
