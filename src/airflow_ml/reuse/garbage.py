"""What collections of garbage speak of: the terms, what was found, and places that something needs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.removal import Removed
from airflow_ml.storage.selection import glob_root, is_glob

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["Garbage", "GarbageKind", "Moments", "Places", "Terms", "place_text", "places_in_json"]

GarbageKind: TypeAlias = Literal["output", "leftover", "snapshot", "source files", "file lists"]

_DATASTORE_URL = "datastore://"


@dataclass(frozen=True)
class Terms:
    """
    What may be collected.

    Attributes:
        unused_days: a result that was neither computed nor reused for so long is not needed any more.
        keep_last: of each step of each pipeline, so many newest results are kept whatever their age.
        grace_hours: nothing younger is touched; the longest run that the workspace has seen counts where it is longer.
    """

    unused_days: float = 30.0
    keep_last: int = 0
    grace_hours: float = 24.0


@dataclass(frozen=True)
class Moments:
    """
    The terms as points in time.

    Attributes:
        unused_since: what was used after it is needed.
        settled_before: what ended, or was invalidated, after it may have to do with something that still runs.
    """

    unused_since: datetime
    settled_before: datetime

    @classmethod
    def of(cls, terms: Terms, registry: Registry) -> Moments:
        """Return the moments for a collection that begins now."""
        now = datetime.now(timezone.utc)
        grace = max(timedelta(hours=terms.grace_hours), timedelta(seconds=registry.retention.longest_run()))
        return cls(now - max(grace, timedelta(days=terms.unused_days)), now - grace)


@dataclass(frozen=True)
class Garbage:
    """
    Something that nobody needs.

    Attributes:
        name: for people.
        place: `datastore:path`.
        reason: why it is not needed.
        remove: removes it, after looking once more; None if it is needed by now.
    """

    kind: GarbageKind
    name: str
    place: str
    files: int
    size: int
    reason: str
    remove: Callable[[], Removed | None]
    run_id: str | None = None

    def to_data(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {name: value for name, value in vars(self).items() if name != "remove"}


class Places:
    """Places that are needed, each with what needs it; asked for places that lie in, at or around them."""

    def __init__(self, needed: Iterable[tuple[str, str]]) -> None:
        self._reasons = dict(needed)
        self._sorted = sorted(self._reasons)

    def find(self, place: str) -> str | None:
        """Return what needs a place, or None."""
        elements = place.split("/")
        for length in range(len(elements), 0, -1):
            above = "/".join(elements[:length])
            if above in self._reasons:
                return self._reasons[above]
        index = bisect_left(self._sorted, f"{place}/")
        if index < len(self._sorted) and self._sorted[index].startswith(f"{place}/"):
            return self._reasons[self._sorted[index]]
        return None


def place_text(context: ReuseContext, datastore: str, path: str) -> str | None:
    """
    Return a place as text that begins with that of every folder above it, whatever datastores lead there.

    None for one on a datastore that is not there any more.
    """
    try:
        root = context.store(datastore).identity
    except UserErrorException:
        return None
    folder = (glob_root(path) if is_glob(path) else path).strip("/")
    return f"{root.rstrip('/')}/{folder}".rstrip("/")


def places_in_json(data: Json) -> Iterator[tuple[str, str]]:
    """Yield datastore and path of every place that a graph or a run's parameters name."""
    if isinstance(data, Mapping):
        datastore, path = data.get("datastore"), data.get("path")
        if isinstance(datastore, str) and isinstance(path, str):
            yield datastore, path
        for value in data.values():
            yield from places_in_json(value)
    elif isinstance(data, Sequence) and not isinstance(data, str):
        for value in data:
            yield from places_in_json(value)
    elif isinstance(data, str) and data.startswith(_DATASTORE_URL):
        datastore, _, path = data[len(_DATASTORE_URL) :].partition("/")
        yield datastore, path
