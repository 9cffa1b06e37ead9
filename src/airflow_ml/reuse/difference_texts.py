"""Differences of fingerprints as sentences: one function per kind of record, and one for kinds without their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias, cast

from airflow_ml.reuse.argument_texts import argument_sentences, argument_text
from airflow_ml.reuse.data_texts import input_data_sentences, source_sentences
from airflow_ml.reuse.differences import Comparison, Difference, differences
from airflow_ml.reuse.value_changes import changes, first_of, is_secret, short, text_of

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.reuse.model import Record

__all__ = ["difference_sentences"]


_Sentences: TypeAlias = "Callable[[Comparison, Sequence[Difference]], Iterator[str]]"


def difference_sentences(comparison: Comparison) -> list[str]:
    """Return what differs, without full stops: code first, then what it was called with, then its data."""
    found = differences(comparison.old, comparison.new)
    order = list(_BY_TAG)
    found.sort(key=lambda item: (order.index(item.tag) if item.tag in _BY_TAG else len(order), item.tag))
    sentences: list[str] = []
    for tag, group in groupby(found, key=lambda item: item.tag):
        sentences.extend(_BY_TAG.get(tag, _other)(comparison, list(group)))
    return list(dict.fromkeys(sentences))


def _step(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        old, new = (text_of(_plain(record)) for record in (difference.old, difference.new))
        yield f"{difference.name} {old} -> {new}"


def _plain(record: Record | None) -> Json:
    """Return a record's value; of a kind of step, which has the version of our own code with it, the kind."""
    value = None if record is None else record.value
    return value[0] if isinstance(value, list) and len(value) == 2 and value[1] == 1 else value


def _variables(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        old, new = difference.old, difference.new
        names = cast("list[str]", difference.either.note or [])
        name = f"parameter {names[0]}" if len(names) == 1 else f"variable {difference.name}"
        if old is None or new is None:
            yield f"variable {difference.name} {'added' if old is None else 'removed'}"
        elif is_secret(old.value) or is_secret(new.value):
            yield f"{name} changed"
        else:
            yield f"{name} {text_of(argument_text(old.value))} -> {text_of(argument_text(new.value))}"


def _environment(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    parts: list[str] = []
    for difference in found:
        if not difference.name:  # nothing but the default environment
            parts.append("default environment before" if difference.new is None else "default environment now")
            continue
        old, new = _value(difference.old), _value(difference.new)
        if difference.name.endswith("packages"):
            parts.extend(changes(old or [], new or []))
        elif difference.name == "python":
            parts.extend(changes([] if old is None else [old], [] if new is None else [new]))
        elif difference.name == "dockerfile":
            parts.append("dockerfile changed")
        elif difference.name == "channels":
            parts.append(f"channels {text_of(_joined(old))} -> {text_of(_joined(new))}")
        else:
            parts.extend(changes(old, new, difference.name))
    yield f"environment: {first_of(parts)}"


def _joined(value: Json) -> Json:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _inputs(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        yield from _declared("input", difference)


def _outputs(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        yield from _declared("output", difference)


def _declared(kind: str, difference: Difference) -> Iterator[str]:
    if difference.old is None or difference.new is None:
        yield f"{kind} {difference.name} {'added' if difference.old is None else 'removed'}"
        return
    parts = list(changes(difference.old.value, difference.new.value))
    yield f"{kind} {difference.name}: {first_of(parts)}"


def _settings(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        old, new = (short("default" if record is None else record.value) for record in (difference.old, difference.new))
        names = cast("list[str]", difference.either.note or [])
        name = f"parameter {names[0]}" if names else difference.name
        yield f"{name} {_bare(old)} -> {_bare(new)}"


def _bare(text: str) -> str:
    return text.strip("'")


def _extra_content(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        note = difference.either.note
        path = str(note[0]) if isinstance(note, list) and note else difference.name or "a file elsewhere"
        yield f"{path} {_what(difference)} (hash_paths)"


def _plugins(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        plugin, _, name = difference.name.partition(": ")
        title = plugin if name in ("", plugin) else f"{plugin} {name}"
        old, new = (text_of(_value(record)) for record in (difference.old, difference.new))
        yield f"plugin {title}: {old} -> {new}"


def _other(_comparison: Comparison, found: Sequence[Difference]) -> Iterator[str]:
    for difference in found:
        yield from changes(
            _value(difference.old), _value(difference.new), f"{difference.tag} {difference.name}".strip()
        )


#: By tag, in the order in which the sentences stand.
_BY_TAG: Mapping[str, _Sentences] = {
    "source": source_sentences,
    "step": _step,
    "extra content": _extra_content,
    "argument": argument_sentences,
    "variable": _variables,
    "run setting": _settings,
    "step setting": _settings,
    "environment": _environment,
    "input": _inputs,
    "input data": input_data_sentences,
    "output": _outputs,
    "plugin": _plugins,
}


def _value(record: Record | None) -> Json:
    return None if record is None else record.value


def _what(difference: Difference) -> str:
    if difference.old is None:
        return "added"
    return "removed" if difference.new is None else "changed"
