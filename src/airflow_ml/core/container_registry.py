"""Where an environment's image comes from (`azureml.core.container_registry`)."""

from __future__ import annotations

from airflow_ml.data._config_element import ConfigElement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from airflow_ml.data._config_element import Held

__all__ = ["ContainerRegistry", "RegistryIdentity"]


class RegistryIdentity(ConfigElement):
    """A managed identity that may read a registry; must stay unused: log in on the worker (`docker login`)."""

    def __init__(self) -> None:
        self.resource_id: str | None = None
        self.client_id: str | None = None
        super().__init__()


class ContainerRegistry(ConfigElement):
    """
    A registry of images.

    Attributes:
        address: host and path; None is Docker Hub or the image's own name.
        username: must stay None, with `password` and `registry_identity`: an object in a DAG file holds no
            credentials; log in on the worker (`docker login`), or name a connection.
        connection: id of an Airflow connection whose login and password the worker uses (v1 has no such thing).
    """

    _holds: ClassVar[Held] = {"registry_identity": RegistryIdentity}
    #: v1 reads these files too, and knows no connections.
    _not_in_files: ClassVar[frozenset[str]] = frozenset({"_is_sealed", "connection"})

    def __init__(self) -> None:
        self.address: str | None = None
        self.username: str | None = None
        self.password: str | None = None
        self.registry_identity: RegistryIdentity | None = None
        self.connection: str | None = None
        super().__init__()

    @property
    def has_credentials(self) -> bool:
        """Whether something was set that an object in a DAG file must not hold."""
        return bool(self.username or self.password or self.registry_identity)
