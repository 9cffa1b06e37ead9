"""Choosing files of a store: by glob and by prefix, on top of its listing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from airflow_ml.storage.protocol import FileInfo, ReadableStore, normalise_path

__all__ = ["glob_files", "glob_matcher", "glob_root", "is_glob", "prefix_files"]

_WILDCARDS = re.compile(r"\*\*/|\*\*|\*")


def is_glob(path: str) -> bool:
    """Tell whether a path is a pattern: `*` is the only special character, as in the v1 SDK."""
    return "*" in path


def glob_root(pattern: str) -> str:
    """Return the folder that a pattern starts from: the elements before the first one with a `*`."""
    return normalise_path(pattern.split("*", 1)[0].rpartition("/")[0])


def glob_files(store: ReadableStore, pattern: str) -> Iterator[FileInfo]:
    """
    Yield the files that a pattern matches, in the order of their paths.

    `*` stands for anything within one element, `**` for anything, across elements; `**/` also for no folder at all.
    Names with a leading dot are matched like others.
    """
    matches = glob_matcher(pattern)
    is_deep = "**" in pattern or "/" in pattern.split("*", 1)[1]
    for info in store.list(glob_root(pattern), recursive=is_deep):
        if matches(info.path):
            yield info


def glob_matcher(pattern: str) -> Callable[[str], object]:
    """Return a function that gives something true for the paths that a pattern matches."""
    return re.compile(_translate(normalise_path(pattern)), re.DOTALL).fullmatch


def _translate(pattern: str) -> str:
    """Return the regular expression of a glob pattern."""
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    pieces, end = [], 0
    for wildcard in _WILDCARDS.finditer(pattern):
        pieces += [re.escape(pattern[end : wildcard.start()]), meaning[wildcard.group()]]
        end = wildcard.end()
    return "".join([*pieces, re.escape(pattern[end:])])


def prefix_files(store: ReadableStore, prefix: str) -> Iterator[FileInfo]:
    """Yield the files whose path begins with that text: `a/b` finds `a/b/c.txt` and `a/bc.txt`, as in the v1 SDK."""
    normal = normalise_path(prefix)
    if normal and prefix.endswith("/"):
        normal += "/"
    for info in store.list(normal.rpartition("/")[0]):
        if info.path.startswith(normal):
            yield info
