"""Where an environment's image comes from (`azureml.core.container_registry`)."""

from __future__ import annotations

from airflow_ml.core._config_element import ConfigElement

__all__ = ["ContainerRegistry"]


class ContainerRegistry(ConfigElement):
    """
    A registry of images.

    Attributes:
        address: host and path; None is Docker Hub or the image's own name.
        username: must stay None, with `password`: an object in a DAG file holds no credentials; log in on the worker
            (`docker login`).
    """

    def __init__(self) -> None:
        self.address: str | None = None
        self.username: str | None = None
        self.password: str | None = None
        super().__init__()
