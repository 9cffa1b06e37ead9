"""Places on datastores, as v1's `DataReference` and `DataPath` name them, inside a step."""

from __future__ import annotations

from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.runtime.datastores import Datastore

__all__ = ["DataPath", "DataReference"]


class DataPath(WorkspaceSide):
    """
    A file or folder on a datastore.

    Args:
        path_on_datastore: the whole datastore if empty.
        name: shown alone.
    """

    def __init__(
        self, datastore: Datastore | None = None, path_on_datastore: str | None = None, name: str | None = None
    ) -> None:
        self.datastore = datastore
        self.path_on_datastore = path_on_datastore
        self._name = name

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPath:
        """Return the place that a reference names."""
        return DataPath(data_reference.datastore, data_reference.path_on_datastore)

    @property
    def datastore_name(self) -> str | None:
        """The datastore's name."""
        return None if self.datastore is None else self.datastore.name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.datastore_name!r}, {self.path_on_datastore!r})"


class DataReference(DataPath):
    """
    What uploads to a datastore and `datastore.path` return: where the data is.

    Args:
        data_reference_name: shown alone, as are the other arguments but the first and `path_on_datastore`: no input of
            a step is made inside a step.
    """

    _elsewhere = ("as_download", "as_mount", "as_upload", "create", "to_config")

    def __init__(
        self,
        datastore: Datastore,
        data_reference_name: str | None = None,
        path_on_datastore: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        super().__init__(datastore, path_on_datastore, data_reference_name)
        self._place = datastore
        self.data_reference_name = data_reference_name
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Return the reference to a place below this one."""
        below = "/".join(part.strip("/") for part in (self.path_on_datastore, path) if part)
        return DataReference(self._place, data_reference_name or self.data_reference_name, below or None)
