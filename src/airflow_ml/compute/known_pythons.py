"""
What was found out about interpreters of this machine, kept in a file: asking one costs a process each time.

An answer holds as long as the interpreter behind the path is the same file, by its inode, size and time.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["KnownPythons"]


class KnownPythons:
    """
    Versions by path, and paths by the minor version that was looked for.

    Args:
        file: None keeps nothing.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def version(self, python: str) -> str | None:
        """Return the version that the interpreter had when it was asked; None if it was not, or is another by now."""
        known = self._read()["versions"].get(python)
        return known[1] if known and known[0] == _identity(python) else None

    def path(self, minor: str) -> str | None:
        """Return where an interpreter of a version such as `3.12` was found, if it is still the same."""
        python = self._read()["paths"].get(minor)
        return python if python and self.version(python) is not None else None

    def keep(self, python: str, version: str, *, minor: str | None = None) -> None:
        """Remember an interpreter's version, and that it was found for this minor version."""
        if self._file is None:
            return
        known = self._read()
        known["versions"][python] = [_identity(python), version]
        if minor is not None:
            known["paths"][minor] = python
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):  # it is found out again then
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(known))
            part.replace(self._file)

    def _read(self) -> dict[str, dict[str, Any]]:
        empty: dict[str, dict[str, Any]] = {"versions": {}, "paths": {}}
        if self._file is None:
            return empty
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return empty
        return {**empty, **known} if isinstance(known, dict) else empty


def _identity(python: str) -> list[int] | None:
    try:
        facts = Path(python).stat()
    except OSError:
        return None
    return [facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns]
