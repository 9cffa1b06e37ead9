"""What every datastore has (`azureml.data.abstract_datastore`)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data._workspace import WorkspaceLike

__all__ = ["AbstractDatastore"]


class AbstractDatastore:
    """
    A named place for bytes in a workspace.

    The object holds the name alone: no credentials, no connection. Get one from `Datastore(workspace, name)`.

    Args:
        workspace: the workspace that knows the store.
        name: lower case letters, digits and underscores.
        datastore_type: v1's word for the kind, such as `AzureBlob`.
    """

    def __init__(self, workspace: WorkspaceLike, name: str, datastore_type: str) -> None:
        self.workspace = workspace
        self.name = name
        self.datastore_type = datastore_type

    def set_as_default(self) -> None:
        """Make this the workspace's default datastore."""
        self.workspace.registry().datastores.set_default(self.name)

    def unregister(self) -> None:
        """Forget the store; what lies on it stays."""
        self.workspace.registry().datastores.remove(self.name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AbstractDatastore)
            and self.name == other.name
            and self.workspace.ref == other.workspace.ref
        )

    def __hash__(self) -> int:
        return hash((self.name, self.workspace.ref))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, workspace={self.workspace.name!r})"
