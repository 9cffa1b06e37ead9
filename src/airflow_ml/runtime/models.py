"""`Model` inside a step: registered models and their files, by way of the operator."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import ModelNotFoundException, ModelPathNotFoundException, UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.artifacts import offered
from airflow_ml.runtime.unavailable import WorkspaceSide, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any, List

    from airflow_ml.runtime import datasets
    from airflow_ml.runtime import run as runs
    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.datasets import AbstractDataset, FileDataset, TabularDataset
    from airflow_ml.runtime.messages import ModelRecord
    from airflow_ml.runtime.workspace import Workspace
else:
    datasets = late("airflow_ml.runtime.datasets")
    runs = late("airflow_ml.runtime.run")

__all__ = ["Model", "register"]


class _Framework:
    """v1's words for what a model was made with."""

    CUSTOM = "Custom"
    MULTI = "Multi"
    ONNX = "Onnx"
    PYTORCH = "PyTorch"
    SCIKITLEARN = "ScikitLearn"
    TENSORFLOW = "TensorFlow"
    TFKERAS = "TfKeras"


class Model(WorkspaceSide):
    """
    A registered model: the newest version that has all that is asked for.

    Args:
        id: `name:version`.
        tags: keys, or `[key, value]` pairs, that it must have; likewise properties.
        expand: not used: a record is always whole.

    Attributes:
        version: an int, counted from 1 per name.

    Raises:
        ModelNotFoundException: none is registered.
    """

    Framework = _Framework

    _elsewhere = (
        "add_dataset_references",
        "delete",
        "deploy",
        "deserialize",
        "get_sas_urls",
        "package",
        "print_configuration",
        "profile",
    )

    def __init__(
        self,
        workspace: Workspace,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - v1's name
        tags: Any = None,
        properties: Any = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **kwargs: Any,
    ) -> None:
        if id is not None and name is None:
            name, _, number = id.partition(":")
            version = int(number) if number else version
        self.workspace = workspace
        context = contexts.required("Model")
        if name is not None and not (tags or properties or run_id or model_framework):
            self._take(context.request("model.get", name=name, version=version))
            return
        found = Model.list(workspace, name, tags, properties, run_id, model_framework=model_framework)
        fitting = [model for model in found if version is None or model.version == int(version)]
        if not fitting:
            raise ModelNotFoundException(
                f"ModelNotFound: no model is registered with name {name!r}, version {version!r}, tags {tags!r}, "
                f"properties {properties!r}, run {run_id!r}, framework {model_framework!r}; "
                "register one, or ask for less"
            )
        self._take(fitting[0]._record)

    @classmethod
    def _of(cls, workspace: Workspace | None, record: ModelRecord) -> Model:
        model = cls.__new__(cls)
        model.workspace = workspace  # type: ignore[assignment]  # a model that a run has registered needs none
        model._take(record)
        return model

    def _take(self, record: ModelRecord) -> None:
        self._record = record
        self.id = record["id"]
        self.name = record["name"]
        self.version = record["version"]
        self.description = record.get("description")
        self.tags = dict(record.get("tags") or {})
        self.properties = dict(record.get("properties") or {})
        self.model_framework = record.get("framework")
        self.model_framework_version = record.get("framework_version")
        self.run_id = record.get("run_id")

    @property
    def created_time(self) -> datetime | None:
        """When it was registered, in UTC; scripts take the newest by it."""
        from datetime import datetime

        text = self._record.get("created_at")
        return None if text is None else datetime.fromisoformat(text)

    @property
    def datasets(self) -> dict[str, List[FileDataset | TabularDataset]]:
        """The datasets that it was registered with, by their purpose."""
        found: dict[str, List[FileDataset | TabularDataset]] = {}
        for purpose, dataset_id in self._record.get("datasets") or ():
            found.setdefault(purpose, []).append(datasets.Dataset.get_by_id(self.workspace, dataset_id))
        return found

    @property
    def run(self) -> runs.Run | None:
        """The run that registered it, if one did."""
        return None if self.run_id is None else runs.Run(None, self.run_id)

    def __repr__(self) -> str:
        return f"Model(name={self.name!r}, version={self.version!r})"

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Workspace | None = None) -> str:
        """
        Return the local path of a registered model's file or folder; of the newest version by default.

        Outside a step it looks below `azureml-models/<name>/<version>` in the working directory, as v1 does.

        Raises:
            ModelNotFoundException: the name or version is not registered.
        """
        context = contexts.current()
        if context is None:
            return _local_path(model_name, version)
        path: str = context.request("model.path", name=model_name, version=version)["path"]
        return path

    @staticmethod
    def register(
        workspace: Workspace,
        model_path: str,
        model_name: str,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        datasets: Sequence[tuple[str, AbstractDataset]] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: AbstractDataset | None = None,
        sample_output_dataset: AbstractDataset | None = None,
        resource_configuration: object = None,
    ) -> Model:
        """
        Register a local file or folder as a new version.

        Args:
            datasets: pairs of purpose and dataset, kept with the model.

        Raises:
            ModelPathNotFoundException: there is nothing at model_path.
            NotSupportedError: arguments that concern serving are given.
        """
        refuse(
            f"model {model_name!r}",
            child_paths=child_paths,
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )
        if not os.path.exists(model_path):
            raise ModelPathNotFoundException(f"model path {model_path!r}: not there; working directory {os.getcwd()!r}")
        context = contexts.required("Model.register")
        model = register(
            context,
            model_name,
            offered(context, model_path),
            tags=tags,
            properties=properties,
            framework=model_framework,
            framework_version=model_framework_version,
            description=description,
            datasets=datasets,
        )
        model.workspace = workspace
        return model

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> List[Model]:
        """
        Return the registered models, newest first, that have all of what is given.

        Args:
            tags: keys, or `[key, value]` pairs; likewise properties.
            latest: only the newest version of each name.
            dataset_id: of one of the datasets that the model was registered with.
            expand: not used, like `page_count`: records are whole, and there are no pages.
        """
        params = {"name": name, "run_id": run_id, "latest": latest, "dataset_id": dataset_id}
        records = contexts.required("Model.list").request("model.list", **params)
        found = [Model._of(workspace, record) for record in records]
        return [
            model
            for model in found
            if model_framework in (None, model.model_framework)
            and _has(model.tags, tags)
            and _has(model.properties, properties)
        ]

    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: bool | None = None) -> str:
        """
        Copy the model's file or folder into target_dir and return its path there.

        Raises:
            UserErrorException: it exists there, and exist_ok is false.
        """
        import shutil  # costs 5 ms, and only downloads need it

        source = Model.get_model_path(self.name, self.version)
        target = os.path.join(target_dir, os.path.basename(source.rstrip("/")))
        if os.path.lexists(target) and not (exist_ok or exists_ok):
            raise UserErrorException(f"model {self.name!r}: {target!r} exists; give exist_ok=True to write over it")
        os.makedirs(target_dir, exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
        return target

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags; one that is there gets the new value."""
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags: Iterable[str]) -> None:
        """Remove the tags of these keys."""
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties; raises if one is there with another value (v1 rule)."""
        self.update_tags_properties(add_properties=properties)

    def update_tags_properties(
        self,
        add_tags: Mapping[str, str] | None = None,
        remove_tags: Iterable[str] | None = None,
        add_properties: Mapping[str, str] | None = None,
    ) -> None:
        """Do the three at once."""
        tags = {**self.tags, **_texts(add_tags)}
        for key in remove_tags or ():
            tags.pop(key, None)
        self._change(tags=tags, add_properties=_texts(add_properties))

    def update(
        self,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        sample_input_dataset: AbstractDataset | None = None,
        sample_output_dataset: AbstractDataset | None = None,
        resource_configuration: object = None,
    ) -> None:
        """
        Put other tags in the place of those that are there.

        Raises:
            NotSupportedError: something other than tags is given.
        """
        refuse(
            f"model {self.id!r}",
            description=description,
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )
        if tags is not None:
            self._change(tags=_texts(tags), add_properties={})

    def serialize(self) -> dict[str, Any]:
        """Return the model's record."""
        return dict(self._record)

    def _change(self, **changes: Any) -> None:
        context = contexts.required("Model.update")
        self._take(context.request("model.update", name=self.name, version=self.version, **changes))


def register(context: Context, name: str, path: str, **described: Any) -> Model:
    """
    Register what lies at a path inside the run directory; the rest is as in `model.register`.

    Values of tags and properties become text, because scripts give metrics for them.
    """
    datasets = [
        [purpose, {"id": data.id, "definition": data.definition}] for purpose, data in described["datasets"] or ()
    ]
    labels = {key: _texts(described[key]) for key in ("tags", "properties")}
    record: ModelRecord = context.request(
        "model.register", name=name, path=path, **{**described, **labels, "datasets": datasets}
    )
    return Model._of(None, record)


def _texts(labels: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): "" if value is None else str(value) for key, value in (labels or {}).items()}


def _has(held: Mapping[str, str], wanted: Any) -> bool:
    for item in wanted or ():
        key, value = (item, None) if isinstance(item, str) else (item[0], item[1] if len(item) > 1 else None)
        if key not in held or value not in (None, held[key]):
            return False
    return True


def _local_path(name: str, version: int | None) -> str:
    root = os.path.join("azureml-models", name)
    versions = [int(entry) for entry in os.listdir(root) if entry.isdigit()] if os.path.isdir(root) else []
    wanted = version if version is not None else max(versions, default=None)
    if wanted is None or int(wanted) not in versions:
        raise ModelNotFoundException(
            f"model {name!r}, version {version or 'latest'}: this is no step, and {os.path.abspath(root)!r} has "
            f"versions {sorted(versions)}; download it there by Model(workspace, name).download()"
        )
    folder = os.path.join(root, str(wanted))
    entries = os.listdir(folder)
    return os.path.join(folder, entries[0]) if len(entries) == 1 else folder
