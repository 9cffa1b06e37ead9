"""The record of a run as a script reads and changes it: ids, tags, properties, metrics, status."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.calls import ReportingCalls
from airflow_ml.runtime.metrics import checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.runtime import datasets
    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import RunRecord
else:
    datasets = late("airflow_ml.runtime.datasets")

__all__ = ["RecordedRun", "kind_of"]

#: v1's words for the kinds of runs that have one.
_TYPES = {"pipeline": "azureml.PipelineRun", "step": "azureml.StepRun", "script": "azureml.scriptrun"}


class RecordedRun(ReportingCalls):
    """
    A run of which the operator keeps the record.

    Changes go to the operator as events; what this step has reported itself is seen at once, other changes of the
    record as of the first look.
    """

    def __init__(self, context: Context, run_id: str, record: RunRecord | None) -> None:
        self._context = context
        self._id = run_id
        self._known = record

    @property
    def _record(self) -> RunRecord:
        if self._known is None:
            self._known = self._context.request("run.get", id=self._id)
        return self._known

    def _log(self, kind: str, name: str, value: Any, description: str | None, step: int | None = None) -> None:
        plain = checked(kind, name, value)
        self._mark("metric", kind=kind, name=name, value=plain, step=step, description=description or None)

    def _mark(self, event: str, **fields: Any) -> None:
        if event == "property":
            held = self._properties().get(fields["key"])
            if held not in (None, fields["value"]):
                raise UserErrorException(
                    f"run {self.id!r}: property {fields['key']!r} is {held!r} and cannot become {fields['value']!r}; "
                    "use a tag for what changes"
                )
        self._context.events.write(self._id, event, **fields)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._id

    @property
    def _run_id(self) -> str:
        """The same as `id`; public scripts read it."""
        return self._id

    @property
    def identity(self) -> str:
        """The same as `id`."""
        return self._id

    @property
    def name(self) -> str | None:
        """The step's or pipeline's name."""
        return self._record["name"]

    @property
    def number(self) -> int | None:
        """The run's number in its experiment; None for runs below a pipeline's."""
        return self._record["number"]

    @property
    def type(self) -> str | None:
        """v1's word for the kind of run, such as `azureml.StepRun`; None for child runs, as in v1."""
        return _TYPES.get(self._record["kind"]) or self._record["properties"].get("azureml.runsource")

    @property
    def status(self) -> str:
        """The same as `get_status()`."""
        return self.get_status()

    @property
    def tags(self) -> dict[str, str]:
        """The tags as of the first look at the run, those set by this step included."""
        return self._tags()

    @property
    def properties(self) -> dict[str, str]:
        """The properties as of the first look at the run, those added by this step included."""
        return self._properties()

    @property
    def display_name(self) -> str | None:
        """The name that pages show; setting it changes the run's record."""
        return self._last("display_name") or self._record.get("display_name") or self.name

    @display_name.setter
    def display_name(self, value: str) -> None:
        self._mark("display_name", value=str(value))

    @property
    def description(self) -> str | None:
        """Free text; setting it changes the run's record."""
        return self._last("description") or self._record.get("description")

    @description.setter
    def description(self, value: str) -> None:
        self._mark("description", value=str(value))

    def get_status(self) -> str:
        """Return the status now, in the words of run history (Running, Completed, Failed, ...)."""
        record: RunRecord = self._context.request("run.get", id=self._id)
        return record["status"]

    def get_detailed_status(self) -> dict[str, Any]:
        """Return the status with the error, if there is one."""
        record: RunRecord = self._context.request("run.get", id=self._id)
        return {"status": record["status"], "error": record.get("error")}

    def get_snapshot_id(self) -> str | None:
        """Return the id of the source directory that was captured for the run."""
        return self._properties().get("ContentSnapshotId")

    @property
    def portal_url(self) -> str:
        """Path of the run's page on the Airflow web server."""
        return f"/airflow-ml/workspaces/{self._context.data['workspace']['name']}/runs/{self._id}"

    def get_portal_url(self) -> str:
        """Return `portal_url`."""
        return self.portal_url

    def get_tags(self) -> dict[str, str]:
        """Return the tags of now, those set by this step included."""
        self._look_again()
        return self._tags()

    def get_properties(self) -> dict[str, str]:
        """Return the properties of now, those added by this step included."""
        self._look_again()
        return self._properties()

    def _look_again(self) -> None:
        self._known = None

    def _tags(self) -> dict[str, str]:
        tags: dict[str, str] = dict(self._record["tags"])
        for event in self._context.journal(self._id):
            if event["event"] == "tag":
                tags[event["key"]] = event["value"] or ""
            elif event["event"] == "remove_tags":
                for key in event["keys"]:
                    tags.pop(key, None)
        return tags

    def _properties(self) -> dict[str, str]:
        properties = dict(self._record["properties"])
        for event in self._context.journal(self._id):
            if event["event"] == "property":
                properties[event["key"]] = event["value"]
        return properties

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """
        Return metrics by name: a scalar logged once as the value, logged again as a list.

        Args:
            name: of one metric.
            recursive: give `{run id: metrics}` for this run and all below it instead.
            run_type: not used: a step's runs are of one type.
            populate: not used: images are always given by their artifact's name.
        """
        params = {"id": self._id, "name": name, "recursive": recursive}
        metrics: dict[str, Any] = self._context.request("run.metrics", **params)
        return metrics

    def get_details(self) -> dict[str, Any]:
        """Return the run's record under v1's keys (runId, status, startTimeUtc, properties, inputDatasets, ...)."""
        record: RunRecord = self._context.request("run.get", id=self._id)
        return {
            "runId": record["id"],
            "target": record.get("target"),
            "status": record["status"],
            "startTimeUtc": record.get("started_at"),
            "endTimeUtc": record.get("ended_at"),
            "properties": self._properties(),
            "inputDatasets": self._consumed(),
            "outputDatasets": [],
            "runDefinition": {},
            "logFiles": {},
            "submittedBy": None,
            "error": record.get("error"),
            "warnings": [],
        }

    def _consumed(self) -> list[dict[str, Any]]:
        return datasets.consumed(self._context.request("run.inputs", id=self._id))

    def _last(self, event_name: str) -> str | None:
        values = [event["value"] for event in self._context.journal(self._id) if event["event"] == event_name]
        return values[-1] if values else None


def kind_of(type_name: str | None) -> str | None:
    """Return the registry's word for v1's type of run; other words as they are."""
    for kind, word in _TYPES.items():
        if word == type_name:
            return kind
    return type_name
