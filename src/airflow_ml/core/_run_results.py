"""What a recorded run leaves behind besides its files: logs, the snapshot of its code, models."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml._refusals import refuse_unknown
from airflow_ml.core._run_files import RunWithFiles
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pathlib
    import tempfile
    from collections.abc import Mapping
    from typing import Any

    from airflow_ml.core import _model_details, _run_details, _run_models
    from airflow_ml.core._model_details import DatasetPairs
    from airflow_ml.core._run_record import Names
    from airflow_ml.core.model import Model
    from airflow_ml.core.resource_configuration import ResourceConfiguration
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.execution import interactive, stores
    from airflow_ml.snapshots import archive
else:
    pathlib = late("pathlib")
    tempfile = late("tempfile")
    _model_details = late("airflow_ml.core._model_details")
    _run_details = late("airflow_ml.core._run_details")
    _run_models = late("airflow_ml.core._run_models")
    archive = late("airflow_ml.snapshots.archive")
    interactive = late("airflow_ml.execution.interactive")
    stores = late("airflow_ml.execution.stores")

__all__ = ["RunWithResults"]


class RunWithResults(RunWithFiles):
    """A recorded run, its logs, its code and what is registered of it."""

    def get_details_with_logs(self) -> dict[str, Any]:
        """Return `get_details()` with the text of each log in the place of its path."""
        details = self.get_details()
        details["logFiles"] = self._log_texts()
        return details

    def get_all_logs(self, destination: str | None = None) -> Names:
        """
        Write the run's logs below a folder and return their paths.

        Args:
            destination: the folder; `assets/<run id>` in the current one unless given.

        Raises:
            UserErrorException: `destination` is a file.
        """
        folder = pathlib.Path(destination or os.path.join("assets", self.id))
        if folder.exists() and not folder.is_dir():
            raise UserErrorException(f"run {self.id}: get_all_logs: {destination!r} is a file, expected a folder")
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, text in self._log_texts().items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            written.append(os.fspath(place))
        return written

    def _log_texts(self) -> dict[str, str]:
        return _run_details.read_logs(self._registry, self._record)

    def get_snapshot_id(self) -> str | None:
        """Return the id of the captured source directory; None for runs without one, such as a pipeline's."""
        return self._record.snapshot_id

    def take_snapshot(self, file_or_folder_path: str) -> str:
        """
        Keep a folder of code, or one file, with the run, and return the snapshot's id.

        Raises:
            SnapshotException: the run has a snapshot, or the folder cannot be captured; `.amlignore` leaves things out.
        """
        snapshot_id = interactive.capture_code(self._registry, pathlib.Path(file_or_folder_path))
        self._registry.runs.set_snapshot(self.id, snapshot_id)
        return snapshot_id

    def restore_snapshot(self, snapshot_id: str | None = None, path: str | None = None) -> str:
        """
        Write a snapshot as `<its id>.zip` and return the file's absolute path (v1).

        Args:
            snapshot_id: the run's own unless given.
            path: the folder; that for temporary files unless given.

        Raises:
            UserErrorException: the run has no snapshot.
            ServiceException: the snapshot is gone from the workspace's store.
        """
        wanted = snapshot_id or self.get_snapshot_id()
        if wanted is None:
            raise UserErrorException(
                f"run {self.id}: it has no snapshot to restore; runs of steps and scripts have one, a pipeline's run"
                " has one in each of its steps: run.find_step_run(name)[0].restore_snapshot()"
            )
        target = pathlib.Path(path or tempfile.gettempdir()).absolute() / f"{wanted}.zip"
        archive.write_zip(stores.Stores(self._registry).artifacts, wanted, target)
        return os.fspath(target)

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: DatasetPairs | None = None,
        sample_input_dataset: AbstractDataset | None = None,
        sample_output_dataset: AbstractDataset | None = None,
        resource_configuration: ResourceConfiguration | None = None,
        **kwargs: object,
    ) -> Model:
        """
        Register files of the run as the next version of a model; also after the end.

        Args:
            model_path: a file among the run's, or a folder of them; the model's name unless given (v1).
            datasets: pairs of purpose and dataset, kept with the model.
            sample_input_dataset: kept with the model and shown, like the two after it.

        Raises:
            ModelPathNotFoundException: the run has no file there.
            UserErrorException: another argument.
        """
        refuse_unknown(kwargs, where=f"model {model_name!r}")
        return _run_models.register_from_run(
            self,
            model_name,
            model_path or model_name,
            tags=tags,
            properties=properties,
            framework=model_framework,
            framework_version=model_framework_version,
            description=description,
            details=_model_details.details_of(
                self._experiment.workspace,
                sample_input=sample_input_dataset,
                sample_output=sample_output_dataset,
                resources=resource_configuration,
                datasets=datasets,
            ),
        )
