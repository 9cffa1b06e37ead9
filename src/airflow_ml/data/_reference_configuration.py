"""A data reference as a run configuration holds it (`azureml.core.runconfig.DataReferenceConfiguration`)."""

from __future__ import annotations

from airflow_ml.data._config_element import ConfigElement

__all__ = ["DataReferenceConfiguration"]


class DataReferenceConfiguration(ConfigElement):
    """
    A path on a datastore by the names that v1's run configurations have for it; made by `DataReference.to_config`.

    `run_config.data_references` of a script run takes it; a step takes the `DataReference`.
    """

    def __init__(
        self,
        datastore_name: str | None = None,
        mode: str = "mount",
        path_on_datastore: str | None = None,
        path_on_compute: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.data_store_name = datastore_name
        self.path_on_data_store = path_on_datastore
        self.mode = mode
        self.overwrite = overwrite
        self.path_on_compute = path_on_compute
        super().__init__()
