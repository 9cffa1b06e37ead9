"""What lists of runs are narrowed down by: types, tags and properties, in v1's forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["TYPES", "has", "kind_of", "labels", "list_pages"]

_PAGE = 50

#: v1's words for the kinds of runs.
TYPES = {"pipeline": "azureml.PipelineRun", "step": "azureml.StepRun", "script": "azureml.scriptrun"}


def kind_of(type_name: str | None) -> str | None:
    """Return the registry's word for v1's type of run; other words as they are."""
    return {name: kind for kind, name in TYPES.items()}.get(type_name or "", type_name)


def labels(given: Mapping[str, str] | str | None) -> dict[str, str | None] | None:
    """Take one name as well as names with values, as v1 does."""
    return {given: None} if isinstance(given, str) else None if given is None else dict(given)


def has(labels: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    """Whether all wanted labels are there; a wanted value of None asks for the name alone."""
    return all(name in labels and value in (None, labels[name]) for name, value in wanted.items())


def list_pages(registry: Registry, **wanted: Any) -> Iterator[RunRecord]:
    """Yield runs, newest first; each page is read when it is asked for. Takes what `registry.runs.list` takes."""
    before: int | None = None
    while True:
        page = registry.runs.list(limit=_PAGE, before=before, **wanted)
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].sequence
