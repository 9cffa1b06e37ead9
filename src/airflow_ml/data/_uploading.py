"""Files between this machine and a datastore. Imported at its first use, never while a DAG file is parsed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from airflow_ml.data._definition import sources_of
from airflow_ml.data._stores import store_named
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath
from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import Home
from airflow_ml.storage import transfer
from airflow_ml.storage.protocol import Upload, join_path, normalise_path

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import Store

__all__ = ["Target", "download", "join", "place_of", "upload", "upload_directory", "upload_files"]

#: What v1 takes as a place to write to.
Target: TypeAlias = "DataPath | AbstractDatastore | tuple[AbstractDatastore, str]"


def upload(
    datastore: AbstractDatastore, src_dir: str, target_path: str | None, *, overwrite: bool, show_progress: bool
) -> int:
    """Copy a folder's content to a datastore and return how many files were written."""
    written = transfer.put_tree(
        _store(datastore),
        Path(src_dir),
        _folder(target_path),
        overwrite=overwrite,
        memory=_memory(),
        show_progress=show_progress,
    )
    _say(show_progress, f"uploaded {written} files from {src_dir} to {datastore.name}/{_folder(target_path)}")
    return written


def upload_files(
    datastore: AbstractDatastore,
    files: Sequence[str],
    relative_root: str | None,
    target_path: str | None,
    *,
    overwrite: bool,
    show_progress: bool,
) -> int:
    """Copy named files to a datastore and return how many were written."""
    if not files or isinstance(files, str):
        raise UserErrorException(f"upload_files: {files!r} is not a list of files; name at least one")
    places = [Path(os.path.abspath(file)) for file in files]
    root = Path(os.path.abspath(relative_root)) if relative_root else _shared_folder(places)
    uploads = [Upload(place, join_path(_folder(target_path), _below(place, root))) for place in places]
    written = transfer.upload(
        _store(datastore), uploads, overwrite=overwrite, memory=_memory(), show_progress=show_progress
    )
    _say(show_progress, f"uploaded {written} of {len(uploads)} files to {datastore.name}/{_folder(target_path)}")
    return written


def _shared_folder(places: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([place.parent for place in places]))


def _below(place: Path, root: Path) -> str:
    if not place.is_relative_to(root):
        raise UserErrorException(
            f"upload_files: {str(place)!r} is not below relative_root {str(root)!r}; leave relative_root out, or name "
            "a folder that holds all files"
        )
    return place.relative_to(root).as_posix()


def download(
    datastore: AbstractDatastore, target_path: str, prefix: str | None, *, overwrite: bool, show_progress: bool
) -> int:
    """Copy files from a datastore below a folder and return how many were written."""
    start = (prefix or "").lstrip("/")
    if start and datastore.datastore_type == "AzureFile" and not start.endswith("/"):
        start += "/"
    written = transfer.download(
        _store(datastore),
        start,
        Path(target_path),
        overwrite=overwrite,
        memory=_memory(),
        show_progress=show_progress,
    )
    _say(show_progress, f"downloaded {written} files from {datastore.name}/{start} to {target_path}")
    return written


def upload_directory(
    src_dir: str,
    target: Target,
    *,
    pattern: str | None,
    overwrite: bool,
    show_progress: bool,
) -> None:
    """Copy a folder, or what matches in it, to a place on a datastore."""
    datastore, folder = place_of(target, where="Dataset.File.upload_directory")
    if pattern is None:
        if upload(datastore, src_dir, folder, overwrite=overwrite, show_progress=show_progress) == 0:
            _require_files(src_dir, "**/*")
        return
    files = _require_files(src_dir, pattern)
    upload_files(datastore, files, src_dir, folder, overwrite=overwrite, show_progress=show_progress)


def _require_files(src_dir: str, pattern: str) -> list[str]:
    files = [str(path) for path in sorted(Path(src_dir).glob(pattern)) if path.is_file()]
    if not files:
        raise UserErrorException(
            f"Dataset.File.upload_directory: no file in {src_dir!r} matches {pattern!r}; correct the folder or the "
            "pattern"
        )
    return files


def place_of(target: Target, *, where: str) -> tuple[AbstractDatastore, str]:
    """Return datastore and folder of what v1 takes as `target`; raises UserErrorException for anything else."""
    if isinstance(target, AbstractDatastore):
        return target, ""
    if isinstance(target, (DataPath, DataReference)):
        return target.datastore, (target.path_on_datastore or "").lstrip("/")
    if isinstance(target, tuple) and len(target) == 2 and isinstance(target[0], AbstractDatastore):
        sources_of(target, where=where)
        return target[0], str(target[1]).lstrip("/")
    raise UserErrorException(f"{where}: target {target!r} is no place; give (datastore, 'folder') or a DataPath")


def join(folder: str, name: str) -> str:
    """Return the path of a name below a folder of a datastore."""
    return join_path(normalise_path(folder), name)


def _store(datastore: AbstractDatastore) -> Store:
    return store_named(datastore.workspace, datastore.name)


def _memory() -> transfer.TransferMemory:
    return transfer.TransferMemory(Home.default().digests / "transfers")


def _folder(path: str | None) -> str:
    return normalise_path((path or "").lstrip("/"))


def _say(show_progress: bool, text: str) -> None:
    if show_progress:
        print(text)  # noqa: T201 - v1's show_progress
