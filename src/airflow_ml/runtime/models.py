"""`Model` inside a step: registered models and their files, by way of the operator."""

from __future__ import annotations

import os

from airflow_ml.exceptions import ModelNotFoundException, ModelPathNotFoundException, UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.artifacts import offered
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import ModelRecord
    from airflow_ml.runtime.workspace import Workspace

__all__ = ["Model", "register"]


class Model(WorkspaceSide):
    """
    A registered model.

    Attributes:
        version: an int, counted from 1 per name.

    Raises:
        ModelNotFoundException: the name or version is not registered.
    """

    _elsewhere = ("add_dataset_references", "add_properties", "add_tags", "delete", "get_sas_urls", "update")

    def __init__(
        self,
        workspace: Workspace | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - v1's name
        tags: Any = None,
        properties: Any = None,
        version: int | None = None,
        **kwargs: Any,
    ) -> None:
        if id is not None and name is None:
            name, _, number = id.partition(":")
            version = int(number) if number else version
        if name is None:
            raise UserErrorException("Model: neither name nor id was given")
        context = contexts.required("Model")
        self._take(kwargs.get("_record") or context.request("model.get", name=name, version=version))
        self.workspace = workspace

    def _take(self, record: ModelRecord) -> None:
        self.id = record["id"]
        self.name = record["name"]
        self.version = record["version"]
        self.description = record.get("description")
        self.tags = dict(record.get("tags") or {})
        self.properties = dict(record.get("properties") or {})
        self.model_framework = record.get("framework")
        self.model_framework_version = record.get("framework_version")
        self.run_id = record.get("run_id")

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
        datasets: Any = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        **kwargs: Any,
    ) -> Model:
        """
        Register a local file or folder as a new version.

        Raises:
            ModelPathNotFoundException: there is nothing at model_path.
        """
        if not os.path.exists(model_path):
            raise ModelPathNotFoundException(f"model path {model_path!r}: not there; working directory {os.getcwd()!r}")
        context = contexts.required("Model.register")
        return register(
            context,
            model_name,
            offered(context, model_path),
            tags=tags,
            properties=properties,
            framework=model_framework,
            framework_version=model_framework_version,
            description=description,
        )

    @staticmethod
    def list(
        workspace: Workspace,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        **kwargs: Any,
    ) -> list[Model]:
        """
        Return the registered models that have the name and run id and all tags and properties.

        Args:
            tags: keys, or `[key, value]` pairs; likewise properties.
            latest: only the newest version of each name.
        """
        records: list[ModelRecord] = contexts.required("Model.list").request("model.list")
        found = [Model(workspace, record["name"], _record=record) for record in records]
        found = [model for model in found if name in (None, model.name) and run_id in (None, model.run_id)]
        found = [model for model in found if _has(model.tags, tags) and _has(model.properties, properties)]
        if latest:
            newest = {model.name: model for model in sorted(found, key=lambda model: model.version)}
            found = [model for model in found if newest[model.name] is model]
        return found

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


def register(context: Context, name: str, path: str, **described: Any) -> Model:
    """Register what lies at a path inside the run directory; the rest is as in `model.register`."""
    plain = {key: dict(value) if key in ("tags", "properties") and value else value for key, value in described.items()}
    record: ModelRecord = context.request("model.register", name=name, path=path, **plain)
    return Model(None, record["name"], _record=record)


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
