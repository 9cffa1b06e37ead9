"""Differences of source directories and of data as sentences, down to files where they are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_ml.reuse.file_changes import listing_changes, output_changes, source_changes
from airflow_ml.reuse.value_changes import changes, first_of, short

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.reuse.differences import Comparison, Difference
    from airflow_ml.reuse.file_changes import FileChanges
    from airflow_ml.reuse.model import Record, ReuseContext

__all__ = ["input_data_sentences", "source_sentences"]


def source_sentences(comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    """Yield which source files changed, the script first."""
    for difference in found:
        old, new = _snapshot(difference.old), _snapshot(difference.new)
        files = source_changes(comparison.context, old, new, comparison.place) if old and new else None
        yield from _changed_sources(files) if files else ["source directory changed"]


def _changed_sources(files: FileChanges) -> Iterator[str]:
    """Yield `train.py changed (2 files, also model.py)`, and what was added and removed."""
    if files.changed.count:
        first, *others = files.changed.first
        more = files.changed.count - len(files.changed.first)
        also = ", ".join(others) + (f" and {more:,} more" if more else "")
        yield f"{first} changed" + (f" ({files.changed.count:,} files, also {also})" if others else "")
    for word, names in (("added", files.added), ("removed", files.removed)):
        if names.count:
            yield f"{names.count:,} source {_files(names.count)} {word} ({names})"


def input_data_sentences(comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    """Yield what changed in the data of inputs; of inputs that came or went their declaration tells already."""
    for difference in found:
        if difference.old is not None and difference.new is not None:
            yield f"input {difference.name}: {_data_text(comparison, difference.old, difference.new)}"
        elif _has_input(comparison.old, difference.name) and _has_input(comparison.new, difference.name):
            yield f"input {difference.name} {'counts now' if difference.old is None else 'does not count any more'}"


def _has_input(records: Sequence[Record], name: str) -> bool:
    return any((record.tag, record.name) == ("input", name) for record in records)


def _data_text(comparison: Comparison, old: Record, new: Record) -> str:
    """Return which files are other ones, or whatever else is known of the data."""
    before, after = _mapping(old.value), _mapping(new.value)
    files = _data_files(comparison.context, _mapping(old.note), _mapping(new.note))
    if files:
        return _files_text(files)
    others = list(changes(_without_content(before), _without_content(after)))
    others.extend(_other_places(before.get("sources"), after.get("sources")))
    if before.get("content", ...) is None:
        return "data is there now"
    if after.get("content", ...) is None:
        return "nothing is there any more"
    if others:
        return first_of(others)
    if "definition" in before and "definition" in after and "content" not in after:
        return "the dataset's definition changed"
    counts = [_mapping(record.note).get("files") for record in (old, new)]
    if counts[0] != counts[1] and None not in counts:
        return f"{counts[0]:,} -> {counts[1]:,} files"
    return (
        f"output {_mapping(new.note)['output']} of an earlier step changed"
        if "output" in _mapping(new.note)
        else "content changed"
    )


def _data_files(context: ReuseContext, old: Mapping[str, Json], new: Mapping[str, Json]) -> FileChanges | None:
    if old.get("listing") and new.get("listing"):
        return listing_changes(context, str(old["listing"]), str(new["listing"]))
    if old.get("run_id") and new.get("run_id"):
        sides = [(str(note["run_id"]), str(note.get("output"))) for note in (old, new)]
        return output_changes(context, sides[0], sides[1])
    return None


def _files_text(files: FileChanges) -> str:
    """Return `3 of 1,204 files changed (a, b, c), 2 added (d, e), 1 removed (f)`."""
    parts = []
    if files.changed.count:
        of_all = f"{files.changed.count:,} of {files.total:,}" if files.total > 1 else f"{files.changed.count:,}"
        parts.append(f"{of_all} {_files(files.total)} changed ({files.changed})")
    for word, names in (("added", files.added), ("removed", files.removed)):
        if names.count:
            noun = "" if parts else f" {_files(names.count)}"
            parts.append(f"{names.count:,}{noun} {word} ({names})")
    return ", ".join(parts)


def _without_content(value: Mapping[str, Json]) -> dict[str, Json]:
    return {name: item for name, item in value.items() if name not in ("content", "definition", "sources")}


def _other_places(old: Json, new: Json) -> Iterator[str]:
    """Yield where a dataset lies that is handed to the script as such, and where it lay before."""
    if old == new or not isinstance(old, list) or not isinstance(new, list):
        return
    before, after = ([_place(item) for item in sources] for sources in (old, new))
    if len(before) == len(after) == 1:
        yield f"it lies at {short(after[0])}, before at {short(before[0])}"
    else:
        yield f"its places are other ones ({first_of(after)})"


def _place(source: Json) -> str:
    """Return a source of a dataset as people write it: `store/path`, or the address."""
    parts = _mapping(source)
    return str(parts["url"]) if "url" in parts else f"{parts.get('datastore')}/{parts.get('path')}"


def _snapshot(record: Record | None) -> str | None:
    """Return the snapshot that a record of sources was made from."""
    note = None if record is None else record.note
    return str(note[0]) if isinstance(note, list) and note else None


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _files(count: int) -> str:
    return "file" if count == 1 else "files"
