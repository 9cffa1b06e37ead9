"""From an environment's definition back to its sections. Imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.conda_dependencies import CondaDependencies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.core._docker_section import DockerSection
    from airflow_ml.core._environment_sections import PythonSection
    from airflow_ml.core.environment import Environment
    from airflow_ml.graph.model import Json

__all__ = ["fill_environment"]


def fill_environment(environment: Environment, definition: Mapping[str, Json]) -> None:
    """Set a fresh environment to what its `to_definition` gave."""
    environment.version = _as_text(definition.get("version"))
    _fill_python(environment.python, _as_mapping(definition.get("python")))
    _fill_docker(environment.docker, _as_mapping(definition.get("docker")))
    variables = _as_mapping(definition.get("environment_variables"))
    environment.environment_variables = {key: str(value) for key, value in variables.items()}


def _fill_python(section: PythonSection, values: Mapping[str, Json]) -> None:
    section.interpreter_path = str(values.get("interpreter_path") or "python")
    section.user_managed_dependencies = bool(values.get("user_managed_dependencies"))
    section.base_conda_environment = _as_text(values.get("base_conda_environment"))
    packages = values.get("conda_dependencies")
    section.conda_dependencies = (
        CondaDependencies(_underlying_structure=packages) if isinstance(packages, dict) else None
    )


def _fill_docker(section: DockerSection, values: Mapping[str, Json]) -> None:
    section.base_image = _as_text(values.get("base_image"))
    section.base_dockerfile = _as_text(values.get("base_dockerfile"))
    section.base_image_registry.address = _as_text(values.get("base_image_registry"))
    section.base_image_registry.connection = _as_text(values.get("base_image_registry_connection"))
    section.shm_size = _as_text(values.get("shm_size"))
    section.shared_volumes = bool(values.get("shared_volumes", True))
    arguments = values.get("arguments")
    section.arguments = [str(argument) for argument in arguments] if isinstance(arguments, list) else []
    for key, value in _as_mapping(values.get("platform")).items():
        setattr(section.platform, key, value)


def _as_mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _as_text(value: Json) -> str | None:
    return None if value is None else str(value)
