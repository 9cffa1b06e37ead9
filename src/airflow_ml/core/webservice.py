"""Served models (`azureml.core.webservice`), which are not supported."""

from __future__ import annotations

from airflow_ml.core._never_served import SERVING, NeverUsed

__all__ = [
    "AciWebservice",
    "AksEndpoint",
    "AksWebservice",
    "LocalWebservice",
    "UnknownWebservice",
    "Webservice",
]


class Webservice(metaclass=NeverUsed):
    """A model behind an address."""

    _instead = SERVING


class AciWebservice(metaclass=NeverUsed):
    """A model in a container instance."""

    _instead = SERVING


class AksWebservice(metaclass=NeverUsed):
    """A model in a Kubernetes cluster."""

    _instead = SERVING


class AksEndpoint(metaclass=NeverUsed):
    """Several versions of a model behind one address."""

    _instead = SERVING


class LocalWebservice(metaclass=NeverUsed):
    """A model in a container of this machine."""

    _instead = SERVING


class UnknownWebservice(metaclass=NeverUsed):
    """A model that is served in a way that is not known."""

    _instead = SERVING
