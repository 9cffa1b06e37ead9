"""The files of a run: uploads, downloads, and what is made of them by way of the operator."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.runtime import lean_json
from airflow_ml.runtime.artifacts import artifact_name, copy_in, files_below
from airflow_ml.runtime.metrics import DOCUMENTS, checked
from airflow_ml.runtime.run_record import RecordedRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

    from airflow_ml.runtime import downloads, images, models, run_models
    from airflow_ml.runtime.datasets import AbstractDataset
else:
    downloads = late("airflow_ml.runtime.downloads")
    images = late("airflow_ml.runtime.images")
    run_models = late("airflow_ml.runtime.run_models")

__all__ = ["RunFiles"]


class RunFiles(RecordedRun):
    """A run's artifacts; a file is copied when it is handed over, so that it may change or go afterwards."""

    def upload_file(self, name: str, path_or_stream: str | BinaryIO, datastore_name: str | None = None) -> None:
        """
        Keep a file as an artifact of the run; one of the same name is replaced.

        Args:
            name: the artifact's, such as `outputs/model.pkl`.
            path_or_stream: a path, or something opened for reading bytes.

        Raises:
            UserErrorException: the file is not there, or the name climbs out by `..`.
            NotSupportedError: a datastore is named.
        """
        if datastore_name is not None:
            raise NotSupportedError(
                f"upload of {name!r}: artifacts live in the workspace's artifact store, not in {datastore_name!r}; "
                "use Datastore.get(workspace, name).upload_files(...)"
            )
        self._keep(artifact_name(name), copy_in(self._context, path_or_stream))

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str],
        return_artifacts: bool = False,
        timeout_seconds: float | None = None,
        datastore_name: str | None = None,
    ) -> dict[str, str] | None:
        """
        Keep several files as artifacts.

        Args:
            return_artifacts: return the artifact's name by the name that was given.
            timeout_seconds: not used: files are copied on this machine.

        Raises:
            UserErrorException: there are not as many names as paths, or as for `upload_file`.
        """
        if len(names) != len(paths):
            raise UserErrorException(f"upload_files: {len(names)} names and {len(paths)} paths, expected as many")
        for name, path in zip(names, paths):
            self.upload_file(name, path, datastore_name)
        return {name: artifact_name(name) for name in names} if return_artifacts else None

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> None:
        """Keep every file below a folder as the artifact `name/<path in the folder>`; raises as `upload_file`."""
        for file, relative in files_below(path):
            self.upload_file(f"{name}/{relative}", file, datastore_name)

    def get_file_names(self) -> list[str]:
        """
        Return the run's artifacts, those that this step has uploaded included.

        What lies in this step's `./outputs` and `./logs` is collected when the script ends.
        """
        return list(dict.fromkeys([*self._recorded_names(), *self._kept()]))

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """
        Copy an artifact of the run.

        Args:
            output_file_path: the target, or a folder for it; the artifact's file name in the working directory
                otherwise.

        Raises:
            UserErrorException: there is no such artifact.
        """
        self._copy_out(artifact_name(name), downloads.download_target(name, output_file_path))

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Sequence[str] | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: float | None = None,
    ) -> None:
        """
        Copy the artifacts of one folder of the run, or all of them.

        Args:
            prefix: a folder among the artifacts (v1: `log` does not take `logs/a`); or one of them, whose path
                stays whole.
            output_directory: put before every path; the working directory otherwise.
            output_paths: one for each artifact; not used when there are not as many different ones (v1).
            batch_size: not used, like `timeout_seconds`: files are copied one after the other.
            append_prefix: False leaves the prefix out of the paths; only without output_paths (v1).
        """
        found = downloads.download_targets(
            self.get_file_names(), prefix, output_directory, output_paths, append_prefix=append_prefix
        )
        for name, target in found:
            self._copy_out(name, target)

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Sequence[tuple[str, AbstractDataset]] | None = None,
        sample_input_dataset: AbstractDataset | None = None,
        sample_output_dataset: AbstractDataset | None = None,
        resource_configuration: object = None,
        **kwargs: Any,
    ) -> models.Model:
        """
        Register files of this run as a new version of a model.

        Args:
            model_path: an artifact or the folder of several; else a file or folder in the working directory, so that
                `outputs/...` works before it is collected. The model's name otherwise.
            datasets: pairs of purpose and dataset, kept with the model.

        Raises:
            ModelPathNotFoundException: there is nothing of that name.
            NotSupportedError: arguments that concern serving are given.
        """
        return run_models.register(
            self,
            model_name,
            model_path or model_name,
            {
                "tags": tags,
                "properties": properties,
                "framework": model_framework,
                "framework_version": model_framework_version,
                "description": description,
                "datasets": datasets,
            },
            sample_input_dataset=sample_input_dataset,
            sample_output_dataset=sample_output_dataset,
            resource_configuration=resource_configuration,
        )

    def restore_snapshot(self, snapshot_id: str | None = None, path: str | None = None) -> str:
        """
        Write the source directory that was captured for the run as a zip file, and return its absolute path.

        Args:
            snapshot_id: the run's own otherwise.
            path: a folder that exists; the machine's folder for temporary files otherwise (v1).

        Raises:
            UserErrorException: the run has no snapshot.
        """
        import shutil  # costs 5 ms, and only copies need it

        wanted = snapshot_id or self.get_snapshot_id()
        if wanted is None:
            raise UserErrorException(f"run {self.id!r}: has no snapshot; give the id of one")
        if path is None:
            import tempfile

            path = tempfile.gettempdir()
        packed: str = self._context.request("snapshot.zip", id=wanted)["path"]
        target = os.path.abspath(os.path.join(path, f"{wanted}.zip"))
        shutil.copyfile(packed, target)
        return target

    def _log(self, kind: str, name: str, value: Any, description: str | None, step: int | None = None) -> None:
        plain = checked(kind, name, value)
        if kind in DOCUMENTS:
            import io

            self.upload_file(name, io.BytesIO(lean_json.dumps(plain).encode()))
        self._mark("metric", kind=kind, name=name, value=plain, step=step, description=description or None)

    def _log_image(self, name: str, path: str | None, plot: Any, description: str) -> None:
        artifact, place = images.take(self._context, name, path, plot, taken=set(self._kept()))
        self._keep(artifact, place)
        self._mark("metric", kind="image", name=name, value=artifact, step=None, description=description or None)

    def _keep(self, name: str, path: str) -> None:
        self._mark("file", name=name, path=os.path.relpath(path, self._context.directory.root))

    def _kept(self) -> dict[str, str]:
        """Return the absolute path of each uploaded artifact by its name; it has gone once the operator has it."""
        root = self._context.directory.root
        events = self._context.journal(self._id)
        return {event["name"] or "": os.path.join(root, event["path"]) for event in events if event["event"] == "file"}

    def _recorded_names(self) -> list[str]:
        """Return the artifacts that the operator has recorded."""
        names: list[str] = self._context.request("run.files", id=self._id)
        return names

    def _copy_out(self, name: str, target: str) -> None:
        import shutil  # costs 5 ms, and only downloads need it

        os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
        place = self._kept().get(name)
        if place is not None:
            try:
                shutil.copyfile(place, target)
                return
            except FileNotFoundError:
                pass  # the operator has it already
        shutil.copyfile(self._context.request("run.file", id=self._id, name=name)["path"], target)
