"""Services beside a workspace (`azureml.core.linked_service`), which are not supported."""

from __future__ import annotations

from airflow_ml.core._never_served import NeverUsed

__all__ = [
    "LinkedService",
    "LinkedServiceConfiguration",
    "SynapseWorkspaceLinkedServiceConfiguration",
]

_INSTEAD = "keep connections in Airflow (airflow connections add) and use its operators beside the pipeline"


class LinkedService(metaclass=NeverUsed):
    """A service that the workspace may use."""

    _instead = _INSTEAD


class LinkedServiceConfiguration(metaclass=NeverUsed):
    """How such a service shall be."""

    _instead = _INSTEAD


class SynapseWorkspaceLinkedServiceConfiguration(metaclass=NeverUsed):
    """A Synapse workspace."""

    _instead = _INSTEAD
