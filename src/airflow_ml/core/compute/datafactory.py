"""
Data factories (`azureml.core.compute.datafactory`), which v1 needs to copy data.

Here airflow-ml copies data itself. A target of this kind is a name, so that code that makes one before it copies goes
on working; nothing runs on it.
"""

from __future__ import annotations

from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import ComputeTargetException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json

__all__ = ["DataFactoryAttachConfiguration", "DataFactoryCompute", "DataFactoryProvisioningConfiguration"]


class DataFactoryProvisioningConfiguration:
    """How a data factory shall be made; made by `DataFactoryCompute.provisioning_configuration`."""

    compute_type = "DataFactory"

    def __init__(self, location: str | None) -> None:
        self.location = location

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded."""
        return {} if self.location is None else {"location": self.location}


class DataFactoryAttachConfiguration:
    """
    Which data factory is attached; made by `DataFactoryCompute.attach_configuration`.

    Raises:
        ComputeTargetException: neither a resource group with a name nor a resource id, or both.
    """

    compute_type = "DataFactory"

    def __init__(self, resource_group: str | None, factory_name: str | None, resource_id: str | None) -> None:
        is_named = bool(resource_group and factory_name)
        if is_named == bool(resource_id):
            raise ComputeTargetException(
                f"DataFactoryCompute: resource_group {resource_group!r}, factory_name {factory_name!r} and resource_id "
                f"{resource_id!r} do not name one factory; give the first two, or the last"
            )
        self.resource_group = resource_group
        self.factory_name = factory_name
        self.resource_id = resource_id

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded."""
        settings: dict[str, Json] = {
            "resource_group": self.resource_group,
            "factory_name": self.factory_name,
            "resource_id": self.resource_id,
        }
        return {key: value for key, value in settings.items() if value is not None}


class DataFactoryCompute(ComputeTarget):
    """A data factory, by name: made or attached as in v1, and not needed to copy data."""

    _compute_type = "DataFactory"

    @staticmethod
    def provisioning_configuration(location: str | None = None) -> DataFactoryProvisioningConfiguration:
        """Describe a data factory to be made; `location` is kept and shown."""
        return DataFactoryProvisioningConfiguration(location)

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, factory_name: str | None = None, resource_id: str | None = None
    ) -> DataFactoryAttachConfiguration:
        """Describe a data factory to be attached; it is not looked for."""
        return DataFactoryAttachConfiguration(resource_group, factory_name, resource_id)

    @staticmethod
    def attach(workspace: Workspace, name: str, resource_id: str) -> ComputeTarget:  # type: ignore[override]  # v1's signature differs from its parent's
        """Record the data factory of that resource id under a name."""
        return ComputeTarget.attach(workspace, name, DataFactoryCompute.attach_configuration(resource_id=resource_id))
