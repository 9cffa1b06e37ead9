"""The files of registered models: into the workspace and out of it. Imported at its first use."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.data._stores import store_named
from airflow_ml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
)
from airflow_ml.execution.stores import ARTIFACT_STORE
from airflow_ml.storage import transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.registry import ModelRecord

__all__ = ["fetch", "find_local", "local_folder", "store"]


def store(workspace: Workspace, model_path: str, model_name: str, child_paths: Sequence[str] | None) -> str:
    """
    Copy a file or folder to the workspace and return its path there.

    Args:
        child_paths: only these files and folders of the folder, as in v1.

    Raises:
        ModelPathNotFoundException: nothing is there.
        UserErrorException: child paths of a file, or out of the folder.
    """
    source = Path(model_path)
    if not source.exists():
        raise ModelPathNotFoundException(
            f"model {model_name!r}: nothing at {str(source)!r}; give the path of a file or folder"
        )
    target = store_named(workspace, ARTIFACT_STORE)
    path = f"models/{model_name}/{uuid.uuid4()}/{source.absolute().name}"
    if child_paths:
        for file in _children(source, child_paths, where=f"model {model_name!r}"):
            transfer.put_file(target, file, f"{path}/{file.relative_to(source).as_posix()}")
    elif source.is_dir():
        transfer.put_tree(target, source, path)
    else:
        transfer.put_file(target, source, path)
    return path


def _children(folder: Path, child_paths: Sequence[str], *, where: str) -> list[Path]:
    if isinstance(child_paths, str) or not folder.is_dir():
        raise UserErrorException(
            f"{where}: child_paths {child_paths!r} of {str(folder)!r} expect a list of paths in a folder"
        )
    found: set[Path] = set()
    for child in child_paths:
        path = Path(os.path.normpath(folder / child))
        if not path.is_relative_to(os.path.normpath(folder)):
            raise UserErrorException(f"{where}: child path {child!r} is not in {str(folder)!r}; take it out")
        if not path.exists():
            raise ModelPathNotFoundException(f"{where}: child path {child!r} is not in {str(folder)!r}; correct it")
        found |= {file for file in path.rglob("*") if file.is_file()} if path.is_dir() else {path}
    return sorted(Path(folder, os.path.relpath(file, folder)) for file in found)


def fetch(workspace: Workspace, record: ModelRecord, target_dir: str, *, replace: bool) -> str:
    """
    Copy a model's file or folder below a folder, under the name that it was registered with; return its path.

    Raises:
        WebserviceException: it is there, and may not be replaced (v1's type).
        ModelPathNotFoundException: the files are gone from the datastore.
    """
    target = Path(os.path.normpath(target_dir)) / record.path.rstrip("/").rpartition("/")[2]
    if target.exists() and not replace:
        raise WebserviceException(f"model {record.id!r}: {str(target)!r} is there; pass exist_ok=True to replace it")
    source = store_named(workspace, record.datastore)
    if source.exists(record.path):
        source.get(record.path, target)
    elif transfer.get_tree(source, record.path, target) == 0:
        raise ModelPathNotFoundException(
            f"model {record.id!r}: nothing at {record.path!r} on datastore {record.datastore!r}; register it again"
        )
    return str(target)


def local_folder(name: str, version: int) -> Path:
    """Return where v1 keeps a downloaded model: `azureml-models/NAME/VERSION`, below AML_APP_ROOT if that is set."""
    return _root() / name / str(version)


def _root() -> Path:
    return Path(os.environ.get("AML_APP_ROOT", ""), "azureml-models")


def find_local(name: str, version: int | None) -> str:
    """
    Return the path of a model that was downloaded before, or of a file or folder of that name here (v1's order).

    Raises:
        ModelNotFoundException: there is neither.
        WebserviceException: the downloaded version is more than one file or folder.
    """
    known = sorted(int(folder.name) for folder in (_root() / name).glob("*") if folder.name.isdecimal())
    wanted = version if version is not None else max(known, default=0)
    if wanted in known:
        entries = sorted(local_folder(name, wanted).iterdir())
        if len(entries) != 1:
            raise WebserviceException(
                f"model {name!r}: {str(local_folder(name, wanted))!r} holds {[entry.name for entry in entries]!r}, "
                "expected one file or folder; remove it and download the model again"
            )
        return str(entries[0])
    if Path(name).exists():
        return name
    raise ModelNotFoundException(
        f"ModelNotFound: model {name!r} version {version or 'latest'!r} is neither in {str(_root() / name)!r} nor in "
        f"{os.getcwd()!r}; name the workspace with _workspace=, or use Model(workspace, name).download()"
    )
