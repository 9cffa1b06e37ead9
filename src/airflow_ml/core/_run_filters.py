"""What lists of runs are narrowed down by: types, tags and properties, in v1's forms."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    from airflow_ml.registry import Registry, RunRecord

    #: `"name"`, or names with values; a value of None asks for the name alone.
    Labels: TypeAlias = "Mapping[str, str | None] | Mapping[str, str] | str | None"

__all__ = ["TYPES", "fits", "has_labels", "kind_of", "labels", "list_pages"]

_PAGE = 50

#: v1's words for the kinds of runs; interactive and child runs have none.
TYPES = {"pipeline": "azureml.PipelineRun", "step": "azureml.StepRun", "script": "azureml.scriptrun"}


def kind_of(type_name: str | None) -> str | None:
    """Return the registry's word for v1's type of run; other words as they are."""
    return {name: kind for kind, name in TYPES.items()}.get(type_name or "", type_name)


def labels(given: Labels) -> dict[str, str | None] | None:
    """Take one name as well as names with values, as v1 does."""
    return {given: None} if isinstance(given, str) else None if given is None else dict(given)


def fits(
    record: RunRecord,
    *,
    tags: Labels = None,
    properties: Labels = None,
    type: str | None = None,
    status: str | None = None,
) -> bool:
    """Whether a run is of that type and status, and has all of these labels."""
    return (
        kind_of(type) in (None, record.kind)
        and status in (None, record.status)
        and has_labels(record.tags, tags)
        and has_labels(record.properties, properties)
    )


def has_labels(held: Mapping[str, str], wanted: Labels) -> bool:
    """Whether all of the wanted labels are held."""
    return all(name in held and value in (None, held[name]) for name, value in (labels(wanted) or {}).items())


def list_pages(registry: Registry, **wanted: Any) -> Iterator[RunRecord]:
    """Yield runs, newest first; each page is read when it is asked for. Takes what `registry.runs.list` takes."""
    before: int | None = None
    while True:
        page = registry.runs.list(limit=_PAGE, before=before, **wanted)
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].sequence
