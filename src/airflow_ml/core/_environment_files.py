"""
An environment as a folder, in the layout of v1: `azureml_environment.json`, the conda packages and the Dockerfile.

Imported at its first use.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.core._caller import base_directory
from airflow_ml.core._file_form import file_form, fill
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.exceptions import NotSupportedError, UserErrorException

if TYPE_CHECKING:
    from airflow_ml.core.environment import Environment

__all__ = ["load", "refuse_credentials", "save"]

_DEFINITION = "azureml_environment.json"
_PACKAGES = "conda_dependencies.yml"
_DOCKERFILE = "BaseDockerfile"


def save(environment: Environment, path: str, *, overwrite: bool) -> None:
    """Write the folder; see `Environment.save_to_directory`."""
    refuse_credentials(environment)
    folder = Path(path)
    if folder.exists() and not overwrite:
        raise FileExistsError(
            f"environment {environment.name!r}: {str(folder)!r} is there; pass overwrite=True to replace it"
        )
    folder.mkdir(parents=True, exist_ok=True)
    form = file_form(environment)
    packages = environment.python.conda_dependencies
    form["python"].pop("condaDependencies")
    _write(folder / _DOCKERFILE, form["docker"].pop("baseDockerfile"))
    _write(folder / _PACKAGES, None if packages is None else packages.serialize_to_string())
    _write(folder / _DEFINITION, json.dumps(form, indent=4) + "\n")


def _write(file: Path, text: str | None) -> None:
    """Write the file; without a text remove what an earlier save left there."""
    if text is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(text, encoding="utf-8")


def load(environment: Environment, path: str) -> None:
    """Fill a fresh environment from the folder; see `Environment.load_from_directory`."""
    folder = Path(base_directory()) / path
    where = f"environment folder {str(folder)!r}"
    try:
        content = json.loads((folder / _DEFINITION).read_text(encoding="utf-8"))
    except OSError as exc:
        raise UserErrorException(
            f"{where}: {_DEFINITION!r} cannot be read ({exc.strerror}); give a folder that save_to_directory wrote"
        ) from exc
    except ValueError as exc:
        raise UserErrorException(f"{where}: {_DEFINITION!r} is not JSON: {exc}") from exc
    fill(environment, content, where=where)
    packages, dockerfile = folder / _PACKAGES, folder / _DOCKERFILE
    environment.python.conda_dependencies = CondaDependencies(str(packages)) if packages.is_file() else None
    if dockerfile.is_file():
        environment.docker.base_dockerfile = dockerfile.read_text(encoding="utf-8")


def refuse_credentials(environment: Environment) -> None:
    """Raise NotSupportedError if a file of the environment would hold a secret."""
    if environment.docker.base_image_registry.has_credentials:
        raise NotSupportedError(
            f"environment {environment.name!r}: base_image_registry holds credentials, which are not written to files; "
            "log in on the worker (docker login) and give the address only"
        )
