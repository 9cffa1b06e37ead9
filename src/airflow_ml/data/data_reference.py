"""A path on a datastore with the way it is delivered to a step (`azureml.data.data_reference`)."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.graph.model import DataReferenceSource
from airflow_ml.graph.names import with_words_only

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from airflow_ml.data import _reference_configuration
    from airflow_ml.data._reference_configuration import DataReferenceConfiguration
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
else:
    _reference_configuration = late("airflow_ml.data._reference_configuration")

__all__ = ["DataReference"]

_MODES = ("mount", "download", "upload")


class DataReference:
    """
    A pointer to a file or folder on a datastore; nothing needs to be there when it is mounted.

    Immutable: `as_download` and the like return copies. As text it is `$AZUREML_DATAREFERENCE_<name>`, which a step
    expands anywhere inside its arguments.

    Args:
        datastore: the store, an object as `Datastore.get` returns.
        data_reference_name: name of the step's input; without one the store's name if there is no path either, else
            the path with other characters replaced (v1 takes random text there, which no two runs share).
        path_on_datastore: file or folder; None is the store's root.
        mode: `mount`, `download` or `upload`.
        path_on_compute: where a download or upload lies in the step; relative to the script's folder.
        overwrite: replace what is already there.

    Raises:
        UserErrorException: another mode, no datastore, or a path that is no text.
    """

    def __init__(
        self,
        datastore: AbstractDatastore,
        data_reference_name: str | None = None,
        path_on_datastore: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        if mode not in _MODES:
            raise UserErrorException(f"data reference: mode {mode!r} is not one of {', '.join(_MODES)}")
        if not hasattr(datastore, "name"):
            raise UserErrorException(
                f"data reference {data_reference_name!r}: {datastore!r} is no datastore; give the object that"
                " Datastore.get returns"
            )
        if path_on_datastore is not None and not isinstance(path_on_datastore, str):
            raise UserErrorException(
                f"data reference {data_reference_name!r}: path_on_datastore {path_on_datastore!r} is no text"
            )
        self.datastore = datastore
        self.path_on_datastore = path_on_datastore
        self.data_reference_name = data_reference_name or _default_name(datastore.name, path_on_datastore)
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    @property
    def name(self) -> str:
        """The same as `data_reference_name`."""
        return self.data_reference_name

    @property
    def source(self) -> DataReferenceSource:
        """The reference as the graph holds it."""
        return DataReferenceSource(datastore=self.datastore.name, path=self.path_on_datastore or "")

    def as_mount(self) -> DataReference:
        """Return a copy that a step reads in place."""
        return self._copy(mode="mount", path_on_compute=self.path_on_compute, overwrite=self.overwrite)

    def as_download(self, path_on_compute: str | None = None, overwrite: bool = False) -> DataReference:
        """
        Return a copy that is copied to the step before its script starts.

        Args:
            overwrite: replace what is already there; a reference made with `overwrite=True` does so anyway (v1 rule).
        """
        return self._copy(mode="download", path_on_compute=path_on_compute, overwrite=overwrite or self.overwrite)

    def as_upload(self, path_on_compute: str | None = None, overwrite: bool = False) -> DataReference:
        """Return a copy that is filled from the step after its script ended well; `overwrite` as in `as_download`."""
        return self._copy(mode="upload", path_on_compute=path_on_compute, overwrite=overwrite or self.overwrite)

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """
        Return a reference to a path below this one, in mode `mount` whatever the mode of this one is, as in v1.

        Without a path and a name it is this reference itself (v1 rule).

        Raises:
            UserErrorException: a path that is no text.
        """
        if not path and not data_reference_name:
            return self
        if path is not None and not isinstance(path, str):
            raise UserErrorException(
                f"data reference {self.data_reference_name!r}: path {path!r} is no text; give a path below"
                f" {self.path_on_datastore or 'the root of its datastore'!r}"
            )
        parts = [part.strip("/") for part in (self.path_on_datastore, path) if part and part.strip("/")]
        below = "/".join(parts) + ("/" if path and path.endswith("/") else "")
        return DataReference(
            self.datastore,
            data_reference_name=data_reference_name,
            path_on_datastore=below or None,
        )

    @staticmethod
    def create(
        data_reference_name: str | None = None,
        datapath: DataPath | None = None,
        datapath_compute_binding: DataPathComputeBinding | None = None,
    ) -> DataReference:
        """
        Join a data path and the way it is delivered.

        Args:
            datapath_compute_binding: without one the path is mounted (v1 insists on it).

        Raises:
            GraphError: no data path, or something else in the place of one of both; as in v1 a ValueError.
        """
        if datapath is None:
            raise GraphError("data reference: a DataPath is needed; give datapath=")
        binding = datapath_compute_binding
        _check_kind(datapath, "datastore", "DataPath")
        _check_kind(binding, "mode", "DataPathComputeBinding")
        return DataReference(
            datapath.datastore,
            data_reference_name=data_reference_name or datapath.name,
            path_on_datastore=datapath.path_on_datastore,
            mode="mount" if binding is None else binding.mode,
            path_on_compute=None if binding is None else binding.path_on_compute,
            overwrite=False if binding is None else binding.overwrite,
        )

    def to_config(self) -> DataReferenceConfiguration:
        """Return the reference as `run_config.data_references` of a script run holds it."""
        return _reference_configuration.DataReferenceConfiguration(
            datastore_name=self.datastore.name,
            mode=self.mode,
            path_on_datastore=self.path_on_datastore,
            path_on_compute=self.path_on_compute,
            overwrite=self.overwrite,
        )

    def _copy(
        self, *, mode: Literal["mount", "download", "upload"], path_on_compute: str | None, overwrite: bool
    ) -> DataReference:
        return DataReference(
            self.datastore,
            data_reference_name=self.data_reference_name,
            path_on_datastore=self.path_on_datastore,
            mode=mode,
            path_on_compute=path_on_compute,
            overwrite=overwrite,
        )

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.data_reference_name}"

    def __repr__(self) -> str:
        return (
            f"DataReference(datastore={self.datastore.name!r}, data_reference_name={self.data_reference_name!r}, "
            f"path_on_datastore={self.path_on_datastore!r}, mode={self.mode!r})"
        )


def _check_kind(given: object, attribute: str, kind: str) -> None:
    if given is not None and not hasattr(given, attribute):
        raise GraphError(f"data reference: {given!r} is no {kind}; give one")


def _default_name(store: str, path: str | None) -> str:
    readable = with_words_only(path or "").strip("_")
    if path and not readable:
        return f"{store}_{os.fsencode(path).hex()}"
    return f"{store}_{readable}" if readable else store
