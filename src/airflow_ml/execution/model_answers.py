"""Answers about models: found, read, registered and changed by a running script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow_ml.exceptions import ModelPathNotFoundException
from airflow_ml.execution.stores import ARTIFACT_STORE
from airflow_ml.storage.protocol import Upload, join_path
from airflow_ml.storage.staging import stage_input

if TYPE_CHECKING:
    from airflow_ml.execution.asking import Asking, Params
    from airflow_ml.graph import Json
    from airflow_ml.registry import ModelRecord
    from airflow_ml.runtime.channel_server import Handler

__all__ = ["ModelAnswers"]


class ModelAnswers:
    """The handlers whose names begin with `model.`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._models = asking.services.registry.models

    def handlers(self) -> Mapping[str, Handler]:
        """Return one handler per method."""
        return {
            "model.get": self._get,
            "model.list": self._list,
            "model.path": self._path,
            "model.register": self._register,
            "model.update": self._update,
        }

    def _get(self, params: Params) -> dict[str, Json]:
        return _model(self._models.get(params["name"], params.get("version")))

    def _list(self, params: Params) -> list[dict[str, Json]]:
        found = self._models.list(
            name=params.get("name"), run_id=params.get("run_id"), latest=bool(params.get("latest"))
        )
        wanted = params.get("dataset_id")
        return [
            _model(record) for record in found if wanted is None or wanted in [pair[1] for pair in _datasets(record)]
        ]

    def _path(self, params: Params) -> dict[str, Json]:
        record = self._models.get(params["name"], params.get("version"))
        services = self._asking.services
        path = stage_input(
            services.store(record.datastore),
            record.path,
            self._asking.new_folder(),
            "mount",
            cache=services.home.cache,
            datastore=record.datastore,
        )
        return {"path": str(path)}

    def _register(self, params: Params) -> dict[str, Json]:
        source = self._asking.own_file(params["path"])
        if not source.exists():
            raise ModelPathNotFoundException(
                f"model {params['name']!r}: path {params['path']!r} is not there; write it before it is registered"
            )
        run_id = self._asking.own_run(params.get("run"))
        root = f"models/{self._asking.run.id}/{self._asking.next_number()}/{source.name}"
        files = sorted(item for item in source.rglob("*") if item.is_file()) if source.is_dir() else [source]
        uploads = [
            Upload(item, join_path(root, item.relative_to(source).as_posix() if source.is_dir() else ""))
            for item in files
        ]
        token = f"model-{self._asking.run.id}-{self._asking.next_number()}"
        self._asking.services.artifacts.put_files(uploads, token=token)
        datasets = [[purpose, self._dataset_id(data)] for purpose, data in params.get("datasets") or ()]
        record = self._models.register(
            params["name"],
            datastore=ARTIFACT_STORE,
            path=root,
            run_id=run_id,
            description=params.get("description"),
            tags=params.get("tags") or {},
            properties=params.get("properties") or {},
            framework=params.get("framework"),
            framework_version=params.get("framework_version"),
            details=cast("Mapping[str, Json]", {"datasets": datasets} if datasets else {}),
        )
        return _model(record)

    def _update(self, params: Params) -> dict[str, Json]:
        name, version = params["name"], int(params["version"])
        # First, because it may be refused; then nothing has changed.
        self._models.add_properties(name, version, params.get("add_properties") or {})
        return _model(self._models.set_tags(name, version, params["tags"]))

    def _dataset_id(self, data: Mapping[str, Any]) -> str:
        """Return the id of a dataset, which is saved if it has none yet."""
        return str(data.get("id") or self._asking.services.registry.datasets.save(data["definition"]))


def _datasets(record: ModelRecord) -> list[list[str]]:
    """Return the pairs of purpose and dataset id that the model was registered with."""
    return [[*pair] for pair in cast("Sequence[Sequence[str]]", record.details.get("datasets") or ())]


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
        "created_at": record.created_at.isoformat(),
        "datasets": cast("list[Json]", _datasets(record)),
    }
