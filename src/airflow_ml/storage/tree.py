"""
The files below a local folder, with one rule for what is no plain file.

Links that stay inside the folder count as what they point to; a link that leads out, or nowhere, and special files
(pipes, sockets, devices) are refused: neither can be copied in a way that another machine would understand.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.protocol import join_path, normalise_path

__all__ = ["TreeFile", "walk_files"]


@dataclass(frozen=True)
class TreeFile:
    """
    One file below a folder.

    Attributes:
        path: relative to the folder, with `/`; "" where the folder is itself a file.
        place: where the bytes lie.
        is_link: reached through a link, so the bytes belong to another name as well.
    """

    path: str
    place: Path
    is_link: bool


def walk_files(root: Path) -> Iterator[TreeFile]:
    """
    Yield the files of a folder in the order of their paths, or the one file that `root` is.

    Raises:
        UserErrorException: something in it is no file, no folder, and no link inside it.
        FileNotFoundError: there is nothing at `root`.
    """
    real_root = Path(os.path.realpath(root))
    mode = real_root.stat().st_mode
    if stat.S_ISDIR(mode):
        yield from _walk(real_root, real_root, "", (str(real_root),), through_link=False)
    elif stat.S_ISREG(mode):
        yield TreeFile("", real_root, root.is_symlink())
    else:
        raise UserErrorException(f"{root.name!r}: is {_kind(mode)}; only files and folders can be stored")


def _walk(root: Path, folder: Path, prefix: str, above: tuple[str, ...], *, through_link: bool) -> Iterator[TreeFile]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name + "/" * _is_folder(entry))
    for entry in entries:
        path = normalise_path(join_path(prefix, entry.name))
        is_link = through_link or entry.is_symlink()
        place = Path(_inside(root, entry, path)) if entry.is_symlink() else Path(entry.path)
        if entry.is_file(follow_symlinks=False):  # nearly all, and this asks nothing of the disk
            yield TreeFile(path, place, is_link)
            continue
        mode = place.stat().st_mode
        if stat.S_ISDIR(mode):
            real = os.path.realpath(place)
            if real in above:
                raise UserErrorException(f"{path!r}: is a link to a folder that it lies in; remove the link")
            yield from _walk(root, place, path, (*above, real), through_link=is_link)
        elif stat.S_ISREG(mode):
            yield TreeFile(path, place, is_link)
        else:
            raise UserErrorException(f"{path!r}: is {_kind(mode)}; only files and folders can be stored")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir(follow_symlinks=False)


def _inside(root: Path, entry: os.DirEntry[str], path: str) -> str:
    real = os.path.realpath(entry.path)
    if not Path(real).is_relative_to(root):
        raise UserErrorException(
            f"{path!r}: is a link to {str(Path(entry.path).readlink())!r}, outside of the folder; write the file itself"
        )
    if not Path(real).exists():
        raise UserErrorException(f"{path!r}: is a link to {str(Path(entry.path).readlink())!r}, which is not there")
    return real


def _kind(mode: int) -> str:
    kinds = {stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISBLK: "a device", stat.S_ISCHR: "a device"}
    return next((name for test, name in kinds.items() if test(mode)), "no file")
