"""What a step declares not to count: `ignore_in_fingerprint`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Ignored"]


@dataclass(frozen=True)
class Ignored:
    """Names that do not count, by what they are names of; patterns of source files are the snapshots' business."""

    parameters: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Ignored:
        """Read entries of the form `parameter:NAME`, `input:NAME`, `variable:NAME`."""
        names: dict[str, set[str]] = {"parameter": set(), "input": set(), "variable": set()}
        for entry in entries:
            kind, _, name = entry.partition(":")
            if kind in names:
                names[kind].add(name)
        return cls(*(frozenset(names[kind]) for kind in ("parameter", "input", "variable")))
