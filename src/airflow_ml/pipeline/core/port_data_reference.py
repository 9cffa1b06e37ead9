"""Where one output of a finished step lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.pipeline.core.port_bindings import InputPortBinding

if TYPE_CHECKING:
    from airflow_ml.core import datastore as datastores
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data import data_reference as data_references
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.data.data_reference import DataReference
    from airflow_ml.execution import stores
    from airflow_ml.pipeline.core.run import StepRun
    from airflow_ml.registry import OutputRecord
    from airflow_ml.storage import manifests
else:
    datastores = late("airflow_ml.core.datastore")
    data_references = late("airflow_ml.data.data_reference")
    manifests = late("airflow_ml.storage.manifests")
    stores = late("airflow_ml.execution.stores")

__all__ = ["PortDataReference", "StepRunOutput"]


class PortDataReference:
    """
    Where one output of a finished step lies; made by `StepRun.get_output_data` and `PipelineRun.get_pipeline_output`.

    Args:
        context: the workspace.
        data_reference: the output's record.
    """

    def __init__(
        self, context: Workspace, pipeline_run_id: str, data_reference: OutputRecord, step_run: StepRun | None = None
    ) -> None:
        self._workspace = context
        self._pipeline_run_id = pipeline_run_id
        self._record = data_reference
        self._step_run = step_run

    @classmethod
    def of(cls, workspace: Workspace, pipeline_run_id: str, record: OutputRecord) -> PortDataReference:
        """Return the reference to a recorded output."""
        return cls(workspace, pipeline_run_id, record)

    @property
    def name(self) -> str:
        """The output's name."""
        return self._record.name

    @property
    def datastore_name(self) -> str:
        """Name of the datastore."""
        return self._record.datastore

    @property
    def datastore(self) -> AbstractDatastore:
        """The datastore."""
        return datastores.Datastore.get(self._workspace, self._record.datastore)

    @property
    def path_on_datastore(self) -> str:
        """Path of the file or folder on the datastore."""
        return self._record.path

    @property
    def _path_on_datastore(self) -> str:
        """The same; public notebooks read it under this name."""
        return self._record.path

    def download(self, local_path: str, overwrite: bool | None = None, show_progress: bool | None = None) -> int:
        """
        Copy the output to this machine, below `local_path` with its whole path on the datastore (v1 behaviour).

        Args:
            overwrite: replace files that are there; they are left alone otherwise.
            show_progress: without effect.

        Returns:
            How many files were copied.

        Raises:
            UserErrorException: the output was deleted from the datastore.
        """
        registry = self._workspace.registry()
        store = stores.Stores(registry)(self._record.datastore)
        manifest = manifests.read_manifest_at(store, self._record.manifest_path)
        if manifest is None:
            raise UserErrorException(
                f"output {self.name!r} is gone from datastore {self._record.datastore!r}; run its step again"
            )
        count = 0
        for file in manifest.files:
            location = manifest.location(file)
            target = Path(local_path, location)
            if overwrite or not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                store.get(location, target)
                count += 1
        return count

    def as_download(
        self, input_name: str | None = None, path_on_compute: str | None = None, overwrite: bool | None = None
    ) -> InputPortBinding:
        """Return the output as an input of a new step, as a private copy."""
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)

    def as_mount(self, input_name: str | None = None) -> InputPortBinding:
        """Return the output as an input of a new step, read-only."""
        return self.create_input_binding(input_name, "mount")

    def as_input(self, input_name: str) -> InputPortBinding:
        """Return the output as an input of a new step."""
        return self.create_input_binding(input_name)

    def create_input_binding(
        self,
        input_name: str | None = None,
        mode: str | None = None,
        path_on_compute: str | None = None,
        overwrite: bool | None = None,
    ) -> InputPortBinding:
        """Return the output as an input of a new step, the general form."""
        return InputPortBinding(
            name=input_name or self.name,
            bind_object=self._as_data_reference(),
            bind_mode=mode or "mount",
            path_on_compute=path_on_compute,
            overwrite=overwrite,
        )

    def __repr__(self) -> str:
        return (
            f"PortDataReference(name={self.name!r}, datastore={self.datastore_name!r}, path={self.path_on_datastore!r})"
        )

    def _as_data_reference(self) -> DataReference:
        reference: DataReference = data_references.DataReference(
            self.datastore, data_reference_name=self.name, path_on_datastore=self.path_on_datastore
        )
        return reference


class StepRunOutput:
    """
    One committed output of a step's run; made by `StepRun.get_output` and `get_outputs`.

    Attributes:
        context: the workspace.
        step_output: the output's record.
    """

    def __init__(
        self, context: Workspace, pipeline_run_id: str, step_run: StepRun, name: str, step_output: OutputRecord
    ) -> None:
        self.context = context
        self.pipeline_run_id = pipeline_run_id
        self.step_run = step_run
        self.name = name
        self.step_output = step_output

    def get_port_data_reference(self) -> PortDataReference:
        """Return where the output lies."""
        return PortDataReference(self.context, self.pipeline_run_id, self.step_output, self.step_run)

    def __repr__(self) -> str:
        return f"StepRunOutput(name={self.name!r}, path={self.step_output.path!r})"
