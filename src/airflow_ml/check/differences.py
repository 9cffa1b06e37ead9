"""
How v1's names differ here: the rows of docs/compatibility.md, and which names each is about.

The page is the only list; this package has a link to it, so that what people read and what the command says cannot
drift apart. A row is about the names that its first cell has in code: classes, `Class.member`, members (of the class
that stands before them), modules (`azureml.core.authentication`) and arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from inspect import getattr_static
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.check.faces import classes_of_face

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from airflow_ml.graph import Json

__all__ = ["Difference", "find_difference", "read_differences"]

PAGE = "docs/compatibility.md"

_HEADING = re.compile(r"^## (.*)")
_ROW = re.compile(r"^\| (?P<names>.+?) \| (?P<state>works|differs|later|never) \| ?(?P<note>.*?) ?\|$")
_CODE = re.compile(r"([^`]*)`([^`]+)`")
#: `submit(ScriptRunConfig)`: about one kind of argument, which has a row of its own.
_OF_CLASS = re.compile(r"\([A-Z]")
_CALL = re.compile(r"\((?:(\w+)=)?\.\.\.\)$")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
#: Objects as the page calls them.
_OBJECTS = {"ws": "Workspace", "run": "Run", "dataset": "AbstractDataset"}
#: Whose members the bare names of a section are.
_DATASETS = ("FileDataset", "TabularDataset", "FileDatasetFactory", "TabularDatasetFactory", "Dataset")
_OWNERS = {
    "Workspace and datastores": ("Workspace", "Datastore"),
    "Datasets": _DATASETS,
    "Runs": ("Run", "PipelineRun", "StepRun", "ScriptRun"),
    "Models": ("Model",),
}
#: Where the functions are whose arguments a section speaks of.
_ROOMS = {
    "Datasets": ("airflow_ml.data", "airflow_ml.runtime"),
    "Steps, data and pipelines": ("airflow_ml.pipeline",),
    "Compute and environments": ("airflow_ml.core",),
}
#: Words of a first cell that say where the row holds.
_IN_A_STEP = re.compile(r"\bin(?:side)? a step\b|the step's own run")
_OUTSIDE = re.compile(r"\boutside of a step\b|\belsewhere\b")


@dataclass(frozen=True)
class Difference:
    """
    A row of the page.

    Attributes:
        names: as the page writes them.
        keys: what it is about: `Class`, `Class.member`, a module's dotted name below `azureml`, an argument.
        is_in_step: whether it holds for scripts of steps alone (True), for other code alone (False), or for both.
    """

    section: str
    names: str
    state: str
    note: str
    keys: frozenset[str]
    is_in_step: bool | None = None

    def to_data(self) -> Json:
        """Return the row as JSON."""
        return {"page": PAGE, "section": self.section, "names": plain(self.names), "note": plain(self.note)}


def find_difference(
    keys: Collection[str], arguments: Collection[str], *, room: str, is_step: bool
) -> Difference | None:
    """
    Return the row about a use: of its member, its class or its module, or else of one of its arguments.

    Args:
        keys: names of the use, the nearest first.
        arguments: names of those that are given.
        room: the module of ours that has it.
        is_step: whether a step's script makes the use.
    """
    rows = [row for row in read_differences() if row.is_in_step in (None, is_step)]
    for key in keys:
        for row in rows:
            if key in row.keys and row.state != "works":
                return row
        if any(key in row.keys for row in rows):
            break  # a row says that it works; what is said of the class does not count
    about = [row for row in rows if room.startswith(_ROOMS.get(row.section, ("airflow_ml",)))]
    return next((row for row in about if row.state == "differs" and not row.keys.isdisjoint(arguments)), None)


def plain(text: str) -> str:
    """Return Markdown of a cell as text."""
    return re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text.replace("\\|", "|").replace("`", ""))


@cache
def read_differences() -> tuple[Difference, ...]:
    """Return the page's rows."""
    return tuple(_rows(_page()))


def _page() -> str:
    """Return the page's text; an archive that cannot hold links has the link's target as the file's text."""
    file = Path(__file__).with_name("compatibility.md")
    text = file.read_text(encoding="utf-8")
    return text if "\n" in text.strip() else (file.parent / text.strip()).read_text(encoding="utf-8")


def _rows(text: str) -> Iterator[Difference]:
    section = ""
    for line in text.splitlines():
        heading, row = _HEADING.match(line), _ROW.match(line)
        if heading:
            section = heading[1]
        elif row:
            names = row["names"]
            is_in_step = True if _IN_A_STEP.search(names) else False if _OUTSIDE.search(names) else None
            yield Difference(section, names, row["state"], row["note"], frozenset(_keys(names, section)), is_in_step)


def _keys(cell: str, section: str) -> Iterator[str]:
    """
    Return what the code in a cell names; a bare member belongs to the classes before it, or to those of the section.

    A name behind `in` or `of` only says where something else is found.
    """
    owners: tuple[str, ...] = ()
    was_class = False
    for before, code in _CODE.findall(cell.replace("\\|", "|")):
        match = _NAME.match(code)
        if match is None or before.endswith(("in ", "of ")) or _OF_CLASS.search(code):
            was_class = False
            continue
        first, *rest = match[0].split(".")
        owner = _owner(_OBJECTS.get(first, first), rest[:-1])
        is_class = owner is not None and not rest
        if first == "azureml":
            yield from (".".join(rest), *rest[-1:])
        elif owner is not None:
            owners = (*owners, owner) if was_class and is_class else (owner,)
            yield f"{owner}.{rest[-1]}" if rest else f"{owner}{_brackets(code)}"
        else:
            yield from _members(owners or _OWNERS.get(section, ()), match[0])
        was_class = is_class


def _owner(name: str, below: Sequence[str]) -> str | None:
    """Return the name of the class that `Class` is, or `Class.Class`; None for anything else."""
    cls = classes_of_face().get(name)
    for part in below:
        cls = None if cls is None else getattr_static(cls, part, None)
    return cls.__name__ if isinstance(cls, type) else None


def _brackets(code: str) -> str:
    """Return `()` for a class that is called, and `(name)` where one argument is named."""
    match = _CALL.search(code)
    return "" if match is None else f"({match[1] or ''})"


def _members(owners: Collection[str], name: str) -> list[str]:
    """Return `Class.name` for the classes that have it; a name that none has is an argument, or a word of the page."""
    classes = classes_of_face()
    having = [owner for owner in owners if getattr_static(classes[owner], name, None) is not None]
    return [f"{owner}.{name}" for owner in having] or [name]
