"""
What is left of attempts that did not complete, and of removals that were cut.

Only runs that this workspace knows are looked at: a store may be shared, and what another workspace's runs left is not
ours to judge. An attempt that failed before it committed leaves files in a folder that bears its run's id, one that was
cut in a commit a plan, one whose second output failed the manifest of the first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import from_json
from airflow_ml.graph.destinations import destination_of
from airflow_ml.reuse.garbage import Garbage, Moments, Places, place_text
from airflow_ml.storage.commit import staging_token
from airflow_ml.storage.databases import DatabaseStore
from airflow_ml.storage.local import STAGING_FOLDER
from airflow_ml.storage.manifest_lines import open_manifest
from airflow_ml.storage.manifests import COMMITS_FOLDER, MANIFESTS_FOLDER, ManifestError
from airflow_ml.storage.removal import REMOVALS_FOLDER, Removed, is_own, places_in, remove_output

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, OutputPort
    from airflow_ml.registry import OutputRecord, RunRecord
    from airflow_ml.registry.retention_records import RunState
    from airflow_ml.reuse.model import ReuseContext
    from airflow_ml.storage.protocol import Store

__all__ = ["find_leftovers"]

_PAGE = 200
_FOLDERS = (REMOVALS_FOLDER, MANIFESTS_FOLDER, COMMITS_FOLDER)


def find_leftovers(context: ReuseContext, moments: Moments, needed: Places, kept: Counter[str]) -> Iterator[Garbage]:
    """
    Yield what attempts and removals left.

    Args:
        needed: places that must stay.
        kept: counts what stays, by the reason.
    """
    stores = _stores(context)
    seen: set[str] = set()
    for name, store in stores.items():
        for item in _Listed(context, name, store, moments, needed, kept).find():
            seen.add(item.run_id or "")
            yield item
    gathered = {name: _gathered(store) for name, store in stores.items()}
    for run, ports in _failed_attempts(context, moments):
        if run.id not in seen:
            yield from _of_attempt(context, stores, run, ports, needed)
        yield from _staged(stores, gathered, run, ports)


def _stores(context: ReuseContext) -> dict[str, Store]:
    """Return the stores of the workspace by datastore; each place once, and without those that cannot be opened."""
    found: dict[str, Store] = {}
    identities: set[str] = set()
    for record in context.registry.datastores.list():
        try:
            store = context.store(record.name)
        except UserErrorException:
            continue
        if store.identity not in identities and not isinstance(store, DatabaseStore):
            identities.add(store.identity)
            found[record.name] = store
    return found


@dataclass(frozen=True)
class _Listed:
    """Manifests, plans and begun removals of one store."""

    context: ReuseContext
    datastore: str
    store: Store
    moments: Moments
    needed: Places
    kept: Counter[str]

    def find(self) -> Iterator[Garbage]:
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for folder in _FOLDERS:
            for run_id, output in places_in(self.store, folder):
                found[run_id].setdefault(output, folder)
        states = self.context.registry.retention.states(found)
        records = self.context.registry.outputs.of_runs(states)
        for run_id, outputs in found.items():
            if run_id not in states:
                self.kept["of runs that this workspace does not know"] += len(outputs)
                continue
            for output, folder in outputs.items():
                reason = self._reason(folder, states[run_id], records[run_id].get(output))
                item = self._garbage(run_id, output, folder, reason) if reason else None
                if item is not None:
                    yield item

    def _reason(self, folder: str, state: RunState, record: OutputRecord | None) -> str | None:
        """Return why the output may go; None if it is a living one, or may become one."""
        if record is not None:
            return "its removal was cut" if record.collected_at is not None else None
        if not _is_dead(state, self.moments):
            return None
        return "its removal was cut" if folder == REMOVALS_FOLDER else f"of an attempt that is {state.status}"

    def _garbage(self, run_id: str, output: str, folder: str, reason: str) -> Garbage | None:
        try:
            with open_manifest(self.store, f"{folder}/{run_id}/{output}.json") as opened:
                blank = opened.blank
                sizes = [file.size for file in opened.files]
        except (FileNotFoundError, ManifestError):
            self.kept["with a manifest that cannot be read"] += 1
            return None
        if folder != REMOVALS_FOLDER and reason.startswith("of an attempt") and not is_own(blank):
            self.kept["in a destination that others share"] += 1
            return None
        place = place_text(self.context, self.datastore, blank.path)
        if place is not None and self.needed.find(place) is not None:
            self.kept[f"needed by {self.needed.find(place)}"] += 1
            return None
        return Garbage(
            kind="leftover",
            name=output,
            place=f"{self.datastore}:{blank.path}",
            files=len(sizes),
            size=sum(sizes),
            reason=reason,
            remove=partial(remove_output, self.store, run_id, output),
            run_id=run_id,
        )


def _is_dead(state: RunState, moments: Moments) -> bool:
    """Tell whether a run ended without success, long enough ago, and nothing goes on that it belongs to."""
    has_ended = state.ended_at is not None and state.ended_at < moments.settled_before
    return has_ended and state.status in ("Failed", "Canceled") and not state.is_in_use


def _failed_attempts(context: ReuseContext, moments: Moments) -> Iterator[tuple[RunRecord, tuple[OutputPort, ...]]]:
    """Yield the attempts that did not complete, with the outputs that their steps declare, as far as that is known."""
    registry = context.registry
    graphs: dict[str, Graph | None] = {}
    for status in ("Failed", "Canceled"):
        before = None
        while page := registry.runs.list(kind="step", status=status, include_children=True, limit=_PAGE, before=before):
            states = registry.retention.states(run.id for run in page)
            for run in page:
                if run.id in states and _is_dead(states[run.id], moments):
                    yield run, _ports(context, run, graphs)
            before = page[-1].sequence


def _ports(context: ReuseContext, run: RunRecord, graphs: dict[str, Graph | None]) -> tuple[OutputPort, ...]:
    parent = run.parent_id or run.id
    if parent not in graphs:
        text = context.registry.runs.graph(parent, is_sealed=True)
        graphs[parent] = None if text is None else from_json(text)
    graph = graphs[parent]
    steps = () if graph is None else graph.steps
    return next((step.outputs for step in steps if step.id == run.node_id), ())


def _of_attempt(
    context: ReuseContext, stores: Mapping[str, Store], run: RunRecord, ports: Iterable[OutputPort], needed: Places
) -> Iterator[Garbage]:
    """Yield what lies in the places that bear an attempt's id, though no manifest and no plan tells of it."""
    places = {f"azureml/{run.id}", f"dataset/{run.id}", *(destination_of(port, run.id) for port in ports)}
    own = sorted(place for place in places if run.id in place)
    outermost = [place for place in own if not any(place.startswith(f"{other}/") for other in own)]
    for datastore, store in stores.items():
        for place in outermost:
            files = [store.stat(place)] if store.exists(place) else list(store.list(place))
            text = place_text(context, datastore, place)
            if not files or text is None or needed.find(text) is not None:
                continue
            yield Garbage(
                kind="leftover",
                name=run.name,
                place=f"{datastore}:{place}",
                files=len(files),
                size=sum(file.size for file in files),
                reason=f"of an attempt that is {run.status}",
                remove=_deletion(store, place, len(files), sum(file.size for file in files)),
                run_id=run.id,
            )


def _deletion(store: Store, place: str, files: int, size: int) -> Callable[[], Removed]:
    def remove() -> Removed:
        store.delete(place, recursive=True)
        return Removed(files, size)

    return remove


def _gathered(store: Store) -> dict[str, tuple[int, int]]:
    """Return number and size of the files that lie where a store gathers what arrives, by the commit's token."""
    found: dict[str, tuple[int, int]] = {}
    for info in store.list(STAGING_FOLDER):
        token = info.path[len(STAGING_FOLDER) + 1 :].partition("-")[0]
        files, size = found.get(token, (0, 0))
        found[token] = (files + 1, size + info.size)
    return found


def _staged(
    stores: Mapping[str, Store],
    gathered: Mapping[str, Mapping[str, tuple[int, int]]],
    run: RunRecord,
    ports: Iterable[OutputPort],
) -> Iterator[Garbage]:
    for port in ports:
        token = staging_token(run.id, port.name)
        for datastore, store in stores.items():
            files, size = gathered[datastore].get(token, (0, 0))
            if files:
                yield Garbage(
                    kind="leftover",
                    name=f"{run.name}.{port.name}",
                    place=f"{datastore}:{STAGING_FOLDER}",
                    files=files,
                    size=size,
                    reason=f"on their way when the attempt became {run.status}",
                    remove=_ending(store, token, files, size),
                    run_id=run.id,
                )


def _ending(store: Store, token: str, files: int, size: int) -> Callable[[], Removed]:
    def remove() -> Removed:
        # Writing nothing under a commit's token ends what was begun under it.
        store.put_files((), token=token)
        return Removed(files, size)

    return remove
