"""
Looking through a source directory: which files are its code, and what their stat results are.

What is no plain file is decided like this: a link to a file or folder inside the directory counts as what it points
to; a link that leads out of it, or nowhere, and pipes, sockets and devices are errors, because leaving them out
silently would run other code than the author sees. The ignore file is the way out.

A workspace's home below the directory (`AIRFLOW_ML_HOME=./home`) is never looked into. It is no code, and closing a
file of an open SQLite database, which reading it does, drops the locks that the process holds on it.
"""

from __future__ import annotations

import os
import stat
import struct
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from airflow_ml.exceptions import SnapshotException
from airflow_ml.snapshots.ignore import IgnoreRules
from airflow_ml.snapshots.index import STATS, KnownFolder, stat_numbers

__all__ = ["Folder", "FolderSearch", "unreadable"]

_WAY_OUT = "remove it, or name it in .amlignore"
_NOTHING: frozenset[str] = frozenset()


class Folder(NamedTuple):
    """
    A folder of code as it is now.

    Attributes:
        path: relative to the source directory, "" for itself.
        place: where it lies; below folders reached through a link that is not where its path says.
        names: of its files that are not ignored, in no order.
        stats: of each, as the index has them.
        ignored: names of its files that are ignored.
    """

    path: str
    place: str
    names: list[str]
    stats: bytes
    ignored: frozenset[str]

    def path_of(self, name: str) -> str:
        """Return the path of something in the folder relative to the source directory."""
        return f"{self.path}/{name}" if self.path else name

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and stat results of each file."""
        for number, name in enumerate(self.names):
            yield name, self.stats[number * STATS.size : (number + 1) * STATS.size]

    def sizes(self) -> list[int]:
        """Return the size of each file in bytes."""
        return [size for _, size, *_ in STATS.iter_unpack(self.stats)]

    def is_as(self, known: KnownFolder | None) -> bool:
        """Tell whether the index knows the folder exactly like this."""
        return known is not None and known.names == self.names and known.stats == self.stats


class FolderSearch:
    """
    The search for a source directory's code.

    Args:
        root: the directory, a real path.
        home: a folder that is never entered, a real path.
        known: what was decided by the same rules before; it is not decided again.
    """

    def __init__(self, root: str, home: str, rules: IgnoreRules, known: Mapping[str, KnownFolder]) -> None:
        self._root = root
        self._home = home
        self._rules = rules
        self._known = known

    def folders(self) -> list[Folder]:
        """
        Return the root and all folders below it that are not ignored.

        Raises:
            SnapshotException: something cannot be read or kept.
        """
        found = []
        to_do: list[tuple[str, tuple[str, ...]]] = [("", (self._root,))]
        while to_do:
            path, above = to_do.pop()
            known = self._known.get(path)
            listing = _Listing(path, above[-1])
            listing.read(known.ignored if known else _NOTHING)
            to_do += [(deeper, (*above, place)) for deeper, place in self._below(listing, above)]
            folder = listing.folder()
            found.append(folder if folder.is_as(known) else self._without_ignored(folder, known))
        return found

    def _below(self, listing: _Listing, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield path and place of each folder to enter; files that links lead to are added to the listing."""
        for entry in listing.folders:
            path = listing.path_of(entry.name)
            if entry.path != self._home and (path in self._known or not self._rules.ignores(path, is_folder=True)):
                yield path, entry.path
        for entry in sorted(listing.others, key=lambda other: other.name):
            path = listing.path_of(entry.name)
            if self._rules.ignores(path, is_folder=Path(entry.path).is_dir()):
                continue
            place = self._inside(entry, path)
            try:
                status = Path(place).stat()
            except OSError as exc:
                raise SnapshotException(unreadable(path, exc)) from exc
            if stat.S_ISREG(status.st_mode):
                listing.add(entry.name, status)
            elif not stat.S_ISDIR(status.st_mode):
                raise SnapshotException(f"source file {path!r}: is a pipe, socket or device; {_WAY_OUT}")
            elif place in above:
                raise SnapshotException(f"source file {path!r}: is a link to a folder that it lies in; {_WAY_OUT}")
            elif place != self._home:
                yield path, place

    def _inside(self, entry: os.DirEntry[str], path: str) -> str:
        """Return where an entry's bytes lie."""
        if not entry.is_symlink():
            return entry.path
        real = os.path.realpath(entry.path)
        aim = str(Path(entry.path).readlink())
        if not Path(real).is_relative_to(self._root):
            raise SnapshotException(
                f"source file {path!r}: is a link to {aim!r}, outside of the source directory; put the file there"
                " itself, or name the link in .amlignore"
            )
        if not Path(real).exists():
            raise SnapshotException(f"source file {path!r}: is a link to {aim!r}, which is not there; {_WAY_OUT}")
        return real

    def _without_ignored(self, folder: Folder, known: KnownFolder | None) -> Folder:
        decided = frozenset(known.names if known else ())
        new = [name for name in folder.names if name not in decided]
        ignored = {name for name in new if self._rules.ignores(_utf8(folder.path_of(name)), is_folder=False)}
        if not ignored:
            return folder
        kept = [(name, stats) for name, stats in folder.files() if name not in ignored]
        names, stats = [name for name, _ in kept], b"".join(stats for _, stats in kept)
        return folder._replace(names=names, stats=stats, ignored=folder.ignored | ignored)


class _Listing:
    """What one folder holds: plain files, folders, and what must be looked at more closely."""

    def __init__(self, path: str, place: str) -> None:
        self.path = path
        self.place = place
        self.names: list[str] = []
        self.numbers: list[int] = []
        self.folders: list[os.DirEntry[str]] = []
        self.others: list[os.DirEntry[str]] = []
        self.ignored: list[str] = []

    def read(self, ignored: frozenset[str]) -> None:
        # Of a directory that has not changed this loop is all there is, so it is as plain as can be.
        names, numbers = self.names, self.numbers
        try:
            with os.scandir(self.place) as scan:
                for entry in scan:
                    if entry.is_file(follow_symlinks=False):
                        if entry.name in ignored:
                            self.ignored.append(entry.name)
                        else:
                            numbers += stat_numbers(entry.stat())
                            names.append(entry.name)
                    elif entry.is_dir(follow_symlinks=False):
                        self.folders.append(entry)
                    else:
                        self.others.append(entry)
        except OSError as exc:
            name = Path(exc.filename or self.place).relative_to(self.place)
            raise SnapshotException(unreadable(str(Path(self.path, name)), exc)) from exc

    def add(self, name: str, status: os.stat_result) -> None:
        self.names.append(name)
        self.numbers += stat_numbers(status)

    def path_of(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def folder(self) -> Folder:
        try:
            stats = array("q", self.numbers).tobytes()
        except OverflowError:  # some file systems give inodes of 64 bits
            stats = struct.pack("=" + STATS.format[1:] * len(self.names), *self.numbers)
        return Folder(self.path, self.place, self.names, stats, frozenset(self.ignored) if self.ignored else _NOTHING)


def unreadable(path: str, exc: OSError) -> str:
    """Return the text of the error about a file or folder that cannot be read."""
    return f"source file {path!r}: cannot be read: {exc.strerror}; make it readable, or name it in .amlignore"


def _utf8(path: str) -> str:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise SnapshotException(f"source file {path!r}: the name is not UTF-8; rename it") from exc
    return path
