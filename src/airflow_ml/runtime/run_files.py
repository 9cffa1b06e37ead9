"""The files of a run: uploads, images, and models registered from them."""

from __future__ import annotations

import os
import time

from airflow_ml.exceptions import ModelPathNotFoundException, NotSupportedError, UserErrorException
from airflow_ml.runtime.artifacts import artifact_name, copy_in, files_below, offered
from airflow_ml.runtime.late import Late
from airflow_ml.runtime.run_record import RecordedRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, BinaryIO

    from airflow_ml.runtime import models
else:
    models = Late("airflow_ml.runtime.models")

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
        """Return the artifacts that this step has uploaded; `./outputs` and `./logs` follow when the script ends."""
        return list(self._kept())

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """
        Copy an artifact that this step has uploaded.

        Args:
            output_file_path: the target, or a folder for it; the artifact's file name in the working directory
                otherwise.

        Raises:
            UserErrorException: there is no such artifact.
        """
        import shutil  # costs 5 ms, and only downloads need it

        kept = self._kept()
        if artifact_name(name) not in kept:
            raise UserErrorException(f"run {self.id!r}: has no file {name!r} from this step, but {sorted(kept)}")
        target = output_file_path or os.path.basename(name)
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(name))
        os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
        shutil.copyfile(kept[artifact_name(name)], target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Sequence[str] | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: float | None = None,
    ) -> None:
        """Copy the artifacts whose names begin with the prefix, to output_paths or below output_directory."""
        names = [name for name in self.get_file_names() if name.startswith(prefix or "")]
        skipped = 0 if append_prefix else len(prefix or "")
        targets = output_paths or [os.path.join(output_directory or ".", name[skipped:].lstrip("/")) for name in names]
        for name, target in zip(names, targets):
            self.download_file(name, target)

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> models.Model:
        """
        Register files of this run as a new version of a model.

        Args:
            model_path: an artifact or the folder of several; else a file or folder in the working directory, so that
                `outputs/...` works before it is collected. The model's name otherwise.

        Raises:
            ModelPathNotFoundException: there is nothing of that name.
        """
        return models.register(
            self._context,
            model_name,
            self._model_files(model_path or model_name),
            tags=tags,
            properties=properties,
            framework=model_framework,
            framework_version=model_framework_version,
            description=description,
        )

    def _model_files(self, path: str) -> str:
        if os.path.exists(path):
            return offered(self._context, path)
        kept = self._kept()
        wanted = artifact_name(path)
        below = {wanted: os.path.basename(wanted)} if wanted in kept else {}
        below.update((name, name[len(wanted) + 1 :]) for name in kept if name.startswith(wanted + "/"))
        if not below:
            raise ModelPathNotFoundException(
                f"model path {path!r}: neither in the working directory {os.getcwd()!r} nor uploaded {sorted(kept)}"
            )
        folder = os.path.join(self._context.directory.uploads, os.urandom(12).hex(), os.path.basename(wanted))
        for name, relative in below.items():
            target = os.path.join(folder, relative)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.link(kept[name], target)
        return os.path.join(folder, below[wanted]) if wanted in below else folder

    def _log_image(self, name: str, path: str | None, plot: Any, description: str) -> None:
        if (path is None) == (plot is None):
            raise UserErrorException(f"image {name!r}: give exactly one of path and plot")
        ending = ".png" if path is None else os.path.splitext(path)[1]
        moment = int(time.time())
        taken = set(self._kept())
        while artifact_name(f"{name}_{moment}{ending}") in taken:
            moment += 1
        artifact = artifact_name(f"{name}_{moment}{ending}")
        self._keep(artifact, copy_in(self._context, path) if path is not None else self._drawn(plot))
        self._mark("metric", kind="image", name=name, value=artifact, step=None, description=description or None)

    def _drawn(self, plot: Any) -> str:
        os.makedirs(self._context.directory.uploads, exist_ok=True)
        target = os.path.join(self._context.directory.uploads, f"{os.urandom(12).hex()}.png")
        plot.savefig(target, format="png")
        return target

    def _keep(self, name: str, path: str) -> None:
        self._mark("file", name=name, path=os.path.relpath(path, self._context.directory.root))

    def _kept(self) -> dict[str, str]:
        """Return the absolute path of each uploaded artifact by its name."""
        root = self._context.directory.root
        events = self._context.journal(self._id)
        return {event["name"] or "": os.path.join(root, event["path"]) for event in events if event["event"] == "file"}
