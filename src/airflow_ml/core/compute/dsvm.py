"""Data science virtual machines (`azureml.core.compute.dsvm`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["DsvmCompute"]


class DsvmCompute(UnsupportedCompute):
    """A data science virtual machine."""

    _compute_type = "Dsvm"
    _instead = "create an AmlCompute and start an Airflow worker on that machine, with the target's name as its queue"

    @staticmethod
    def provisioning_configuration(
        vm_size: str | None = None, ssh_port: int | None = None, location: str | None = None
    ) -> NoReturn:
        """Not supported: such targets cannot be made."""
        raise DsvmCompute._refusal(".provisioning_configuration", vm_size, ssh_port, location)

    def get_credentials(self) -> NoReturn:
        """Not supported: there is no such target."""
        raise self._refusal(".get_credentials")
