"""The files of a recorded run: uploads, downloads and images."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.core._run_record import RecordedRun
from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pathlib
    import tempfile
    import time
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO, Protocol

    from airflow_ml.core._run_record import Names
    from airflow_ml.execution import artifacts, stores
    from airflow_ml.runtime import downloads

    class Plot(Protocol):
        """Something that draws itself into a file, such as `matplotlib.pyplot` or one of its figures."""

        def savefig(self, *args: object, **kwargs: object) -> object: ...
else:
    pathlib = late("pathlib")
    tempfile = late("tempfile")
    time = late("time")
    artifacts = late("airflow_ml.execution.artifacts")
    downloads = late("airflow_ml.runtime.downloads")
    stores = late("airflow_ml.execution.stores")

__all__ = ["RunWithFiles"]


class RunWithFiles(RecordedRun):
    """A recorded run and its files; they are taken as long as the run has not ended."""

    def upload_file(self, name: str, path_or_stream: str | BinaryIO, datastore_name: str | None = None) -> None:
        """
        Keep a file with the run; one of the same name is replaced.

        Args:
            name: of the file in the run, such as `outputs/model.pkl`.
            path_or_stream: a path, or something opened for reading bytes.

        Raises:
            UserErrorException: the file is not there, or it is neither a path nor a stream.
            NotSupportedError: a datastore is named.
        """
        _refuse_datastore(name, datastore_name)
        if isinstance(path_or_stream, (str, os.PathLike)):
            self._keep({name: pathlib.Path(path_or_stream)})
            return
        if not hasattr(path_or_stream, "read"):
            raise UserErrorException(
                f"run {self.id}: upload of {name!r}: got {type(path_or_stream).__name__}, expected a path or a stream"
            )
        with tempfile.NamedTemporaryFile() as file:
            while chunk := path_or_stream.read(1 << 20):
                file.write(chunk)
            file.flush()
            self._keep({name: pathlib.Path(file.name)})

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str],
        return_artifacts: bool = False,
        timeout_seconds: int | None = None,
        datastore_name: str | None = None,
    ) -> dict[str, str] | None:
        """
        Keep several files with the run, all at once.

        Args:
            return_artifacts: return where each lies on the artifact store, by its name.
            timeout_seconds: without effect: files are copied until they are there.

        Raises:
            TypeError: there are not as many names as paths (v1's type).
            UserErrorException, NotSupportedError: as `upload_file`.
        """
        del timeout_seconds
        if len(names) != len(paths):
            raise TypeError(
                f"run {self.id}: upload_files got {len(names)} names and {len(paths)} paths, expected pairs"
            )
        _refuse_datastore(", ".join(names), datastore_name)
        self._keep({name: pathlib.Path(path) for name, path in zip(names, paths, strict=True)})
        return {name: artifacts.artifact_path(self.id, name) for name in names} if return_artifacts else None

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> None:
        """Keep every file below a folder as `name/<its path in the folder>`; raises as `upload_file`."""
        _refuse_datastore(name, datastore_name)
        self._keep({f"{name.rstrip('/')}/{below}": place for below, place in _files_below(self.id, path)})

    def _keep(self, files: Mapping[str, pathlib.Path]) -> None:
        for name, place in files.items():
            if not place.is_file():
                raise UserErrorException(
                    f"run {self.id}: upload of {name!r}: there is no file {os.fspath(place)!r} in {os.getcwd()!r}"
                )
        if files:
            artifacts.store_artifacts(stores.Stores(self._registry), self.id, files, after_end=True)

    def _log_image(self, name: str, path: str | None, plot: Plot | None, description: str) -> None:
        if (path is None) == (plot is None):
            raise UserErrorException(f"run {self.id}: image {name!r}: give exactly one of path and plot")
        ending = ".png" if path is None else os.path.splitext(path)[1]
        moment, taken = int(time.time()), {*self.get_file_names()}
        while (file_name := f"{name}_{moment}{ending}") in taken:
            moment += 1
        if plot is None:
            self._keep({file_name: pathlib.Path(path or "")})
        else:
            with tempfile.TemporaryDirectory() as folder:
                drawn = os.path.join(folder, "plot.png")
                plot.savefig(drawn, format="png")
                self._keep({file_name: pathlib.Path(drawn)})
        self._append("image", name, file_name, description)

    def get_file_names(self) -> Names:
        """Return the names of the run's files."""
        return [item.name for item in self._registry.artifacts.list(self.id)]

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """
        Copy one file of the run to this machine.

        Args:
            output_file_path: a file, or a folder that exists; default: the file's own name in the current folder.

        Raises:
            UserErrorException: the run has no file of that name.
        """
        self._fetch(name, downloads.download_target(name, output_file_path))

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Sequence[str] | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        """
        Copy the files of one folder of the run, or all of them, to this machine.

        Args:
            prefix: a folder among the run's files (v1: `log` does not take `logs/a`); or one file, whose path
                stays whole.
            output_directory: put before every path; the current folder.
            output_paths: one for each file, in the order of `get_file_names`; without effect when there are not as
                many different ones as files (v1).
            batch_size, timeout_seconds: without effect: files are copied one after the other until they are there.
            append_prefix: False leaves the prefix out of the paths; only with `output_directory` and without
                `output_paths` (v1).
        """
        del batch_size, timeout_seconds
        found = downloads.download_targets(
            self.get_file_names(), prefix, output_directory, output_paths, append_prefix=append_prefix
        )
        for name, target in found:
            self._fetch(name, target)

    def _fetch(self, name: str, target: str) -> None:
        record = self._registry.artifacts.get(self.id, name)
        place = pathlib.Path(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        stores.Stores(self._registry)(record.datastore).get(record.path, place)


def _files_below(run_id: str, path: str) -> list[tuple[str, pathlib.Path]]:
    folder = pathlib.Path(path)
    if not folder.is_dir():
        raise UserErrorException(f"run {run_id}: upload of {path!r}: there is no such folder in {os.getcwd()!r}")
    places = sorted(place for place in folder.rglob("*") if place.is_file())
    return [(place.relative_to(folder).as_posix(), place) for place in places]


def _refuse_datastore(name: str, datastore_name: str | None) -> None:
    if datastore_name is not None:
        raise NotSupportedError(
            f"upload of {name!r}: files of runs live in the workspace's artifact store, not in {datastore_name!r}; use"
            " Datastore.get(workspace, name).upload_files(...)"
        )
