"""What is known of a registered model (see `azureml.core.model`)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.core.resource_configuration import ResourceConfiguration
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import DataReferenceSource
from airflow_ml.graph.uris import datapath_uri, parse_datapath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml import registry
    from airflow_ml.core import run as core_run
    from airflow_ml.core.run import Run
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data import abstract_dataset
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.graph.model import Json
    from airflow_ml.registry import ModelRecord
else:
    abstract_dataset = late("airflow_ml.data.abstract_dataset")
    registry = late("airflow_ml.registry")
    core_run = late("airflow_ml.core.run")

__all__ = ["RecordedModel", "dataset_ids", "record_of"]


class RecordedModel:
    """
    One version of a model, as the registry has it.

    Attributes:
        workspace: that the model belongs to.
        mime_type: v1's word for files.
        unpack: False: files lie as they were registered.
    """

    workspace: Workspace
    mime_type = "application/x-python"
    unpack = False

    _record: ModelRecord

    @property
    def id(self) -> str:
        """`name:version`."""
        return self._record.id

    @property
    def name(self) -> str:
        """The name it is registered under."""
        return self._record.name

    @property
    def version(self) -> int:
        """Counted from 1."""
        return self._record.version

    @property
    def description(self) -> str | None:
        """What was said about it."""
        return self._record.description

    @property
    def tags(self) -> dict[str, str]:
        """Its tags; a copy."""
        return dict(self._record.tags)

    @property
    def properties(self) -> dict[str, str]:
        """Its properties, which are never changed; a copy."""
        return dict(self._record.properties)

    @property
    def run_id(self) -> str | None:
        """The run that registered it, if one did."""
        return self._record.run_id

    @property
    def run(self) -> Run | None:
        """The run that registered it, if one did."""
        return None if self.run_id is None else core_run.Run.get(self.workspace, self.run_id)

    @property
    def experiment_name(self) -> str | None:
        """The experiment of that run."""
        return None if self.run_id is None else self.workspace.registry().runs.get(self.run_id).experiment

    @property
    def created_time(self) -> datetime:
        """When it was registered."""
        return self._record.created_at

    @property
    def created_by(self) -> None:
        """Always None: workspaces know no people."""
        return

    @property
    def model_framework(self) -> str | None:
        """What it was made with."""
        return self._record.framework

    @property
    def model_framework_version(self) -> str | None:
        """Its version."""
        return self._record.framework_version

    @property
    def url(self) -> str:
        """Where its files lie: `datastore://name/path`."""
        return datapath_uri(DataReferenceSource(self._record.datastore, self._record.path))

    @property
    def datasets(self) -> dict[str, list[AbstractDataset]]:
        """The datasets that were named with it, by purpose."""
        found: dict[str, list[AbstractDataset]] = {}
        for use, dataset_id in _pairs(self._record):
            found.setdefault(use, []).append(self._dataset(dataset_id))
        return found

    @property
    def sample_input_dataset(self) -> AbstractDataset | None:
        """A sample of what the model takes."""
        return self._sample("sample_input_dataset")

    @property
    def sample_output_dataset(self) -> AbstractDataset | None:
        """A sample of what the model gives."""
        return self._sample("sample_output_dataset")

    @property
    def resource_configuration(self) -> ResourceConfiguration | None:
        """What a served model would need; kept and shown."""
        numbers = self._record.details.get("resource_configuration")
        return ResourceConfiguration.deserialize(numbers) if isinstance(numbers, dict) else None

    def _sample(self, name: str) -> AbstractDataset | None:
        dataset_id = self._record.details.get(name)
        return self._dataset(dataset_id) if isinstance(dataset_id, str) else None

    def _dataset(self, dataset_id: str) -> AbstractDataset:
        return abstract_dataset.AbstractDataset.get_by_id(self.workspace, dataset_id)

    def serialize(self) -> dict[str, Json]:
        """Return what is known of the model, with v1's keys."""
        details = self._record.details
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "createdTime": self.created_time.isoformat(),
            "createdBy": None,
            "mimeType": self.mime_type,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "tags": dict(self.tags),
            "properties": dict(self.properties),
            "unpack": self.unpack,
            "url": self.url,
            "experimentName": self.experiment_name,
            "runId": self.run_id,
            "datasets": [{"name": use, "id": dataset_id} for use, dataset_id in _pairs(self._record)],
            "resourceConfiguration": details.get("resource_configuration"),
            "sampleInputDatasetId": details.get("sample_input_dataset"),
            "sampleOutputDatasetId": details.get("sample_output_dataset"),
        }

    def __repr__(self) -> str:
        return (
            f"Model(workspace={self.workspace!r}, name={self.name}, id={self.id}, version={self.version}, "
            f"tags={self.tags}, properties={self.properties})"
        )


def dataset_ids(record: ModelRecord) -> list[str]:
    """Return the ids of the datasets that were named with a model."""
    return [dataset_id for _use, dataset_id in _pairs(record)]


def _pairs(record: ModelRecord) -> list[tuple[str, str]]:
    pairs = record.details.get("datasets")
    if not isinstance(pairs, list):
        return []
    return [(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list)]


def record_of(payload: Mapping[str, Json]) -> ModelRecord:
    """Return the record that `RecordedModel.serialize` wrote; raises UserErrorException for anything else."""
    try:
        source = parse_datapath(str(payload["url"]), where="model")
        tags, properties, datasets = payload["tags"], payload["properties"], payload["datasets"]
        return registry.ModelRecord(
            id=str(payload["id"]),
            name=str(payload["name"]),
            version=int(str(payload["version"])),
            datastore=source.datastore,
            path=source.path,
            created_at=datetime.fromisoformat(str(payload["createdTime"])),
            run_id=_text(payload["runId"]),
            description=_text(payload["description"]),
            tags=_texts(tags),
            properties=_texts(properties),
            framework=_text(payload["framework"]),
            framework_version=_text(payload["frameworkVersion"]),
            details={
                "datasets": [
                    [item["name"], item["id"]]
                    for item in (datasets if isinstance(datasets, list) else [])
                    if isinstance(item, dict)
                ],
                "resource_configuration": payload["resourceConfiguration"],
                "sample_input_dataset": payload["sampleInputDatasetId"],
                "sample_output_dataset": payload["sampleOutputDatasetId"],
            },
        )
    except (KeyError, ValueError) as exc:
        raise UserErrorException(f"model: {dict(payload)!r} is not what serialize() returns ({exc})") from exc


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def _texts(values: Json) -> dict[str, str]:
    return {key: str(value) for key, value in values.items()} if isinstance(values, dict) else {}
