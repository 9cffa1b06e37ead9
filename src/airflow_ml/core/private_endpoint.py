"""Networks of a workspace (`azureml.core.private_endpoint`), which are not supported."""

from __future__ import annotations

from airflow_ml.core._never_served import NeverUsed

__all__ = [
    "PrivateEndPoint",
    "PrivateEndPointConfig",
]

_INSTEAD = "networks are set up where Airflow runs"


class PrivateEndPoint(metaclass=NeverUsed):
    """An address of the workspace in a private network."""

    _instead = _INSTEAD


class PrivateEndPointConfig(metaclass=NeverUsed):
    """How such an address shall be."""

    _instead = _INSTEAD
