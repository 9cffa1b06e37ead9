"""Images of served models (`azureml.core.image`), which are not supported."""

from __future__ import annotations

from airflow_ml.core._never_served import SERVING, NeverUsed

__all__ = [
    "ContainerImage",
    "Image",
    "UnknownImage",
]


class Image(metaclass=NeverUsed):
    """An image with a model in it."""

    _instead = SERVING


class ContainerImage(metaclass=NeverUsed):
    """An image with a model and a script in it."""

    _instead = SERVING


class UnknownImage(metaclass=NeverUsed):
    """An image of a kind that is not known."""

    _instead = SERVING
