"""Searching files for secrets."""

from __future__ import annotations

import subprocess
from pathlib import Path


def files_with(folder: Path, *marks: str | bytes, but: Path | None = None) -> list[str]:
    """
    Return which files below a folder hold one of the marks, relative to it.

    Another process reads them: closing a file drops all locks that this process has on it, SQLite's on a registry that
    is open too, and others then remove the log that it writes to.
    """
    patterns = b"\n".join(mark.encode() if isinstance(mark, str) else mark for mark in marks)
    done = subprocess.run(["grep", "-rlaF", "-f", "-", "."], input=patterns, cwd=folder, capture_output=True)
    # Files that are gone by the time that they are read are no mistake of the search.
    assert done.returncode in (0, 1) or b"No such file" in done.stderr, done.stderr
    found = [folder / line for line in done.stdout.decode().splitlines()]
    return [str(file.relative_to(folder)) for file in found if not (but and file.is_relative_to(but))]
