"""By which records two fingerprints differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.reuse.model import Record

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["Comparison", "Difference", "count_differences", "differences", "read_records"]


@dataclass(frozen=True)
class Difference:
    """A record that is not the same in both; None on the side that has none."""

    tag: str
    name: str
    old: Record | None
    new: Record | None

    @property
    def either(self) -> Record:
        """The newer record, or the older one where there is no newer."""
        record = self.new or self.old
        assert record is not None
        return record


@dataclass(frozen=True)
class Comparison:
    """
    The records of an earlier result and those of now.

    Attributes:
        place: step and graph of now, where they are at hand.
    """

    context: ReuseContext
    old: Sequence[Record]
    new: Sequence[Record]
    place: tuple[Step, Graph] | None = None


def read_records(rows: Iterable[Json]) -> tuple[Record, ...]:
    """Read records as the registry keeps them; what cannot be read is left out."""
    return tuple(
        Record(str(row[0]), str(row[1]), *row[2:4]) for row in rows if isinstance(row, list) and 3 <= len(row) <= 4
    )


def differences(old: Iterable[Record], new: Iterable[Record]) -> list[Difference]:
    """Return the records that differ, in the order of tags and names; notes do not count."""
    before, after = _by_key(old), _by_key(new)
    found = []
    for tag, name in sorted(before.keys() | after.keys()):
        left, right = _without_common(before.get((tag, name), []), after.get((tag, name), []))
        for number in range(max(len(left), len(right))):
            pair = (side[number] if number < len(side) else None for side in (left, right))
            found.append(Difference(tag, name, *pair))
    return found


def count_differences(old: Iterable[Record], new: Iterable[Record]) -> int:
    """Return how many records differ."""
    return len(differences(old, new))


def _by_key(records: Iterable[Record]) -> dict[tuple[str, str], list[Record]]:
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        found.setdefault((record.tag, record.name), []).append(record)
    return found


def _without_common(old: Sequence[Record], new: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Take away what both have, each as often as both have it."""
    left, right = [], list(new)
    for record in old:
        same = next((other for other in right if other.value == record.value), None)
        if same is None:
            left.append(record)
        else:
            right.remove(same)
    return left, right
