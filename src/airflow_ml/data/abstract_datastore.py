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
        self._workspace = workspace
        self._name = name
        self._datastore_type = datastore_type

    @property
    def name(self) -> str:
        """The name it is registered under; can be set, as in v1, which renames the object alone."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    @property
    def workspace(self) -> WorkspaceLike:
        """The workspace that knows the store; can be set, as in v1."""
        return self._workspace

    @workspace.setter
    def workspace(self, value: WorkspaceLike) -> None:
        self._workspace = value

    @property
    def datastore_type(self) -> str:
        """v1's word for the kind; can be set, as in v1, which changes the object alone."""
        return self._datastore_type

    @datastore_type.setter
    def datastore_type(self, value: str) -> None:
        self._datastore_type = value

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
