r"""
Names of blobs: the service takes a backslash for a slash, so a backslash is stored as U+FF3C, which looks like one.

A name that has U+FF3C itself gets U+201B in front of it; both as rclone does. `decoded(encoded(name)) == name` for
every name, and `encoded(decoded(name)) == name` for every blob.
"""

from __future__ import annotations

import re

__all__ = ["decoded", "encoded"]

_SLASH, _QUOTE = "\uff3c", "\u201b"

_TO_ENCODE = re.compile(f"({_QUOTE}*)([{_SLASH}\\\\])")
_TO_DECODE = re.compile(f"({_QUOTE}*){_SLASH}")


def encoded(name: str) -> str:
    """Return the name under which the service keeps a file."""
    if "\\" not in name and _SLASH not in name:
        return name
    return _TO_ENCODE.sub(lambda found: f"{_QUOTE * (2 * len(found[1]) + (found[2] == _SLASH))}{_SLASH}", name)


def decoded(name: str) -> str:
    """Return the name of the file that the service keeps under a name."""
    return _TO_DECODE.sub(_character, name) if _SLASH in name else name


def _character(found: re.Match[str]) -> str:
    quotes, is_literal = divmod(len(found[1]), 2)
    return _QUOTE * quotes + (_SLASH if is_literal else "\\")
