"""
Outputs of results that nobody has used for long, or that were invalidated.

The order of a removal: the registry marks the outputs in a transaction that looks once more whether they are needed
(`Retention.collect`); then the manifest goes; then the files. From the mark on no run can take the result:

- who looks results up is not given it (`Results.find`), and a look at its outputs finds them collected;
- who had it already, and was about to take it, is refused (`Runs.adopt` reads the mark in its own transaction, and
  the two lock the same row), and decides again;
- who was quicker is seen by the transaction of the mark, which then does not mark.

Runs that took the result share its files, so what keeps one of them keeps all. Outputs whose runs offer no result to
later runs are nobody's cache, and stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_ml.reuse.garbage import Garbage, Moments, Places, Terms, place_text
from airflow_ml.storage.databases import DatabaseStore
from airflow_ml.storage.manifest_lines import open_manifest
from airflow_ml.storage.manifests import MANIFESTS_FOLDER, ManifestError, manifest_path
from airflow_ml.storage.removal import Removed, places_in, remove_output

if TYPE_CHECKING:
    from airflow_ml.registry import OutputRecord
    from airflow_ml.registry.retention_records import KeptRun
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["find_outputs"]


@dataclass(frozen=True)
class _Candidate:
    """A run whose outputs may go, why, and since when it must have been unused for that."""

    run: KeptRun
    reason: str
    unused_since: datetime


def find_outputs(
    context: ReuseContext, terms: Terms, moments: Moments, needed: Places, kept: Counter[str]
) -> Iterator[Garbage]:
    """
    Yield the outputs that may go.

    Args:
        needed: places that must stay.
        kept: counts outputs that stay, by the reason.
    """
    candidates: list[_Candidate] = []
    others: list[OutputRecord] = []
    selection = _Selection(context, terms, moments, needed)
    for run in context.registry.retention.runs():
        chosen = selection.choose(run)
        if isinstance(chosen, _Candidate):
            candidates.append(chosen)
        else:
            kept[chosen] += len(run.outputs)
            others.extend(output for output in run.outputs if not _is_own(output))
    for candidate in _without_shared(context, candidates, others, kept):
        for output in candidate.run.outputs:
            yield _garbage(context, candidate, output)


class _Selection:
    def __init__(self, context: ReuseContext, terms: Terms, moments: Moments, needed: Places) -> None:
        self._context = context
        self._terms = terms
        self._moments = moments
        self._needed = needed
        self._leased = {lease.fingerprint for lease in context.registry.retention.live_leases()}
        self._newest: Counter[tuple[str | None, str]] = Counter()

    def choose(self, run: KeptRun) -> _Candidate | str:
        """Return the run as a candidate, or why it stays."""
        reason = self._fixed_reason(run)
        if reason is not None:
            return reason
        if run.invalidated_at is not None:
            if run.invalidated_at > self._moments.settled_before:
                return "invalidated a short time ago"
            return _Candidate(run, "invalidated", self._moments.settled_before)
        key = (run.pipeline_name, run.step_name)
        self._newest[key] += 1
        if self._newest[key] <= self._terms.keep_last:
            return f"among the newest {self._terms.keep_last} of their step"
        used = max(moment for moment in (run.ended_at, run.last_reused_at) if moment is not None)
        if used > self._moments.unused_since:
            return "used not long ago"
        return _Candidate(run, f"unused since {used:%Y-%m-%d}", self._moments.unused_since)

    def _fixed_reason(self, run: KeptRun) -> str | None:
        """Return what keeps a run's outputs whatever their age is."""
        if run.fingerprint is None:
            return "not offered to later runs"
        if run.is_in_use or run.ended_at is None:
            return "in use by an open run"
        if run.is_registered:
            return "registered as a dataset"
        if any(output.kind == "copied_files" for output in run.outputs):
            return "copied to a place of the user's"
        if run.fingerprint in self._leased:
            return "being computed anew"
        for output in run.outputs:
            place = place_text(self._context, output.datastore, output.path)
            if place is None:
                return "on a datastore that is not there any more"
            found = self._needed.find(place)
            if found is not None:
                return f"needed by {found}"
        return None


def _is_own(output: OutputRecord) -> bool:
    """Tell whether an output lies in a place that no other run writes to."""
    return output.run_id in output.path


def _without_shared(
    context: ReuseContext, candidates: Iterable[_Candidate], others: Iterable[OutputRecord], kept: Counter[str]
) -> list[_Candidate]:
    """
    Leave out outputs in destinations that are shared with outputs that stay.

    What stays is also whatever has a manifest in the store and is not among the candidates: another workspace may
    write to the same folder.
    """
    left = list(candidates)
    shared = [candidate for candidate in left if not all(map(_is_own, candidate.run.outputs))]
    if not shared:
        return left
    staying = [*_texts(context, others), *_foreign_places(context, {candidate.run.run_id for candidate in left})]
    while True:
        places = Places((text, "") for text in staying)
        blocked = [item for item in shared if any(places.find(text) is not None for text in _texts_of(context, item))]
        if not blocked:
            return left
        shared = [item for item in shared if item not in blocked]
        left = [item for item in left if item not in blocked]
        for item in blocked:
            kept["in a destination that others share"] += len(item.run.outputs)
            staying.extend(_texts_of(context, item))


def _texts_of(context: ReuseContext, candidate: _Candidate) -> list[str]:
    return list(_texts(context, [output for output in candidate.run.outputs if not _is_own(output)]))


def _texts(context: ReuseContext, outputs: Iterable[OutputRecord]) -> Iterator[str]:
    for output in outputs:
        text = place_text(context, output.datastore, output.path)
        if text is not None:
            yield text


def _foreign_places(context: ReuseContext, run_ids: set[str]) -> Iterator[str]:
    """Yield where outputs of other runs lie that have a manifest in one of the workspace's stores."""
    for record in context.registry.datastores.list():
        text = place_text(context, record.name, "")
        if text is None:
            continue
        store = context.store(record.name)
        if isinstance(store, DatabaseStore):  # holds no outputs
            continue
        for run_id, output in places_in(store, MANIFESTS_FOLDER):
            if run_id in run_ids:
                continue
            try:
                with open_manifest(store, manifest_path(run_id, output)) as opened:
                    if run_id not in opened.blank.path:
                        yield f"{text}/{opened.blank.path}".rstrip("/")
            except (FileNotFoundError, ManifestError):
                continue


def _garbage(context: ReuseContext, candidate: _Candidate, output: OutputRecord) -> Garbage:
    return Garbage(
        kind="output",
        name=f"{candidate.run.step_name}.{output.name}",
        place=f"{output.datastore}:{output.path}",
        files=output.files,
        size=output.size,
        reason=candidate.reason,
        remove=_removal(context, candidate, output),
        run_id=candidate.run.run_id,
    )


def _removal(context: ReuseContext, candidate: _Candidate, output: OutputRecord) -> Callable[[], Removed | None]:
    def remove() -> Removed | None:
        run_id = candidate.run.run_id
        if not context.registry.retention.collect(run_id, unused_since=candidate.unused_since):
            return None
        return remove_output(context.store(output.datastore), run_id, output.name)

    return remove
