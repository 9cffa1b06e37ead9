"""A page of a workspace's runs, as far as a reader may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.plugins.access import RunAccess
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["RunPage", "RunWish", "read_page"]

PAGE = 50

#: Pages that are read for one: a reader who may see few of the runs gets a short page, and a way on.
_READ = 4


@dataclass(frozen=True)
class RunWish:
    """
    Which runs are wanted; what is empty does not limit them.

    Attributes:
        tag: a tag's name, or name and value as `name=value`.
        before: the sequence that the page before ended with.
    """

    experiment: str = ""
    status: str = ""
    kind: str = ""
    tag: str = ""
    before: int | None = None


@dataclass(frozen=True)
class RunPage:
    """Runs, newest first; `next` is what the next page is before, or None at the end."""

    runs: Sequence[RunRecord]
    next: int | None


def read_page(registry: Registry, wish: RunWish, access: RunAccess) -> RunPage:
    """Return a page of the runs that the reader may see."""
    seen: list[RunRecord] = []
    before = wish.before
    for _ in range(_READ):
        found = _read(registry, wish, before)
        for run in found:
            if access.may_see(run):
                seen.append(run)
                if len(seen) == PAGE:
                    return RunPage(seen, run.sequence)
        if len(found) < PAGE:
            return RunPage(seen, None)
        before = found[-1].sequence
    return RunPage(seen, before)


def _read(registry: Registry, wish: RunWish, before: int | None) -> Sequence[RunRecord]:
    name, has_value, value = wish.tag.partition("=")
    return registry.runs.list(
        experiment=wish.experiment or None,
        status=wish.status or None,
        kind=wish.kind or None,
        tags={name: value if has_value else None} if name else None,
        # Steps are below pipelines, so asking for them asks for runs at any depth.
        include_children=wish.kind in ("step", "child"),
        limit=PAGE,
        before=before,
    )
