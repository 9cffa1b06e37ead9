"""
Collection of garbage: what the workspace's stores hold that nobody needs, found from living records, and removed.

Never touched: what is registered as a dataset or a model or named by a published pipeline; what an open run reads, has
written, or may come to read; results that are being computed anew; results of runs that offer none; whatever is younger
than the grace time, which is at least as long as the longest run of the workspace; and files that no record of this
workspace speaks of.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException
from airflow_ml.reuse.collected_code import find_code, find_listings
from airflow_ml.reuse.collected_leftovers import find_leftovers
from airflow_ml.reuse.collected_outputs import find_outputs
from airflow_ml.reuse.garbage import Garbage, Moments, Terms
from airflow_ml.reuse.needed_places import needed_places

if TYPE_CHECKING:
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["Collection", "collect_garbage"]

_log = logging.getLogger(__name__)

#: Seconds after its end that a fingerprint lease is forgotten; nobody is that late (see `Retention.forget_leases`).
_LEASE_MEMORY = 90 * 24 * 3600.0


@dataclass
class Collection:
    """
    What a collection found, and did.

    Attributes:
        garbage: what nobody needs.
        kept: how many outputs stay, by the reason.
        removed: files; `freed` are their bytes.
        spared: pieces of garbage that were needed by the time they would have been removed.
        failures: sentences on what could not be removed; the next collection tries again.
    """

    garbage: list[Garbage] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    is_dry: bool = True
    removed: int = 0
    freed: int = 0
    spared: int = 0
    failures: list[str] = field(default_factory=list)


def collect_garbage(context: ReuseContext, terms: Terms, *, delete: bool = False) -> Collection:
    """
    Find what nobody needs, and remove it if `delete` is set.

    A collection that is cut, at whatever moment, leaves nothing that could be reused, and the next one goes on.

    Raises:
        ServiceException: registry or storage failed while garbage was looked for; nothing was removed.
    """
    moments = Moments.of(terms, context.registry)
    collection = Collection(is_dry=not delete)
    collection.garbage.extend(_find(context, terms, moments, collection.kept))
    if delete:
        # A search takes its time: what was registered or published meanwhile is needed now.
        still = {(item.kind, item.place, item.name) for item in _find(context, terms, moments, Counter())}
        for item in collection.garbage:
            if (item.kind, item.place, item.name) in still:
                _remove(item, collection)
            else:
                collection.spared += 1
        context.registry.retention.forget_leases(seconds=_LEASE_MEMORY)
    return collection


def _find(context: ReuseContext, terms: Terms, moments: Moments, kept: Counter[str]) -> Iterator[Garbage]:
    needed = needed_places(context)
    yield from find_outputs(context, terms, moments, needed, kept)
    yield from find_leftovers(context, moments, needed, kept)
    yield from find_code(context, moments)
    yield from find_listings(context, moments)


def _remove(item: Garbage, collection: Collection) -> None:
    """Remove one piece; what goes wrong with it does not keep the others."""
    try:
        removed = item.remove()
    except (AzureMLException, OSError) as error:
        _log.warning("%s %r at %s cannot be removed: %s", item.kind, item.name, item.place, error)
        collection.failures.append(f"{item.kind} {item.name!r} at {item.place}: {error}")
        return
    if removed is None:
        collection.spared += 1
        return
    collection.removed += removed.files
    collection.freed += removed.size
