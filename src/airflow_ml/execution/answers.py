"""
Answers to what a running script asks of its workspace over the request channel.

The script's process has no identity and needs no network: everything is done here, by the operator, and files are
handed over inside the run directory. Handlers run in threads of the operator's process.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import ModelPathNotFoundException, UserErrorException
from airflow_ml.execution.metrics import read_metrics
from airflow_ml.execution.services import Services
from airflow_ml.execution.stores import ARTIFACT_STORE
from airflow_ml.storage.datasets import stage_dataset
from airflow_ml.storage.protocol import Upload, join_path, normalise_path
from airflow_ml.storage.staging import stage_input

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import DatasetRecord, ModelRecord, RunRecord
    from airflow_ml.runtime.channel_server import Handler
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Answers"]

Params = Mapping[str, Any]


class Answers:
    """The handlers for one running step."""

    def __init__(self, services: Services, run: RunRecord, directory: RunDirectory) -> None:
        self._services = services
        self._run = run
        self._directory = directory
        self._counter = itertools.count(1)

    def handlers(self) -> Mapping[str, Handler]:
        """Return one handler per method of the step protocol."""
        return {
            "dataset.get": self._dataset_get,
            "dataset.list": self._dataset_list,
            "dataset.register": self._dataset_register,
            "dataset.stage": self._dataset_stage,
            "datastore.download": self._datastore_download,
            "datastore.list": self._datastore_list,
            "datastore.upload": self._datastore_upload,
            "model.get": self._model_get,
            "model.list": self._model_list,
            "model.path": self._model_path,
            "model.register": self._model_register,
            "run.children": self._run_children,
            "run.get": self._run_get,
            "run.metrics": self._run_metrics,
            "workspace.get": self._workspace_get,
        }

    # --- datasets ---

    def _dataset_get(self, params: Params) -> dict[str, Json]:
        if params.get("id"):
            return _dataset(self._services.registry.datasets.get(params["id"]))
        version = params.get("version") or "latest"
        return _dataset(
            self._services.registry.datasets.by_name(params["name"], version if version == "latest" else int(version))
        )

    def _dataset_list(self, _params: Params) -> list[dict[str, Json]]:
        return [_dataset(record) for record in self._services.registry.datasets.list()]

    def _dataset_register(self, params: Params) -> dict[str, Json]:
        datasets = self._services.registry.datasets
        record = datasets.register(
            params["name"],
            params["definition"],
            description=params.get("description"),
            tags=params.get("tags") or {},
            create_new_version=bool(params.get("create_new_version")),
        )
        return _dataset(record)

    def _dataset_stage(self, params: Params) -> dict[str, Json]:
        if params.get("definition") is not None:
            definition = params["definition"]
        else:
            definition = self._services.registry.datasets.get(params["id"]).definition
        staged = stage_dataset(
            definition, self._services.store, self._request_folder(), "mount", self._services.home.cache
        )
        return {"root": str(staged.root), "files": list(staged.files), "definition": dict(definition)}

    # --- datastores ---

    def _datastore_list(self, _params: Params) -> list[dict[str, Json]]:
        return [
            {"name": record.name, "type": record.type, "is_default": record.is_default}
            for record in self._services.registry.datastores.list()
        ]

    def _datastore_upload(self, params: Params) -> dict[str, Json]:
        store = self._services.store(params["datastore"])
        uploads = []
        for place, target in params["files"]:
            source = self._own_file(place)
            path = normalise_path(target)
            if params.get("overwrite") or not store.exists(path):
                uploads.append(Upload(source, path))
        store.put_files(uploads, token=f"upload-{self._run.id}-{next(self._counter)}")
        return {"count": len(uploads)}

    def _datastore_download(self, params: Params) -> dict[str, Json]:
        store = self._services.store(params["datastore"])
        prefix = normalise_path(params.get("prefix") or "")
        target = Path(params["target"])
        if not target.is_absolute():
            target = Path(self._directory.code, target)
        count = 0
        # v1: the prefix is compared as text, so `train` also takes `training/`; the store's path is kept below.
        for info in store.list(prefix.rpartition("/")[0]):
            place = target / info.path
            if info.path.startswith(prefix) and (params.get("overwrite") or not place.exists()):
                place.parent.mkdir(parents=True, exist_ok=True)
                store.get(info.path, place)
                count += 1
        return {"count": count}

    # --- models ---

    def _model_get(self, params: Params) -> dict[str, Json]:
        return _model(self._services.registry.models.get(params["name"], params.get("version")))

    def _model_list(self, params: Params) -> list[dict[str, Json]]:
        return [_model(record) for record in self._services.registry.models.list(name=params.get("name"))]

    def _model_path(self, params: Params) -> dict[str, Json]:
        record = self._services.registry.models.get(params["name"], params.get("version"))
        path = stage_input(
            self._services.store(record.datastore),
            record.path,
            self._request_folder(),
            "mount",
            cache=self._services.home.cache,
            datastore=record.datastore,
        )
        return {"path": str(path)}

    def _model_register(self, params: Params) -> dict[str, Json]:
        source = self._own_file(params["path"])
        if not source.exists():
            raise ModelPathNotFoundException(
                f"model {params['name']!r}: path {params['path']!r} is not there; write it before it is registered"
            )
        root = f"models/{self._run.id}/{next(self._counter)}/{source.name}"
        files = sorted(item for item in source.rglob("*") if item.is_file()) if source.is_dir() else [source]
        uploads = [
            Upload(item, join_path(root, item.relative_to(source).as_posix() if source.is_dir() else ""))
            for item in files
        ]
        self._services.artifacts.put_files(uploads, token=f"model-{self._run.id}-{next(self._counter)}")
        record = self._services.registry.models.register(
            params["name"],
            datastore=ARTIFACT_STORE,
            path=root,
            run_id=self._run.id,
            description=params.get("description"),
            tags=params.get("tags") or {},
            properties=params.get("properties") or {},
            framework=params.get("framework"),
            framework_version=params.get("framework_version"),
        )
        return _model(record)

    # --- runs and the workspace ---

    def _run_get(self, params: Params) -> dict[str, Json]:
        return _run(self._services.registry.runs.get(params["id"]))

    def _run_metrics(self, params: Params) -> dict[str, Json]:
        name = params.get("name")
        return read_metrics(self._services.registry, params["id"], name, recursive=bool(params.get("recursive")))

    def _run_children(self, params: Params) -> list[dict[str, Json]]:
        children = self._services.registry.runs.children(params["id"], recursive=bool(params.get("recursive")))
        return [_run(run) for run in children]

    def _workspace_get(self, _params: Params) -> dict[str, Json]:
        workspace = self._services.registry.workspace
        return {
            "name": workspace.name,
            "subscription_id": workspace.subscription_id,
            "resource_group": workspace.resource_group,
            "id": workspace.id,
        }

    # --- places ---

    def _request_folder(self) -> Path:
        return Path(self._directory.requests, str(next(self._counter)))

    def _own_file(self, place: str) -> Path:
        """Refuse paths outside the run directory: a script must not make its operator read for it."""
        if not self._directory.contains(place):
            raise UserErrorException(f"path {place!r} lies outside of the step's run directory; copy it there first")
        return Path(place)


def _dataset(record: DatasetRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "definition": dict(record.definition),
        "description": record.description,
        "tags": dict(record.tags),
    }


def _model(record: ModelRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "description": record.description,
        "tags": dict(record.tags),
        "properties": dict(record.properties),
        "framework": record.framework,
        "framework_version": record.framework_version,
        "run_id": record.run_id,
    }


def _run(record: RunRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "number": record.number,
        "experiment": record.experiment,
        "experiment_id": record.experiment_id,
        "parent_id": record.parent_id,
        "root_id": record.root_id,
        "status": record.status,
        "kind": record.kind,
        "target": record.target,
        "error": None if record.error is None else dict(record.error),
        "display_name": record.display_name,
        "description": record.description,
        "tags": dict(record.tags),
        "properties": dict(record.properties),
        "started_at": None if record.started_at is None else record.started_at.isoformat(),
        "ended_at": None if record.ended_at is None else record.ended_at.isoformat(),
    }
