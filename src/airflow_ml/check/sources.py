"""
Scripts and notebooks as pieces of Python.

A notebook's cells run in one process, so they are one piece; a cell that writes a script (`%%writefile train.py`) is a
piece of its own, because another process runs it. IPython's magics, shell lines and questions are blanked, so that
every line keeps its number.
"""

from __future__ import annotations

import ast
import json
import os
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["Piece", "Place", "Unreadable", "find_files", "read_pieces"]

_SUFFIXES = (".py", ".ipynb")
#: Never a person's own code.
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})
#: What IPython runs and Python does not: magics and shell lines, also behind `name =`, and questions.
_MAGIC = re.compile(r"^(?P<indent>\s*)(?:(?P<name>[\w, ]+=\s*)?[%!][^=].*|\?.*|[\w.]+\?{1,2}\s*)$")
#: Cell magics whose body is Python of the same process.
_PYTHON_CELLS = frozenset({"capture", "time", "timeit", "prun", "python", "python3"})
_WRITE_CELL = "writefile"


@dataclass(frozen=True)
class Place:
    """Where something stands; in a notebook the line is that of the cell, which is counted from 1."""

    file: str
    line: int
    cell: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.cell is None else f"{self.file}[{self.cell}]:{self.line}"

    def to_data(self) -> dict[str, Json]:
        """Return the place as JSON."""
        place: dict[str, Json] = {"file": self.file, "line": self.line}
        return place if self.cell is None else {**place, "cell": self.cell}


@dataclass(frozen=True)
class Piece:
    """
    Code of one process: trees that run one after another, one a cell, or a single one.

    Attributes:
        script: the file that a cell writes, else None.
    """

    file: str
    trees: tuple[tuple[int | None, ast.Module], ...]
    script: str | None = None


@dataclass(frozen=True)
class Unreadable:
    """Code that is no Python, and why."""

    place: Place
    why: str


def find_files(paths: Iterable[str]) -> list[Path]:
    """
    Return the files, and the scripts and notebooks in the folders; nothing hidden and no installed packages.

    Raises:
        UserErrorException: a path is not there.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            found.update(dict.fromkeys(_in_folder(path)))
        elif path.is_file():
            found[path] = None
        else:
            raise UserErrorException(f"{str(path)!r}: is no file and no folder")
    return list(found)


def read_pieces(file: Path) -> Iterator[Piece | Unreadable]:
    """Return what a file holds; what cannot be read keeps nothing else from being read."""
    try:
        text = _read_text(file)
        if file.suffix == ".ipynb":
            yield from _of_notebook(str(file), json.loads(text))
            return
    except (OSError, ValueError, SyntaxError) as error:
        yield Unreadable(Place(str(file), 1), f"cannot be read: {error}")
        return
    parsed = _parse(text, Place(str(file), 1))
    yield Piece(str(file), ((None, parsed),)) if isinstance(parsed, ast.Module) else parsed


def _in_folder(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(parent, name)


def _read_text(file: Path) -> str:
    if file.suffix == ".ipynb":
        return file.read_text(encoding="utf-8-sig")
    with tokenize.open(file) as stream:  # by the encoding that the script declares
        return stream.read()


def _of_notebook(file: str, notebook: object) -> Iterator[Piece | Unreadable]:
    """Read the cells; the layouts before version 4 keep them in worksheets."""
    trees: list[tuple[int | None, ast.Module]] = []
    for number, text in enumerate(_cells(notebook), start=1):
        place = Place(file, 1, number)
        first, _, body = text.partition("\n")
        magic = first[2:].split() if first.startswith("%%") else []
        if magic and magic[0] == _WRITE_CELL:
            script = magic[-1]
            if script.endswith(".py"):
                parsed = _parse(f"\n{body}", place)
                yield Piece(file, ((number, parsed),), script) if isinstance(parsed, ast.Module) else parsed
            continue
        if magic and magic[0] not in _PYTHON_CELLS:
            continue
        parsed = _parse(_without_magics(f"\n{body}" if magic else text), place)
        if isinstance(parsed, ast.Module):
            trees.append((number, parsed))
        else:
            yield parsed
    yield Piece(file, tuple(trees))


def _cells(notebook: object) -> Iterator[str]:
    if not isinstance(notebook, dict):
        raise ValueError("a notebook is a JSON object")
    sheets = notebook.get("worksheets")
    for holder in sheets if isinstance(sheets, list) else [notebook]:
        for cell in holder.get("cells", []):
            source = cell.get("source", cell.get("input", ""))
            text = "".join(source) if isinstance(source, list) else str(source)
            yield text if cell.get("cell_type") == "code" else ""


def _without_magics(text: str) -> str:
    """Return Python of as many lines."""
    lines, is_going_on = [], False
    for line in text.split("\n"):
        match = None if is_going_on else _MAGIC.match(line)
        if match is not None:
            name = match["name"]
            lines.append(f"{match['indent']}{f'{name}None' if name else 'pass'}")
        else:
            lines.append("" if is_going_on else line)
        # A shell line goes on behind a backslash.
        is_going_on = (match is not None or is_going_on) and line.endswith("\\")
    return "\n".join(lines)


def _parse(text: str, place: Place) -> ast.Module | Unreadable:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or place.line
        reason = getattr(error, "msg", None) or str(error)
        return Unreadable(Place(place.file, line, place.cell), f"is not Python 3: {reason}")
