"""Which images an environment definition stands on, by their names, and when they are pulled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml.compute.dockerfiles import base_images
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json

__all__ = ["PULLED", "PULL_VARIABLE", "image_names", "pull_policy"]

PULL_VARIABLE = "AIRFLOW_ML_IMAGE_PULL"
#: Names that this process has pulled: what the engine says of them is what their registries say.
PULLED: set[str] = set()
_PULL_POLICIES = ("missing", "always", "never")


def pull_policy() -> str:
    """
    Return when images are pulled: `missing` (default), `always`, `never`; AIRFLOW_ML_IMAGE_PULL says.

    Raises:
        UserErrorException: it says something else.
    """
    policy = os.environ.get(PULL_VARIABLE) or _PULL_POLICIES[0]
    if policy not in _PULL_POLICIES:
        raise UserErrorException(f"{PULL_VARIABLE}={policy!r}: expected one of {', '.join(_PULL_POLICIES)}")
    return policy


def image_names(definition: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the images that a definition stands on: its base image, or those that its Dockerfile begins with."""
    section = definition.get("docker")
    section = section if isinstance(section, Mapping) else {}
    dockerfile = section.get("base_dockerfile")
    if dockerfile:
        return base_images(str(dockerfile))
    image = section.get("base_image")
    if not image:
        return ()
    registry = str(section.get("base_image_registry") or "").rstrip("/")
    name = str(image)
    return (name if not registry or name.startswith(f"{registry}/") else f"{registry}/{name}",)
