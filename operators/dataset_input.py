"""A task that pins a dataset for the tasks behind it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_ml._late import late
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import DatasetSource, TaskSource, dataset_uri, parse_dataset
from airflow_ml.operators._failures import airflow_failures

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import services
    from airflow_ml.graph import Json
    from airflow_ml.operators import _services
    from airflow_ml.registry import DatasetRecord
    from airflow_ml.storage import datasets
else:
    _services = late("airflow_ml.operators._services")
    datasets = late("airflow_ml.storage.datasets")

__all__ = ["DatasetInputOperator", "HandedOnDataset"]


class DatasetInputOperator(BaseOperator):
    """
    Resolves a dataset once for the whole DAG run, stages it on this machine and hands it on.

    All steps behind it read the version that was the latest when this task ran, whatever is registered meanwhile;
    on this machine they find its files in the cache. The XCom is `dataset_id`, `dataset` (`dataset://name@version`),
    `files`, `size` and `path`.

    Args:
        workspace: where the dataset is registered.
        dataset: `name`, `name@version`, `dataset://name@version`, or a dataset object. Templated when it is text.
        target_path: folder on this machine that gets a copy, for tasks that are no steps; `path` of the XCom. Without
            it `path` is None.
    """

    template_fields = ("dataset", "target_path")
    ui_color = "#eaf7e3"

    def __init__(
        self, *, workspace: Workspace, dataset: str | AbstractDataset, target_path: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.workspace_ref = workspace.ref
        self.dataset = dataset if isinstance(dataset, str) else ""
        self.target_path = target_path
        self.source = None if isinstance(dataset, str) else dataset.source

    def as_input(self, name: str) -> DatasetConsumptionConfig:
        """Return the dataset as an input of a `PythonScriptStepOperator`, mounted unless changed."""
        return DatasetConsumptionConfig(name, HandedOnDataset(self.task_id), "mount")

    def execute(self, context: Mapping[str, Any]) -> dict[str, Json]:  # noqa: ARG002 - Airflow's contract
        """Resolve and stage the dataset and return what is handed on."""
        with airflow_failures(), _services.open_services(self.workspace_ref) as opened:
            record = self._find(opened)
            resolved = datasets.resolve(record.definition, opened.store)
            path = self._stage(opened, record)
            uri = dataset_uri(DatasetSource(saved_id=record.id, name=record.name, version=str(record.version)))
            self.log.info("dataset %s: %d files", uri, len(resolved.files))
            return {
                "dataset_id": record.id,
                "dataset": uri,
                "files": len(resolved.files),
                "size": sum(file.size for file in resolved.files),
                "path": path,
            }

    def _find(self, opened: services.Services) -> DatasetRecord:
        registered = opened.registry.datasets
        source = self.source
        if source is None:
            text = self.dataset if self.dataset.startswith("dataset://") else f"dataset://{self.dataset}"
            source = parse_dataset(text, where=f"task {self.task_id!r}")
        if source.name is not None:
            return registered.by_name(source.name, "latest" if source.version == "latest" else int(source.version))
        if source.definition is not None:
            return registered.get(registered.save(source.definition))
        return registered.get(source.saved_id or "")

    def _stage(self, opened: services.Services, record: DatasetRecord) -> str | None:
        """Copy to the target, or else only bring the files into this machine's cache."""
        if self.target_path is not None:
            target = Path(self.target_path)
            if not target.is_absolute():
                raise UserErrorException(f"task {self.task_id!r}: target_path {self.target_path!r} must be absolute")
            staged = datasets.stage_dataset(record.definition, opened.store, target, "download", opened.home.cache)
            return str(staged.path)
        opened.home.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=opened.home.cache, prefix="staging-") as folder:
            datasets.stage_dataset(record.definition, opened.store, Path(folder), "mount", opened.home.cache)
        return None


class HandedOnDataset(AbstractDataset):
    """The dataset that a `DatasetInputOperator` of the same DAG resolves in the run."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self._task_id = task_id

    @property
    def source(self) -> TaskSource:  # type: ignore[override]  # known by its task alone until the run
        """The dataset as the graph holds it."""
        return TaskSource(self._task_id)
