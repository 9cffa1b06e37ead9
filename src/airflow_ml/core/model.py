"""Registered models (`azureml.core.model`)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from airflow_ml._late import late
from airflow_ml.core._model_serving import WithoutServing, refuse_serving
from airflow_ml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
)

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data import _stores
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.execution import stores
    from airflow_ml.registry import ModelOptions, ModelRecord
    from airflow_ml.storage import transfer
else:
    stores = late("airflow_ml.execution.stores")
    _stores = late("airflow_ml.data._stores")
    transfer = late("airflow_ml.storage.transfer")

__all__ = ["Model"]

_LOCAL_FOLDER = "azureml-models"

Labels: TypeAlias = "Mapping[str, str] | Sequence[str | Sequence[str]]"
DatasetPairs: TypeAlias = "Sequence[tuple[str, AbstractDataset]]"


class Model(WithoutServing):
    """
    One version of a registered model: a file or a folder.

    Args:
        name: the newest version of that name, unless `version` or a filter says otherwise.
        id: `name:version` instead of a name.
        tags: the version must have these; `["key"]` or `[["key", "value"]]`.
        properties: the same for properties.

    Raises:
        ModelNotFoundException: nothing is registered that fits (`ModelNotFound` is in the text).
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,
        tags: Labels | None = None,
        properties: Labels | None = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: object,
    ) -> None:
        del expand
        if kwargs:
            raise UserErrorException(f"Model: unknown arguments {', '.join(sorted(kwargs))}; leave them out")
        if id is not None:
            name, _, number = id.rpartition(":")
            version = int(number) if number.isdecimal() else None
        found = [
            model
            for model in Model.list(
                workspace, name=name, tags=tags, properties=properties, run_id=run_id, model_framework=model_framework
            )
            if version is None or model.version == int(version)
        ]
        if not found or (name is None and id is not None):
            raise ModelNotFoundException(
                f"ModelNotFound: workspace {workspace.name!r} has no model with name {name!r}, version {version!r}, id "
                f"{id!r} and the other filters; register it with Model.register or run.register_model"
            )
        self._fill(workspace, found[0]._record)

    def _fill(self, workspace: Workspace, record: ModelRecord) -> None:
        self.workspace = workspace
        self._record = record

    @classmethod
    def _of(cls, workspace: Workspace, record: ModelRecord) -> Model:
        model = cls.__new__(cls)
        model._fill(workspace, record)
        return model

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
    def created_time(self) -> datetime:
        """When it was registered."""
        return self._record.created_at

    @property
    def model_framework(self) -> str | None:
        """What it was made with."""
        return self._record.framework

    @property
    def model_framework_version(self) -> str | None:
        """Its version."""
        return self._record.framework_version

    # --- finding and making -------------------------------------------------------------------------------------------

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        datasets: DatasetPairs | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: AbstractDataset | None = None,
        sample_output_dataset: AbstractDataset | None = None,
        resource_configuration: object = None,
    ) -> Model:
        """
        Copy a local file or folder to the workspace and register it as the next version of a name.

        Args:
            datasets: pairs of purpose and dataset, kept with the model.

        Raises:
            ModelPathNotFoundException: there is nothing at `model_path`.
            NotSupportedError: arguments that concern serving.
        """
        refuse_serving(
            child_paths=child_paths,
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )
        path = _store_files(workspace, Path(model_path), model_name)
        options: ModelOptions = {
            "tags": dict(tags or {}),
            "properties": dict(properties or {}),
            "description": description,
            "framework": model_framework,
            "framework_version": model_framework_version,
        }
        if datasets:
            options["details"] = {"datasets": [[use, item.ensure_saved(workspace)] for use, item in datasets]}
        record = workspace.registry().models.register(model_name, datastore=stores.ARTIFACT_STORE, path=path, **options)
        return Model._of(workspace, record)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Labels | None = None,
        properties: Labels | None = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> Models:
        """
        Return models, newest first.

        Args:
            tags: only such as have them; `["key"]` or `[["key", "value"]]`.
            properties: the same for properties.
            latest: only the newest version of each name.
            dataset_id: only such as were registered with that dataset.
            expand: has no effect: records are always whole.
            page_count: has no effect: there are no pages.
        """
        del expand, page_count
        records = workspace.registry().models.list(
            name=name, tags=_labels(tags), properties=_labels(properties), run_id=run_id, latest=latest
        )
        return [
            Model._of(workspace, record)
            for record in records
            if model_framework in (None, record.framework) and dataset_id in (None, *_dataset_ids(record))
        ]

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Workspace | None = None) -> str:
        """
        Return a local path of a registered model; downloaded below `azureml-models` if it is not there.

        Args:
            _workspace: needed outside of a run.

        Raises:
            ModelNotFoundException: no workspace, or no such model.
        """
        if _workspace is None:
            raise ModelNotFoundException(
                f"model {model_name!r}: outside of a run the workspace must be named; pass _workspace=, or use "
                "Model(workspace, name).download()"
            )
        model = Model(_workspace, name=model_name, version=version)
        return model.download(str(Path(_LOCAL_FOLDER) / model.name / str(model.version)), exist_ok=True)

    # --- using and changing -------------------------------------------------------------------------------------------

    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None) -> str:
        """
        Copy the file or folder below a local folder and return its path there.

        Args:
            exist_ok: replace what is there.
            exists_ok: v1's older name of the same.

        Raises:
            UserErrorException: it is there, and may not be replaced.
            ModelPathNotFoundException: the model's files are gone from the datastore.
        """
        name = self._record.path.rstrip("/").rpartition("/")[2]
        target = Path(target_dir).absolute() / name
        if target.exists() and not (exist_ok or exists_ok):
            raise UserErrorException(f"model {self.id!r}: {str(target)!r} is there; pass exist_ok=True to replace it")
        store = _stores.store_named(self.workspace, self._record.datastore)
        if store.exists(self._record.path):
            store.get(self._record.path, target)
        elif transfer.get_tree(store, self._record.path, target) == 0:
            raise ModelPathNotFoundException(
                f"model {self.id!r}: nothing at {self._record.path!r} on datastore {self._record.datastore!r}; "
                "register it again"
            )
        return str(target)

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags; one that is there gets the new value."""
        self._set_tags({**self._record.tags, **tags})

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags of these keys."""
        self._set_tags({key: value for key, value in self._record.tags.items() if key not in tags})

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties; one that is there keeps its value."""
        models = self.workspace.registry().models
        self._record = models.add_properties(self.name, self.version, dict(properties))

    def update_tags_properties(
        self,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, str] | None = None,
    ) -> None:
        """Do the three at once."""
        if add_tags:
            self.add_tags(add_tags)
        if remove_tags:
            self.remove_tags(remove_tags)
        if add_properties:
            self.add_properties(add_properties)

    def update(
        self,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        sample_input_dataset: AbstractDataset | None = None,
        sample_output_dataset: AbstractDataset | None = None,
        resource_configuration: object = None,
    ) -> None:
        """
        Replace the tags.

        Raises:
            NotSupportedError: arguments that concern serving, or a description, which cannot be changed yet.
        """
        refuse_serving(
            description=description,
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )
        if tags is not None:
            self._set_tags(tags)

    def delete(self) -> None:
        """Forget this version; its files stay, and its number is not given out again."""
        self.workspace.registry().models.remove(self.name, self.version)

    def serialize(self) -> dict[str, object]:
        """Return what is known of the model."""
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "tags": self.tags,
            "properties": self.properties,
            "framework": self.model_framework,
            "frameworkVersion": self.model_framework_version,
            "runId": self.run_id,
            "createdTime": self.created_time.isoformat(),
        }

    def _set_tags(self, tags: Mapping[str, str]) -> None:
        self._record = self.workspace.registry().models.set_tags(self.name, self.version, dict(tags))

    def __repr__(self) -> str:
        return f"Model(workspace={self.workspace.name!r}, name={self.name!r}, id={self.id!r}, version={self.version!r})"


#: Written here because inside the class `list` is v1's method.
Models: TypeAlias = "list[Model]"


def _store_files(workspace: Workspace, source: Path, model_name: str) -> str:
    if not source.exists():
        raise ModelPathNotFoundException(
            f"model {model_name!r}: nothing at {str(source)!r}; give the path of a file or folder"
        )
    store = _stores.store_named(workspace, stores.ARTIFACT_STORE)
    path = f"models/{model_name}/{uuid.uuid4()}/{source.absolute().name}"
    if source.is_dir():
        transfer.put_tree(store, source, path)
    else:
        transfer.put_file(store, source, path)
    return path


def _labels(labels: Labels | None) -> dict[str, str | None] | None:
    """Return v1's lists of keys and pairs as a mapping; None as a value asks for the key alone."""
    if labels is None:
        return None
    if isinstance(labels, Mapping):
        return dict(labels)
    wanted: dict[str, str | None] = {}
    for label in labels:
        key, *value = [label] if isinstance(label, str) else list(label)
        wanted[key] = value[0] if value else None
    return wanted


def _dataset_ids(record: ModelRecord) -> list[object]:
    pairs = record.details.get("datasets")
    return [pair[1] for pair in pairs if isinstance(pair, list)] if isinstance(pairs, list) else []
