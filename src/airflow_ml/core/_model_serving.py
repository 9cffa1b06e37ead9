"""The part of v1's models that is about serving them, which airflow-ml does not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_ml.core._never_served import SERVING, NeverUsed
from airflow_ml.exceptions import NotSupportedError

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_dataset import AbstractDataset

__all__ = ["InferenceConfig", "ModelPackage", "WithoutServing", "refuse_serving"]


class InferenceConfig(metaclass=NeverUsed):
    """How a model would be called."""

    _instead = SERVING


class ModelPackage(metaclass=NeverUsed):
    """An image with models in it."""

    _instead = SERVING


class WithoutServing:
    """Everything of a model that needs a service to serve it; each call says what to do instead."""

    @staticmethod
    def deploy(
        workspace: Workspace,
        name: str,
        models: Sequence[object],
        inference_config: object = None,
        deployment_config: object = None,
        deployment_target: object = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> NoReturn:
        """Not supported: models are not served here."""
        given = models, inference_config, deployment_config, deployment_target, overwrite, show_output
        raise _no_serving(f"deploy as {name!r}", workspace, *given)

    @staticmethod
    def package(
        workspace: Workspace,
        models: Sequence[object],
        inference_config: object = None,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
    ) -> NoReturn:
        """Not supported: models are not served here."""
        raise _no_serving("package", workspace, models, inference_config, generate_dockerfile, image_name, image_label)

    @staticmethod
    def profile(
        workspace: Workspace,
        profile_name: str,
        models: Sequence[object],
        inference_config: object,
        input_dataset: AbstractDataset,
        cpu: float | None = None,
        memory_in_gb: float | None = None,
        description: str | None = None,
    ) -> NoReturn:
        """Not supported: models are not served here."""
        given = models, inference_config, input_dataset, cpu, memory_in_gb, description
        raise _no_serving(f"profile {profile_name!r}", workspace, *given)

    @staticmethod
    def print_configuration(
        models: Sequence[object], inference_config: object, deployment_config: object, deployment_target: object
    ) -> NoReturn:
        """Not supported: models are not served here."""
        del inference_config, deployment_config, deployment_target
        raise NotSupportedError(f"print_configuration of {len(models)} models is not supported; {SERVING}")

    def get_sas_urls(self) -> NoReturn:
        """Not supported: use `download`."""
        raise NotSupportedError("model: get_sas_urls is not supported; use download()")


def refuse_serving(**arguments: object) -> None:
    """Raise NotSupportedError for arguments that were given and concern serving."""
    given = sorted(name for name, value in arguments.items() if value is not None)
    if given:
        raise NotSupportedError(f"model: {', '.join(given)} are not supported; keep such facts as tags or properties")


def _no_serving(call: str, workspace: Workspace, *_arguments: object) -> NotSupportedError:
    return NotSupportedError(f"model of workspace {workspace.name!r}: {call} is not supported; {SERVING}")
