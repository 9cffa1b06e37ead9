"""From an environment's definition back to its sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml.core.conda_dependencies import CondaDependencies

if TYPE_CHECKING:
    from airflow_ml.core._environment_sections import DockerSection, PythonSection
    from airflow_ml.graph.model import Json

__all__ = ["as_mapping", "as_text", "fill_docker", "fill_python"]


def fill_python(section: PythonSection, values: Mapping[str, Json]) -> None:
    """Set the section to what its `to_definition` gave."""
    section.interpreter_path = str(values.get("interpreter_path") or "python")
    section.user_managed_dependencies = bool(values.get("user_managed_dependencies"))
    section.base_conda_environment = as_text(values.get("base_conda_environment"))
    packages = values.get("conda_dependencies")
    section.conda_dependencies = (
        CondaDependencies(_underlying_structure=packages) if isinstance(packages, dict) else None
    )


def fill_docker(section: DockerSection, values: Mapping[str, Json]) -> None:
    """Set the section to what its `to_definition` gave."""
    section.base_image = as_text(values.get("base_image"))
    section.base_dockerfile = as_text(values.get("base_dockerfile"))
    section.base_image_registry.address = as_text(values.get("base_image_registry"))
    section.shm_size = as_text(values.get("shm_size"))
    section.shared_volumes = bool(values.get("shared_volumes", True))
    arguments = values.get("arguments")
    section.arguments = [str(argument) for argument in arguments] if isinstance(arguments, list) else []
    for key, value in as_mapping(values.get("platform")).items():
        setattr(section.platform, key, value)


def as_mapping(value: Json) -> Mapping[str, Json]:
    """Return a JSON object; anything else counts as an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: Json) -> str | None:
    """Return a JSON value as text, or None."""
    return None if value is None else str(value)
