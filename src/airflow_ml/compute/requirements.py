"""
What an environment definition asks to be installed: requirements, pip options, Python version.

The step library stands in for the packages of the real SDK (`azureml-defaults` and its kind), so these are dropped;
extras of them that brought other packages still bring those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_ml.compute.conda_names import translate
from airflow_ml.exceptions import RunEnvironmentException
from airflow_ml.graph.model import Json

__all__ = ["Requirements", "local_file_of", "read_requirements", "stated_packages"]

_PROVIDED_NAMES = """
    azureml-core azureml-dataprep azureml-dataprep-native azureml-dataprep-rslex azureml-dataset-runtime
    azureml-defaults azureml-mlflow azureml-model-management-sdk azureml-pipeline azureml-pipeline-core
    azureml-pipeline-steps azureml-sdk azureml-telemetry azureml-train azureml-train-core
    azureml-train-restclients-hyperdrive azureml-widgets
"""
_PROVIDED = frozenset(_PROVIDED_NAMES.split())
#: What a provided package brought along that scripts import by its own name: (package, extra or None) -> packages.
_BROUGHT = {
    ("azureml-dataprep", "pandas"): ("pandas",),
    ("azureml-dataset-runtime", "pandas"): ("pandas",),
    ("azureml-mlflow", None): ("mlflow-skinny",),
}
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[(?P<extras>[^\]]*)\])?(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Requirements:
    """
    What is to be installed.

    Attributes:
        packages: pip requirements in the order given, each once.
        pip_options: lines such as `--index-url https://...`; they may hold credentials, so show them by
            `airflow_ml.compute.masking` alone.
        python: version specification of the interpreter in pip's form, or None for any.
        warnings: lines for the log.
    """

    packages: tuple[str, ...] = ()
    pip_options: tuple[str, ...] = ()
    python: str | None = None
    warnings: tuple[str, ...] = ()


def read_requirements(definition: Mapping[str, Json]) -> Requirements:
    """
    Return what an environment definition asks to be installed.

    Raises:
        RunEnvironmentException: packages that pip does not have, or a definition that cannot be read.
    """
    where = f"environment {definition.get('name') or 'without a name'!r}"
    conda, pip = _split(definition, where)
    translated = translate([item for item in conda if _normalise(item) not in _PROVIDED], where=where)
    packages: dict[str, None] = dict.fromkeys(translated.requirements)
    options: list[str] = []
    for line in pip:
        text = line.strip()
        if text.startswith("-"):
            options.append(text)
        elif text and not text.startswith("#"):
            packages.update(dict.fromkeys(_keep(text)))
    return Requirements(tuple(packages), tuple(options), translated.python, translated.warnings)


def stated_packages(definition: Mapping[str, Json]) -> tuple[list[str], list[str]]:
    """
    Return what a definition says, conda packages and lines for pip, without what the step library stands in for.

    Raises:
        RunEnvironmentException: a definition that cannot be read.
    """
    conda, pip = _split(definition, f"environment {definition.get('name') or 'without a name'!r}")
    lines = [line.strip() for line in pip]
    kept = [[line] if line.startswith("-") else _keep(line) for line in lines if line and not line.startswith("#")]
    return [item for item in conda if _normalise(item) not in _PROVIDED], [line for part in kept for line in part]


def local_file_of(line: str) -> Path | None:
    """Return the file of this machine that a requirement or option names, such as a wheel or `-r FILE`, if it does."""
    name = line.split()[-1].rpartition("=")[2]
    path = Path(unquote(urlsplit(name).path) if name.startswith("file:") else name)
    return path if path.is_absolute() and path.is_file() else None


def _split(definition: Mapping[str, Json], where: str) -> tuple[list[str], list[str]]:
    """Return the conda part and the pip part of the definition's dependencies."""
    python = definition.get("python")
    dependencies = python.get("conda_dependencies") if isinstance(python, Mapping) else None
    listed = dependencies.get("dependencies") if isinstance(dependencies, Mapping) else None
    conda: list[str] = []
    pip: list[str] = []
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, str):
            conda.append(item)
        elif isinstance(item, Mapping) and set(item) == {"pip"} and isinstance(item["pip"], list):
            pip += [str(line) for line in item["pip"]]
        else:
            raise RunEnvironmentException(
                f"{where}: dependency {item!r} cannot be read; expected a conda package as text or {{'pip': [...]}}"
            )
    return conda, pip


def _keep(requirement: str) -> tuple[str, ...]:
    """Return what is left to install of one requirement."""
    match = _REQUIREMENT.fullmatch(requirement)
    if match is None or match["rest"].lstrip().startswith((":", "/", "\\")):  # a URL or a path
        return (requirement,)
    name = _normalise(match["name"])
    if name not in _PROVIDED:
        return (requirement,)
    extras = [extra.strip().lower() for extra in (match["extras"] or "").split(",")]
    return tuple(package for extra in (None, *extras) for package in _BROUGHT.get((name, extra), ()))


def _normalise(specification: str) -> str:
    name = re.split(r"[\s=<>!~\[;@]", specification.strip().rpartition("::")[2], maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
