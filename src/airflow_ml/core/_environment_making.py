"""What the factories of `Environment` need of files and tables. Imported at its first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.core._caller import base_directory
from airflow_ml.core._curated import packages_of
from airflow_ml.core._curated_file import configured
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.environment import Environment
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json

__all__ = ["curated", "read_dockerfile", "with_packages", "with_pip_requirements"]


def curated(name: str) -> Environment:
    """
    Return a curated environment: what the team's file says of the name, or the family's packages.

    Raises:
        NotSupportedError: no machine can have its packages, or the team has switched it off.
    """
    said = configured(name)
    if said is None:
        return _with_structure(Environment(name), [*packages_of(name)], [])
    python = said.get("python")
    conda: list[Json] = [*([f"python={python}"] if python else []), *_texts(said.get("conda"))]
    made = _with_structure(Environment(name), _texts(said.get("pip")), conda)
    if said.get("image"):
        made.docker.base_image = str(said["image"])
    if said.get("dockerfile"):
        made.docker.base_dockerfile = read_dockerfile(name, str(said["dockerfile"]))
    variables = said.get("variables")
    if isinstance(variables, dict):
        made.environment_variables = {key: str(value) for key, value in variables.items()}
    return made


def _with_structure(made: Environment, pip: list[Json], conda: list[Json]) -> Environment:
    dependencies: list[Json] = [*conda, {"pip": pip}] if pip else [*conda]
    made.python.conda_dependencies = CondaDependencies(
        _underlying_structure={
            "name": "project_environment",
            "channels": ["conda-forge"],
            "dependencies": dependencies,
        }
    )
    return made


def _texts(value: Json) -> list[Json]:
    return [str(item) for item in value] if isinstance(value, list) else []


def with_packages(name: str, conda_specification: str | None, pip_requirements: str | None) -> Environment:
    """Return an environment with the packages of one of two files, or of the image as it is."""
    if conda_specification is not None and pip_requirements is not None:
        raise UserErrorException(
            f"environment {name!r}: conda_specification and pip_requirements are given; give one of them"
        )
    if conda_specification is not None:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements is not None:
        return Environment.from_pip_requirements(name, pip_requirements)
    made = Environment(name)
    made.python.user_managed_dependencies = True
    return made


def with_pip_requirements(name: str, file_path: str) -> Environment:
    """Return an environment with the packages of a requirements file."""
    made = Environment(name)
    packages = CondaDependencies.create()
    packages.set_pip_requirements(_read(file_path, where=f"environment {name!r}"))
    made.python.conda_dependencies = packages
    return made


def read_dockerfile(name: str, dockerfile: str) -> str:
    """Return the text of a Dockerfile that was given as its text or its path."""
    if not isinstance(dockerfile, str):
        raise UserErrorException(f"environment {name!r}: dockerfile {dockerfile!r} is neither its text nor its path")
    is_text = "\n" in dockerfile or dockerfile.lstrip().upper().startswith("FROM ")
    return dockerfile if is_text else _read(dockerfile, where=f"environment {name!r}")


def _read(path: str, *, where: str) -> str:
    file = Path(base_directory()) / path
    try:
        return file.read_text(encoding="utf-8")
    except OSError as exc:
        raise UserErrorException(
            f"{where}: file {str(file)!r} cannot be read ({exc.strerror}); correct the path"
        ) from exc
