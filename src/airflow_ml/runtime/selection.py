"""Which files or rows the steps of a dataset definition keep: the same ones every time and on every Python."""

from __future__ import annotations

import random
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TypeVar

    Item = TypeVar("Item")

__all__ = ["glob_pattern", "kept_positions", "select"]

_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_MEANINGS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def glob_pattern(glob: str) -> re.Pattern[str]:
    """
    Return what matches whole paths within a dataset, without their leading `/`.

    `*` and `?` stay within one name, `**` goes across folders; a pattern of one name fits names in every folder.
    """
    text = glob.lstrip("/")
    pieces, end = ["" if "/" in text else "(?:.*/)?"], 0
    for wildcard in _WILDCARD.finditer(text):
        pieces += [re.escape(text[end : wildcard.start()]), _MEANINGS[wildcard.group()]]
        end = wildcard.end()
    return re.compile("".join([*pieces, re.escape(text[end:])]), re.DOTALL)


def kept_positions(step: Mapping[str, Any], count: int) -> Sequence[int] | None:
    """
    Return the positions out of `count` that one step keeps, in their order, or None for a step on columns.

    Samples and splits draw one number per position from `random.Random(seed)`, whose sequence Python guarantees.
    """
    op = step["op"]
    if op == "take":
        return range(min(step["count"], count))
    if op == "skip":
        return range(min(step["count"], count), count)
    if op not in ("sample", "split"):
        return None
    draw = random.Random(step["seed"]).random  # noqa: S311 - a sample of data keeps no secret
    share = step["probability"] if op == "sample" else step["percentage"]
    inside = op == "sample" or step["part"] == 0
    return [position for position in range(count) if (draw() < share) is inside]


def select(items: Iterable[Item], steps: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Return the items (a file dataset's files in their order) that all steps keep."""
    kept = list(items)
    for step in steps:
        positions = kept_positions(step, len(kept))
        if positions is not None:
            kept = [kept[position] for position in positions]
    return kept
