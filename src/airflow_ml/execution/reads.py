"""
What a running script read of its workspace that the step does not declare as an input.

A script may ask for datasets, models and files by name while it runs. They are found out by running it alone, so they
are no part of the fingerprint; they are kept with the result, and a later run takes it only if each of them is still
what it was. That something was not there is an answer too. What a script learned of other runs cannot be compared like
that: its result is not offered.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow_ml.exceptions import AzureMLException
from airflow_ml.reuse.reads import changed_reads, identify_read

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord
    from airflow_ml.runtime.channel_server import Handler

__all__ = ["Reads"]


class Reads:
    """
    Notes what one script asks for; safe for several threads.

    Attributes:
        obstacle: why the result cannot be offered to later runs, or None.
    """

    def __init__(self, services: Services, run: RunRecord) -> None:
        self._context = services.reuse
        self._runs = services.registry.runs
        self._run = run
        self._own = {run.id, run.parent_id, run.root_id}
        self._lock = threading.Lock()
        self._found: dict[str, dict[str, Json]] = {}
        self._declared = self._declared_sources()
        self.obstacle: str | None = None

    def watching(self, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
        """Return the handlers; those whose answers can change a result note what was asked."""
        return {name: self._watched(name, handler) for name, handler in handlers.items()}

    def changed(self) -> str | None:
        """
        Return which of the things that were read is not what it was when it was asked for, or None.

        Raises:
            ServiceException: registry or storage failed; trying again can help.
        """
        with self._lock:
            found = cast("list[Json]", [*self._found.values()])
        return changed_reads(self._context, found)

    def records(self) -> list[Json] | None:
        """Return what was read with its identity, as a result keeps it; None if nothing was."""
        with self._lock:
            found = [self._found[key] for key in sorted(self._found)]
        # Times of files say nothing to later runs.
        return [{name: value for name, value in item.items() if name != "state"} for item in found] or None

    def _declared_sources(self) -> set[str]:
        """Return where the data of the step's inputs lies: it counts in the fingerprint, by the step's own rule."""
        registry = self._context.registry
        ids = {item.dataset_id for item in registry.inputs.of(self._run.id)} - {None}
        return {_sources_text(registry.datasets.get(str(dataset_id)).definition) for dataset_id in ids}

    def _is_declared(self, read: Mapping[str, Json]) -> bool:
        if read["kind"] != "data":
            return False
        definition = read.get("definition") or self._context.registry.datasets.get(str(read["id"])).definition
        return _sources_text(cast("Mapping[str, Json]", definition)) in self._declared

    def _watched(self, name: str, handler: Handler) -> Handler:
        read = _READS.get(name)
        if name in _RUNS or name in _RESULTS_OF_RUNS:
            return self._about_runs(name, handler)
        if read is None:
            return handler

        def watch(params: Mapping[str, Any]) -> Any:
            # Before the answer: what changes while it is given is seen at the end (`changed`).
            self._note(read(params))
            return handler(params)

        return watch

    def _note(self, read: Mapping[str, Json] | None) -> None:
        if read is None:
            return
        try:
            if self._is_declared(read):
                return
            named = self._named(read)
            key = json.dumps(named, sort_keys=True)
            with self._lock:
                if key in self._found:
                    return
            identity = identify_read(self._context, named)
        except AzureMLException as error:
            self.refuse(f"what its script read cannot be compared: {error}")
            return
        with self._lock:
            found = {"read": dict(named), "identity": identity.value, "state": identity.state}
            self._found.setdefault(key, found)

    def _named(self, read: Mapping[str, Json]) -> Mapping[str, Json]:
        """Name data by the id of its definition: addresses in definitions can hold secrets, and results are shown."""
        definition = cast("Mapping[str, Json] | None", read.get("definition"))
        if definition is None:
            return read
        return {"kind": read["kind"], "id": self._context.registry.datasets.save(definition)}

    def _about_runs(self, name: str, handler: Handler) -> Handler:
        # Tags and properties of the pipeline's run count as little as those of the step's own.
        own = self._own if name in _RUNS else {self._run.id}

        def watch(params: Mapping[str, Any]) -> Any:
            run_id = params.get("id")
            if run_id not in own and not self._is_below(run_id):
                self.refuse(f"its script read results of run {run_id}" if run_id else "its script read lists of runs")
            return handler(params)

        return watch

    def _is_below(self, run_id: object) -> bool:
        """Whether a run is a child of the script's own."""
        found = self._runs.find(str(run_id)) if run_id else None
        return found is not None and found.parent_id == self._run.id

    def refuse(self, reason: str) -> None:
        """Offer the result to nobody; the first reason is the one that is told."""
        with self._lock:
            self.obstacle = self.obstacle or reason


def _sources_text(definition: Mapping[str, Json]) -> str:
    return json.dumps(definition.get("sources"), sort_keys=True)


def _named_dataset(params: Mapping[str, Any]) -> Mapping[str, Json] | None:
    if params.get("id"):  # says what it is by itself
        return None
    return {"kind": "dataset", "name": params["name"], "version": str(params.get("version") or "latest")}


def _data(params: Mapping[str, Any]) -> Mapping[str, Json] | None:
    if params.get("definition") is not None:
        return {"kind": "data", "definition": params["definition"]}
    return {"kind": "data", "id": params["id"]} if params.get("id") else None


def _files(params: Mapping[str, Any]) -> Mapping[str, Json]:
    return {"kind": "files", "datastore": params["datastore"], "prefix": params.get("prefix") or ""}


def _model(params: Mapping[str, Any]) -> Mapping[str, Json]:
    version = params.get("version")
    return {"kind": "model", "name": params["name"], "version": None if version is None else int(version)}


def _models(params: Mapping[str, Any]) -> Mapping[str, Json]:
    return {"kind": "models", "name": params.get("name"), "latest": bool(params.get("latest"))}


_READS: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Json] | None]] = {
    "dataset.get": _named_dataset,
    "dataset.list": lambda _params: {"kind": "datasets"},
    "dataset.stage": _data,
    "datastore.download": _files,
    "model.get": _model,
    "model.list": _models,
    "model.path": _model,
}

#: Questions whose answers are records of runs.
_RUNS = frozenset({"run.get"})
#: Questions whose answers are what runs came to; a script's own and its children's are its own doing.
_RESULTS_OF_RUNS = frozenset(
    {"run.children", "run.file", "run.files", "run.inputs", "run.list", "run.metrics", "run.outputs"}
)
