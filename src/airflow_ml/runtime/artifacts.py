"""Files that a script hands to its operator: artifacts of a run, model files, files for a datastore."""

from __future__ import annotations

import os

from airflow_ml.exceptions import ServiceException, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from airflow_ml.runtime.context import Context

__all__ = ["artifact_name", "copy_in", "files_below", "offered"]


def artifact_name(name: str) -> str:
    """
    Return an artifact's name in its stored form: parts joined by `/`, none of them empty or a dot.

    Raises:
        UserErrorException: nothing is left of it, or it climbs out by `..`.
    """
    parts = [part for part in str(name).replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise UserErrorException(f"artifact name {name!r}: expected a relative path without '..'")
    return "/".join(parts)


def copy_in(context: Context, source: str | BinaryIO) -> str:
    """
    Copy a file or stream into the run directory's uploads and return its absolute path there.

    Raises:
        UserErrorException: the file is not there or is no file.
        ServiceException: the copy could not be written.
    """
    import shutil  # costs 5 ms, and only uploads need it

    if isinstance(source, (str, os.PathLike)) and not os.path.isfile(source):
        raise UserErrorException(f"upload of {os.fspath(source)!r}: no such file in {os.getcwd()!r}")
    target = os.path.join(context.directory.uploads, os.urandom(12).hex())
    try:
        os.makedirs(context.directory.uploads, exist_ok=True)
        if isinstance(source, (str, os.PathLike)):
            shutil.copyfile(source, target)
        else:
            with open(target, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
    except OSError as exc:
        if os.path.exists(target):
            os.unlink(target)
        raise ServiceException(f"upload of {source!r}: not copied into the run directory: {exc.strerror}", exc) from exc
    return target


def offered(context: Context, path: str) -> str:
    """
    Return an absolute path under which the operator can read a file or folder.

    It is the path itself if that lies in the run directory, else a copy in its uploads.
    """
    absolute = os.path.abspath(path)
    if context.directory.contains(absolute):
        return absolute
    if os.path.isfile(absolute):
        # The name must survive: it becomes the file's name in the model or on the datastore.
        folder = os.path.join(context.directory.uploads, os.urandom(12).hex())
        os.makedirs(folder)
        target = os.path.join(folder, os.path.basename(absolute))
        os.rename(copy_in(context, absolute), target)
        return target
    folder = os.path.join(context.directory.uploads, os.urandom(12).hex(), os.path.basename(absolute))
    os.makedirs(folder)
    for file, relative in files_below(absolute):
        target = os.path.join(folder, relative)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(copy_in(context, file), target)
    return folder


def files_below(folder: str) -> Iterator[tuple[str, str]]:
    """
    Yield each file of a folder and its path relative to it with `/`, in name order.

    Folders that are links are not entered.

    Raises:
        UserErrorException: the folder is not there.
    """
    if not os.path.isdir(folder):
        raise UserErrorException(f"folder {folder!r}: not there; working directory is {os.getcwd()!r}")
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)
            yield path, os.path.relpath(path, folder).replace(os.sep, "/")
