"""A run as the registry has it: what it is, its tags and properties, its metrics."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._run_filters import TYPES, kind_of
from airflow_ml.runtime.calls import MetricCalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from airflow_ml.core import _notebook_tables, _run_details
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.execution import metrics, runner_lock
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry, RunRecord, records
    from airflow_ml.runtime import metrics as logged

    #: Written here because inside the classes `list` is v1's method.
    Names: TypeAlias = "list[str]"
else:
    datetime = late("datetime")
    _notebook_tables = late("airflow_ml.core._notebook_tables")
    _run_details = late("airflow_ml.core._run_details")
    logged = late("airflow_ml.runtime.metrics")
    metrics = late("airflow_ml.execution.metrics")
    records = late("airflow_ml.registry.records")
    runner_lock = late("airflow_ml.execution.runner_lock")

__all__ = ["RecordedRun"]


class RecordedRun(MetricCalls):
    """
    A run of which the registry keeps the record; every look is a fresh one.

    What belongs to the record of a run that has ended cannot be changed any more: logging to it raises RunStateError.
    Tags, display name, description and new properties are still taken.
    """

    def __init__(self, experiment: Experiment, run_id: str, **kwargs: object) -> None:
        unknown = [name for name in kwargs if not name.startswith("_")]  # the others are v1's internal ones
        if unknown:
            raise TypeError(f"run {run_id!r}: {type(self).__name__} has no argument {unknown[0]!r}; leave it out")
        self._experiment = experiment
        self._run_id = run_id

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
    def identity(self) -> str:
        """v1's name of the object for logs: class and id."""
        return f"{type(self).__name__}#{self._run_id}"

    @property
    def experiment(self) -> Experiment:
        """The experiment that the run belongs to."""
        return self._experiment

    @property
    def name(self) -> str:
        """The step's or pipeline's name; the one that was given for others."""
        return self._record.name

    @property
    def display_name(self) -> str:
        """A name that people gave, else `name`; can be set, also after the end."""
        record = self._record
        return record.display_name or record.name

    @display_name.setter
    def display_name(self, display_name: str) -> None:
        self._registry.runs.set_display_name(self._run_id, display_name)

    @property
    def description(self) -> str | None:
        """Free text; can be set, also after the end."""
        return self._record.description

    @description.setter
    def description(self, description: str) -> None:
        self._registry.runs.set_description(self._run_id, description)

    @property
    def number(self) -> int | None:
        """Counts the runs of the experiment from 1; None for runs below another."""
        return self._record.number

    @property
    def type(self) -> str | None:
        """v1's word for the kind of run, such as `azureml.PipelineRun`; None for interactive and child runs (v1)."""
        record = self._record
        return TYPES.get(record.kind) or record.properties.get("azureml.runsource")

    @property
    def status(self) -> str:
        """v1's word of the run history: `NotStarted`, `Running`, `Completed`, `Failed`, `Canceled`, ..."""
        return self._record.status

    def get_status(self) -> str:
        """Return the status; runs of pipelines and steps say `Finished` where others say `Completed`."""
        return self.status

    def get_detailed_status(self) -> dict[str, Json]:
        """Return the status, and under `details` why the run has it where that is known, else None."""
        record = self._record
        reason = None if record.error is None else record.error.get("message")
        return {"status": self.get_status(), "details": reason}

    @property
    def portal_url(self) -> str:
        """Path of the run's page on the Airflow web server."""
        return f"/airflow-ml/workspaces/{self._experiment.workspace.name}/runs/{self._run_id}"

    def get_portal_url(self) -> str:
        """Return `portal_url`."""
        return self.portal_url

    @classmethod
    def get_docs_url(cls) -> str:
        """Return where Microsoft describes v1's class of this name."""
        return _notebook_tables.docs_url(cls.__name__)

    def get_details(self) -> dict[str, Any]:
        """
        Return what is known of the run, with v1's keys.

        `inputDatasets` and `outputDatasets` hold Dataset objects; `endTimeUtc` is there when the run has ended, and
        `error` when it failed; `submittedBy` is None, because nobody signs in; `logFiles` gives a path per log.
        """
        return _run_details.describe_run(self._experiment.workspace, self._record)

    @property
    def tags(self) -> dict[str, str]:
        """The tags; a copy."""
        return dict(self._record.tags)

    def get_tags(self) -> dict[str, str]:
        """Return the tags."""
        return self.tags

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag; one without a value is an empty text."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, str | None]) -> None:
        """Set tags; others stay."""
        texts = {str(key): "" if value is None else str(value) for key, value in tags.items()}
        self._registry.runs.set_tags(self._run_id, texts)

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

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """
        Add properties, also after the end.

        Raises:
            UserErrorException: a property of that name has another value; properties never change.
        """
        self._registry.runs.add_properties(self._run_id, {str(key): str(value) for key, value in properties.items()})

    def _log(self, kind: str, name: str, value: Any, description: str | None, step: int | None = None) -> None:
        self._append(kind, name, logged.checked(kind, name, value), description, step)

    def _append(self, kind: str, name: str, value: Json, description: str | None, step: int | None = None) -> None:
        point = records.MetricPoint(
            run_id=self._run_id,
            name=name,
            kind=kind,
            value=value,
            recorded_at=datetime.datetime.now(datetime.timezone.utc),
            step=step,
            description=description or None,
        )
        self._registry.metrics.append([point])

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """
        Return metrics by name: one value as it is, repeated ones as a list; `{}` if nothing was logged.

        Args:
            recursive: return `{run id: metrics}` for this run and all below it instead.
            run_type: with `recursive`, only runs of that type.
            populate: without effect: what v1 kept in files (confusion matrices and the like) is always given whole,
                images always by their file's name.
        """
        del populate
        return metrics.read_metrics(self._registry, self._run_id, name, recursive=recursive, kind=kind_of(run_type))

    def _summary(self) -> dict[str, str]:
        record = self._registry.runs.find(self._run_id)  # printing an object must not fail, whatever its id is
        kind = "unknown" if record is None else TYPES.get(record.kind) or record.properties.get("azureml.runsource")
        status = "unknown" if record is None else record.status
        return {"Experiment": self._experiment.name, "Id": self._run_id, "Type": str(kind), "Status": status}

    def __repr__(self) -> str:
        return "Run({})".format(",\n".join(f"{name}: {value}" for name, value in self._summary().items()))

    def _repr_html_(self) -> str:
        links = {"Details Page": self.get_portal_url(), "Docs Page": self.get_docs_url()}
        return _notebook_tables.row_of(self._summary(), links)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedRun) and self._run_id == other._run_id

    def __hash__(self) -> int:
        return hash(self._run_id)
