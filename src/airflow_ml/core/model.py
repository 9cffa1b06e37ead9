"""Registered models (`azureml.core.model`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from airflow_ml._late import late
from airflow_ml._refusals import refuse_unknown
from airflow_ml.core._model_record import RecordedModel, dataset_ids, record_of
from airflow_ml.core._model_serving import InferenceConfig, ModelPackage, WithoutServing
from airflow_ml.exceptions import ModelNotFoundException, WebserviceException

if TYPE_CHECKING:
    from airflow_ml.core import _model_details, _model_files
    from airflow_ml.core._model_details import DatasetPairs
    from airflow_ml.core.resource_configuration import ResourceConfiguration
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.execution import stores
    from airflow_ml.graph.model import Json
    from airflow_ml.registry import ModelOptions, ModelRecord
else:
    _model_details = late("airflow_ml.core._model_details")
    _model_files = late("airflow_ml.core._model_files")
    stores = late("airflow_ml.execution.stores")

__all__ = ["InferenceConfig", "Model", "ModelPackage"]

_Labels: TypeAlias = "Mapping[str, str] | Sequence[str | Sequence[str]]"


class _Framework:
    """v1's words for what a model was made with."""

    CUSTOM = "Custom"
    TENSORFLOW = "TensorFlow"
    SCIKITLEARN = "ScikitLearn"
    ONNX = "Onnx"
    TFKERAS = "TfKeras"
    PYTORCH = "PyTorch"
    MULTI = "Multi"


class Model(RecordedModel, WithoutServing):
    """
    One version of a registered model: a file or a folder.

    Args:
        name: the newest version of that name, unless `version` or a filter says otherwise.
        id: `name:version` instead of a name.
        tags: the version must have these; `["key"]` or `[["key", "value"]]`.
        properties: the same for properties.
        expand: has no effect: records are always whole.

    Raises:
        ModelNotFoundException: nothing is registered that fits (`ModelNotFound` is in the text). It is a
            WebserviceException, which is what v1 raises here.
    """

    Framework = _Framework

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,
        tags: _Labels | None = None,
        properties: _Labels | None = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: object,
    ) -> None:
        del expand
        refuse_unknown(kwargs, where="Model")
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
        resource_configuration: ResourceConfiguration | None = None,
    ) -> Model:
        """
        Copy a local file or folder to the workspace and register it as the next version of a name.

        Args:
            datasets: pairs of purpose and dataset, kept with the model.
            model_framework: such as `Model.Framework.SCIKITLEARN`.
            child_paths: only these files and folders of the folder.
            sample_input_dataset: kept with the model and shown, like the two after it.

        Raises:
            ModelPathNotFoundException: there is nothing at `model_path`, or a child path is not in it.
        """
        details = _model_details.details_of(
            workspace,
            sample_input=sample_input_dataset,
            sample_output=sample_output_dataset,
            resources=resource_configuration,
            datasets=datasets,
        )
        options: ModelOptions = {
            "tags": dict(tags or {}),
            "properties": dict(properties or {}),
            "description": description,
            "framework": model_framework,
            "framework_version": model_framework_version,
            "details": details,
        }
        path = _model_files.store(workspace, model_path, model_name, child_paths)
        record = workspace.registry().models.register(model_name, datastore=stores.ARTIFACT_STORE, path=path, **options)
        return Model._of(workspace, record)

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: _Labels | None = None,
        properties: _Labels | None = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> _Models:
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
            if model_framework in (None, record.framework) and dataset_id in (None, *dataset_ids(record))
        ]

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Workspace | None = None) -> str:
        """
        Return a local path of a registered model, in v1's order of places.

        With a workspace the newest version is looked up there and downloaded below `azureml-models`; a version that
        is named is taken from there if it was downloaded before. Without a workspace only `azureml-models` and the
        current folder are looked into.

        Args:
            _workspace: needed outside of a run.

        Raises:
            ModelNotFoundException: no such model.
            WebserviceException: the version is no number.
        """
        if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
            raise WebserviceException(f"model {model_name!r}: version is {version!r}, expected a whole number")
        if _workspace is None:
            return _model_files.find_local(model_name, version)
        if version is not None and _model_files.local_folder(model_name, version).is_dir():
            return _model_files.find_local(model_name, version)
        model = Model(_workspace, name=model_name, version=version)
        return model.download(str(_model_files.local_folder(model.name, model.version)), exist_ok=True)

    @staticmethod
    def deserialize(workspace: Workspace, model_payload: Mapping[str, Json]) -> Model:
        """
        Return a model from what `serialize` gave; nothing is looked up.

        Raises:
            UserErrorException: something else was given.
        """
        return Model._of(workspace, record_of(model_payload))

    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None) -> str:
        """
        Copy the file or folder below a local folder, under the name it was registered with; return its path there.

        Args:
            exist_ok: replace what is there.
            exists_ok: v1's older name of the same.

        Raises:
            WebserviceException: it is there, and may not be replaced.
            ModelPathNotFoundException: the model's files are gone from the datastore.
        """
        return _model_files.fetch(self.workspace, self._record, target_dir, replace=bool(exist_ok or exists_ok))

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags; one that is there gets the new value."""
        self._set_tags({**self._record.tags, **tags})

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove the tags of these keys."""
        self._set_tags({key: value for key, value in self._record.tags.items() if key not in tags})

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties; raises WebserviceException if one is there with another value (v1 rule)."""
        models = self.workspace.registry().models
        self._record = models.add_properties(self.name, self.version, dict(properties))

    def add_dataset_references(self, datasets: DatasetPairs) -> None:
        """Name further datasets with the model, in pairs of purpose and dataset."""
        known = self._record.details.get("datasets")
        pairs = [*(known if isinstance(known, list) else []), *_model_details.pairs_of(self.workspace, datasets)]
        self._change_details({"datasets": pairs})

    def update_tags_properties(
        self,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Sequence[str] | None = None,
        add_properties: Mapping[str, str] | None = None,
    ) -> None:
        """Do the three at once; nothing is changed if a property cannot be."""
        if add_properties:
            self.add_properties(add_properties)
        if add_tags:
            self.add_tags(add_tags)
        if remove_tags:
            self.remove_tags(remove_tags)

    def update(
        self,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        sample_input_dataset: AbstractDataset | None = None,
        sample_output_dataset: AbstractDataset | None = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> None:
        """Replace what is said of the model; what is None stays."""
        if tags is not None:
            self._set_tags(tags)
        if description is not None:
            models = self.workspace.registry().models
            self._record = models.set_description(self.name, self.version, description)
        details = _model_details.details_of(
            self.workspace,
            sample_input=sample_input_dataset,
            sample_output=sample_output_dataset,
            resources=resource_configuration,
        )
        if details:
            self._change_details(details)

    def delete(self) -> None:
        """Forget this version; its files stay, and its number is not given out again."""
        self.workspace.registry().models.remove(self.name, self.version)

    def _set_tags(self, tags: Mapping[str, str]) -> None:
        self._record = self.workspace.registry().models.set_tags(self.name, self.version, dict(tags))

    def _change_details(self, details: Mapping[str, Json]) -> None:
        self._record = self.workspace.registry().models.set_details(self.name, self.version, details)


#: Written here because inside the class `list` is v1's method.
_Models: TypeAlias = "list[Model]"


def _labels(labels: _Labels | None) -> dict[str, str | None] | None:
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
