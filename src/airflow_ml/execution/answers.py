"""
Answers to what a running script asks of its workspace over the request channel.

The script's process has no identity and needs no network: everything is done here, by the operator, and files are
handed over inside the run directory. Handlers run in threads of the operator's process.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.execution.asking import Asking, Params, dataset_json
from airflow_ml.execution.model_answers import ModelAnswers
from airflow_ml.execution.run_answers import RunAnswers
from airflow_ml.execution.services import Services
from airflow_ml.graph import DatasetSource, dataset_uri
from airflow_ml.registry import RunInputRecord, RunStateError
from airflow_ml.storage.datasets import stage_dataset
from airflow_ml.storage.heads import stage_heads
from airflow_ml.storage.protocol import Upload, normalise_path

if TYPE_CHECKING:
    from concurrent.futures import Future

    from airflow_ml.graph import Json
    from airflow_ml.registry import DatasetRecord, RunRecord
    from airflow_ml.runtime.channel_server import Handler
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Answers"]


class Answers:
    """
    The handlers for one running step: those about data here, the others in modules of their own.

    Args:
        root: as `Asking` has it.
    """

    def __init__(
        self, services: Services, run: RunRecord, directory: RunDirectory, root: Future[Path] | None = None
    ) -> None:
        self._asking = Asking(services, run, directory, root)

    def handlers(self) -> Mapping[str, Handler]:
        """Return one handler per method of the step protocol."""
        return {
            "dataset.get": self._dataset_get,
            "dataset.list": self._dataset_list,
            "dataset.register": self._dataset_register,
            "dataset.stage": self._dataset_stage,
            "dataset.unregister": self._dataset_unregister,
            "dataset.update": self._dataset_update,
            "datastore.download": self._datastore_download,
            "datastore.list": self._datastore_list,
            "datastore.upload": self._datastore_upload,
            **ModelAnswers(self._asking).handlers(),
            **RunAnswers(self._asking).handlers(),
        }

    def _dataset_get(self, params: Params) -> dict[str, Json]:
        datasets = self._asking.services.registry.datasets
        if params.get("id"):
            record = datasets.get(params["id"])
        else:
            version = params.get("version") or "latest"
            record = datasets.by_name(params["name"], version if version == "latest" else int(version))
        self._note_reference(record)
        return dataset_json(record)

    def _note_reference(self, record: DatasetRecord) -> None:
        """Keep that the script asked for a dataset by its name or id (v1's lineage); its inputs are kept already."""
        run_id, inputs = self._asking.run.id, self._asking.services.registry.inputs
        if any(item.dataset_id == record.id for item in inputs.of(run_id)):
            return
        version = "latest" if record.version is None else str(record.version)
        address = dataset_uri(DatasetSource(saved_id=record.id, name=record.name, version=version))
        reference = RunInputRecord(
            run_id,
            address or record.id,
            mode="direct",
            source="reference",
            dataset_id=record.id,
            dataset_name=record.name,
            dataset_version=record.version,
        )
        with suppress(RunStateError):  # canceled in this moment
            inputs.record(run_id, [reference])

    def _dataset_list(self, _params: Params) -> list[dict[str, Json]]:
        return [dataset_json(record) for record in self._asking.services.registry.datasets.list()]

    def _dataset_register(self, params: Params) -> dict[str, Json]:
        datasets = self._asking.services.registry.datasets
        record = datasets.register(
            params["name"],
            params["definition"],
            description=params.get("description"),
            tags=params.get("tags") or {},
            create_new_version=bool(params.get("create_new_version")),
            run_id=self._asking.run.id,
        )
        return dataset_json(record)

    def _dataset_stage(self, params: Params) -> dict[str, Json]:
        if params.get("definition") is not None:
            definition = params["definition"]
        else:
            definition = self._asking.services.registry.datasets.get(params["id"]).definition
        folder, services = self._asking.new_folder(), self._asking.services
        staged = stage_heads(definition, services.store, folder) or stage_dataset(
            definition, services.store, folder, "mount", services.home.cache
        )
        return {"root": str(staged.root), "files": list(staged.files), "definition": dict(definition)}

    def _dataset_update(self, params: Params) -> dict[str, Json]:
        record = self._asking.services.registry.datasets.update(
            params["name"],
            int(params["version"]) if params.get("version") else "latest",
            description=params.get("description"),
            tags=params.get("tags"),
        )
        return dataset_json(record)

    def _dataset_unregister(self, params: Params) -> dict[str, Json]:
        return {"count": self._asking.services.registry.datasets.unregister(params["name"])}

    def _datastore_list(self, _params: Params) -> list[dict[str, Json]]:
        return [
            {"name": record.name, "type": record.type, "is_default": record.is_default}
            for record in self._asking.services.registry.datastores.list()
        ]

    def _datastore_upload(self, params: Params) -> dict[str, Json]:
        store = self._asking.services.store(params["datastore"])
        uploads = []
        for place, target in params["files"]:
            source = self._asking.own_file(place)
            path = normalise_path(target)
            if params.get("overwrite") or not store.exists(path):
                uploads.append(Upload(source, path))
        store.put_files(uploads, token=f"upload-{self._asking.run.id}-{self._asking.next_number()}")
        return {"count": len(uploads)}

    def _datastore_download(self, params: Params) -> dict[str, Json]:
        store = self._asking.services.store(params["datastore"])
        given = params.get("prefix") or ""
        prefix = normalise_path(given) + ("/" if given.rstrip("/") and given.endswith("/") else "")
        target = Path(params["target"])
        if not target.is_absolute():
            target = Path(self._asking.directory.code, target)
        count = 0
        # v1: the prefix is compared as text, so `train` also takes `training/`; the store's path is kept below.
        for info in store.list(prefix.rpartition("/")[0]):
            place = target / info.path
            is_wanted = info.path == prefix if params.get("exact") else info.path.startswith(prefix)
            if is_wanted and (params.get("overwrite") or not place.exists()):
                place.parent.mkdir(parents=True, exist_ok=True)
                store.get(info.path, place)
                count += 1
        return {"count": count}
