"""A datastore path as a value, and how it is delivered (`azureml.data.datapath`)."""

from __future__ import annotations

from airflow_ml.data.data_reference import DataReference
from airflow_ml.exceptions import GraphError
from airflow_ml.graph.model import DataReferenceSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data.abstract_datastore import AbstractDatastore

__all__ = ["DataPath", "DataPathComputeBinding"]


class DataPath:
    """
    A store and a path on it: what a datapath parameter of a pipeline has as its default.

    Args:
        datastore: an object as `Datastore.get` returns.
        path_on_datastore: file or folder, need not exist.
        name: name of a data reference made from it.

    Raises:
        GraphError: no datastore; as in v1 a ValueError.
    """

    def __init__(
        self,
        datastore: AbstractDatastore | None = None,
        path_on_datastore: str | None = None,
        name: str | None = None,
    ) -> None:
        if datastore is None:
            raise GraphError(f"data path {path_on_datastore!r}: has no datastore; give datastore=")
        self._datastore = datastore
        self._path_on_datastore = path_on_datastore
        self._name = name

    @property
    def datastore(self) -> AbstractDatastore:
        """The store."""
        return self._datastore

    @property
    def datastore_name(self) -> str:
        """The store's name."""
        return self._datastore.name

    @property
    def path_on_datastore(self) -> str | None:
        """The path on the store."""
        return self._path_on_datastore

    @property
    def name(self) -> str | None:
        """Name of a data reference made from it, if one was given."""
        return self._name

    @property
    def source(self) -> DataReferenceSource:
        """The path as the graph holds it."""
        return DataReferenceSource(datastore=self._datastore.name, path=self._path_on_datastore or "")

    def create_data_reference(
        self,
        data_reference_name: str | None = None,
        datapath_compute_binding: DataPathComputeBinding | None = None,
    ) -> DataReference:
        """Return a reference to the path, mounted unless the binding says otherwise."""
        return DataReference.create(data_reference_name, self, datapath_compute_binding)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPath:
        """
        Return where a reference points, without the way it is delivered.

        Raises:
            GraphError: no reference; as in v1 a ValueError.
        """
        _check_reference("DataPath", data_reference)
        return DataPath(data_reference.datastore, data_reference.path_on_datastore, data_reference.name)

    def __repr__(self) -> str:
        return f"DataPath(datastore={self.datastore_name!r}, path_on_datastore={self._path_on_datastore!r})"


class DataPathComputeBinding:
    """
    How a data path is delivered to a step.

    Args:
        mode: `mount`, `download` or `upload`; checked where the binding is used, as in v1.
        path_on_compute: where a download lies in the step.
        overwrite: replace what is already there.
    """

    def __init__(self, mode: str = "mount", path_on_compute: str | None = None, overwrite: bool = False) -> None:
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    def create_data_reference(
        self, data_reference_name: str | None = None, datapath: DataPath | None = None
    ) -> DataReference:
        """Return a reference to the path, delivered this way."""
        return DataReference.create(data_reference_name, datapath, self)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPathComputeBinding:
        """
        Return how a reference is delivered, without where it points.

        Raises:
            GraphError: no reference; as in v1 a ValueError.
        """
        _check_reference("DataPathComputeBinding", data_reference)
        return DataPathComputeBinding(
            mode=data_reference.mode,
            path_on_compute=data_reference.path_on_compute,
            overwrite=data_reference.overwrite,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataPathComputeBinding) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.mode, self.path_on_compute, self.overwrite))

    def __repr__(self) -> str:
        return f"DataPathComputeBinding(mode={self.mode!r}, path_on_compute={self.path_on_compute!r})"


def _check_reference(where: str, reference: object) -> None:
    if not isinstance(reference, DataReference):
        raise GraphError(f"{where}.create_from_data_reference: {reference!r} is no DataReference; give one")
