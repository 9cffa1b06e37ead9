"""
Blob containers and file shares (`azureml.data.azure_storage_datastore`).

In an embedded workspace both are folders of this machine behind v1's names; scripts and pipelines see no difference.
"""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.data_reference import DataReference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.data import _uploading
    from airflow_ml.data._workspace import WorkspaceLike
else:
    _uploading = late("airflow_ml.data._uploading")

__all__ = ["AbstractAzureStorageDatastore", "AzureBlobDatastore", "AzureFileDatastore"]


class AbstractAzureStorageDatastore(AbstractDatastore):
    """
    A store of files: paths, uploads and downloads.

    The constructor is for subclasses; credentials that are given are not kept, because objects in a DAG file never
    hold any.
    """

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        datastore_type: str,
        container_name: str | None,
        account_name: str | None,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        super().__init__(workspace, name, datastore_type)
        self.container_name = container_name
        self.account_name = account_name
        self.protocol = protocol
        self.endpoint = endpoint
        del account_key
        self._is_sas = sas_token is not None

    @property
    def is_sas(self) -> bool:
        """Whether it was made with a shared access signature."""
        return self._is_sas

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Return a reference to a file or folder of the store, which need not exist."""
        return DataReference(self, data_reference_name=data_reference_name, path_on_datastore=path)

    def as_mount(self) -> DataReference:
        """Return a reference to the whole store, read in place."""
        return DataReference(self, mode="mount")

    def as_download(self, path_on_compute: str | None = None) -> DataReference:
        """Return a reference to the whole store, copied before the script starts."""
        return DataReference(self, mode="download", path_on_compute=path_on_compute)

    def as_upload(self, path_on_compute: str | None = None) -> DataReference:
        """Return a reference to the whole store, filled after the script has ended."""
        return DataReference(self, mode="upload", path_on_compute=path_on_compute)

    def upload(
        self, src_dir: str, target_path: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> DataReference:
        """
        Copy the content of a local folder to the store and return a reference to where it is.

        Args:
            target_path: folder on the store; None is its root.
            overwrite: replace files that are there; otherwise they are left as they are.

        Raises:
            UserErrorException: `src_dir` is no folder.
        """
        _uploading.upload(self, src_dir, target_path, overwrite=overwrite, show_progress=show_progress)
        return self.path(target_path)

    def upload_files(
        self,
        files: Sequence[str],
        relative_root: str | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """
        Copy local files to the store and return a reference to where they are.

        Args:
            relative_root: names on the store are the paths from here; None is the folder that all files share.
            target_path: folder on the store; None is its root.
            overwrite: replace files that are there; otherwise they are left as they are.

        Raises:
            UserErrorException: a file that is not there, or not below `relative_root`.
        """
        _uploading.upload_files(
            self, files, relative_root, target_path, overwrite=overwrite, show_progress=show_progress
        )
        return self.path(target_path)

    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """
        Copy files from the store below a local folder, under their whole paths, and return how many.

        Args:
            prefix: only files whose path begins with this text: `train` takes `training/x` too. On a file share it
                is a folder.
            overwrite: replace local files that are there; otherwise they are skipped and not counted.
        """
        return _uploading.download(self, target_path, prefix, overwrite=overwrite, show_progress=show_progress)


class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """
    A blob container, or the folder that stands for one; `workspaceblobstore` is one.

    Args:
        container_name: None for a folder of this machine, and while Airflow parses a DAG file; `account_name` as well.
        request_session: has no effect: nothing is opened by the object.
    """

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        container_name: str | None,
        account_name: str | None,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        request_session: object = None,
        workspace_msi_has_access: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        service_data_access_auth_identity: str | None = None,
    ) -> None:
        super().__init__(
            workspace, name, "AzureBlob", container_name, account_name, sas_token, account_key, protocol, endpoint
        )
        self.workspace_msi_has_access = workspace_msi_has_access
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.service_data_access_auth_identity = service_data_access_auth_identity


class AzureFileDatastore(AbstractAzureStorageDatastore):
    """
    A file share, or the folder that stands for one; `workspacefilestore` is one.

    Args:
        container_name: the share; None for a folder of this machine, and while Airflow parses a DAG file.
        request_session: has no effect: nothing is opened by the object.
    """

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        container_name: str | None,
        account_name: str | None,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = "core.windows.net",
        request_session: object = None,
    ) -> None:
        super().__init__(
            workspace, name, "AzureFile", container_name, account_name, sas_token, account_key, protocol, endpoint
        )
