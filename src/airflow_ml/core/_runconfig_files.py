"""
Run configurations as files, in the layout of v1: YAML in `.azureml`, packages in a conda file beside it.

Imported at its first use. v1 shares `conda_dependencies.yml` among all configurations of a project, so that saving
one changes the others; here a file that says something else is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow_ml._late import late
from airflow_ml.core._caller import base_directory
from airflow_ml.core._environment_files import refuse_credentials
from airflow_ml.core._file_form import file_form, fill
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.exceptions import RunConfigurationException, UserErrorException

__all__ = ["delete", "load", "save"]

#: Without types, like everywhere: a stand-in for the module.
yaml: Any = late("yaml")

_FOLDERS = (".azureml", "aml_config")
_SUFFIX = ".runconfig"
_PACKAGES = "conda_dependencies.yml"
_ENVIRONMENT = "environment.yml"


def save(config: RunConfiguration, path: str | None, name: str | None, *, separate_environment: bool) -> None:
    """Write the configuration; see `RunConfiguration.save`."""
    refuse_credentials(config.environment)
    if path is not None and name is not None and not Path(path).is_dir():
        raise UserErrorException(
            f"run configuration {name!r}: {path!r} is not a folder; make it, or give the path of a file and no name"
        )
    project, file = _target(Path(path or config._path or Path.cwd()), name or config._name)
    folder = file.parent.relative_to(project)
    form = file_form(config)
    environment = form["environment"]
    packages = environment["python"].pop("condaDependencies")
    file.parent.mkdir(parents=True, exist_ok=True)
    if packages is not None:
        wanted = environment["python"]["condaDependenciesFile"] or (folder / _PACKAGES).as_posix()
        written = _write_beside(project, wanted, file.stem, packages)
        environment["python"]["condaDependenciesFile"] = written
    if separate_environment:
        form["environment"] = _write_beside(project, (folder / _ENVIRONMENT).as_posix(), file.stem, environment)
    file.write_text(_as_yaml(form, where=f"run configuration {str(file)!r}"), encoding="utf-8")


def _target(path: Path, name: str | None) -> tuple[Path, Path]:
    """Return the folder that paths in the file start from, and the file."""
    if path.is_dir():
        if not name:
            raise UserErrorException(
                f"run configuration: {str(path)!r} is a folder; give the name of the file that save shall write in it"
            )
        known = [folder for folder in _FOLDERS if (path / folder).is_dir()]
        return path, path / (known or _FOLDERS)[0] / name
    if not path.parent.is_dir():
        raise UserErrorException(
            f"run configuration: {str(path.parent)!r} is not a folder; give a file in a folder that is there, or a "
            "project folder and a name"
        )
    return path.parent, path


def _write_beside(project: Path, wanted: str, owner: str, content: Mapping[str, Any]) -> str:
    """Write YAML to the wanted path, or beside it if another one's is there; return the path from the project."""
    path = project / wanted
    if path.is_file():
        if yaml.safe_load(path.read_text(encoding="utf-8")) == content:
            return wanted  # as it is: its author's comments stay
        if not path.name.startswith(f"{owner}_"):
            path = path.with_name(f"{owner}_{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_as_yaml(content, where=f"run configuration: {path.name!r}"), encoding="utf-8")
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)


def _as_yaml(content: Mapping[str, Any], *, where: str) -> str:
    try:
        return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    except yaml.representer.RepresenterError as exc:
        raise RunConfigurationException(
            f"{where}: holds {exc.args[-1]!r}, which a file cannot hold; take it out before saving, and give it to the "
            "step as argument or input"
        ) from exc


def load(path: str | None, name: str | None) -> RunConfiguration:
    """Return the configuration; see `RunConfiguration.load`."""
    start = Path(base_directory()) / (path or "")
    file = next((candidate for candidate in _candidates(start, name) if candidate.is_file()), None)
    if file is None:
        raise UserErrorException(
            f"run configuration {name!r}: there is none at {str(start)!r}; it is looked for there and in "
            f"{' and '.join(_FOLDERS)}, with and without {_SUFFIX!r}; correct path or name"
        )
    where = f"run configuration {str(file)!r}"
    content = _mapping(file, where=where)
    # Paths in the file start at the project; who names the file itself may mean one in `.azureml` of the project.
    projects = [start] if start.is_dir() else [file.parent, file.parent.parent]
    if isinstance(content.get("environment"), str):
        beside = _referred(projects, content["environment"], where=where)
        content["environment"] = _mapping(beside, where=f"{where}, 'environment'")
    in_project = start.is_dir()
    config = RunConfiguration(_path=str(start if in_project else file), _name=file.name if in_project else None)
    fill(config, content, where=where)
    packages = config.environment.python.conda_dependencies_file
    if packages is not None:
        found = str(_referred(projects, packages, where=where))
        config.environment.python.conda_dependencies = CondaDependencies(found)
    return config


def _candidates(start: Path, name: str | None) -> Iterator[Path]:
    bare = [start / folder / name for folder in (*_FOLDERS, "")] if name else [start]
    for path in bare:
        yield path
        yield path.with_name(path.name + _SUFFIX)


def _mapping(file: Path, *, where: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise RunConfigurationException(f"{where}: {str(file)!r} cannot be read as YAML: {exc}") from exc
    if not isinstance(content, dict):
        raise RunConfigurationException(f"{where}: {str(file)!r} holds {content!r}, expected a mapping")
    return content


def _referred(projects: list[Path], path: str, *, where: str) -> Path:
    for project in projects:
        if (project / path).is_file():
            return project / path
    raise RunConfigurationException(
        f"{where}: names the file {path!r}, which is not below {str(projects[0])!r}; put it there or correct the path"
    )


def delete(path: str, name: str) -> None:
    """Remove the file; see `RunConfiguration.delete`."""
    project = Path(base_directory()) / path
    found = [
        project / folder / file
        for folder in _FOLDERS
        for file in (name, name + _SUFFIX)
        if (project / folder / file).is_file()
    ]
    if not found:
        raise UserErrorException(
            f"run configuration {name!r}: there is none in {str(project)!r} ({' or '.join(_FOLDERS)}); correct the name"
        )
    for file in found:
        file.unlink()
