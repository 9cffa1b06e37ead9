"""Differences of a script's arguments as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from airflow_ml._late import late
from airflow_ml.reuse.records import canonical
from airflow_ml.reuse.value_changes import is_secret, short, text_of

if TYPE_CHECKING:
    import difflib

    from airflow_ml.graph import Json
    from airflow_ml.reuse.differences import Comparison, Difference
    from airflow_ml.reuse.model import Record
else:
    difflib = late("difflib")  # most decisions explain nothing

__all__ = ["argument_sentences", "argument_text"]


def argument_sentences(comparison: Comparison, _found: Sequence[Difference]) -> Iterator[str]:
    """Yield what became of the arguments: one that came or went moves the others, which says nothing."""
    old, new = _arguments(comparison.old), _arguments(comparison.new)
    before, after = ([canonical(record.value) for record in records] for records in (old, new))
    changed = _changed_parameters(comparison)
    for what, a1, a2, b1, b2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "replace" and a2 - a1 == b2 - b1:
            for left, number in zip(old[a1:a2], range(b1, b2), strict=True):
                option = argument_text(new[number - 1].value) if number else ""
                names = cast("list[str]", new[number].note or [])
                if len(names) == 1 and names[0] in changed and is_secret(left.value) and is_secret(new[number].value):
                    yield f"parameter {names[0]} changed"  # as its variable says it too
                else:
                    yield _changed_argument(left, new[number], number + 1, option)
        elif what == "replace":
            yield f"arguments {_words(old[a1:a2])} -> {_words(new[b1:b2])}"
        elif what != "equal":
            records, word = (new[b1:b2], "added") if what == "insert" else (old[a1:a2], "removed")
            yield f"{'argument' if len(records) == 1 else 'arguments'} {_words(records)} {word}"


def _arguments(records: Iterable[Record]) -> list[Record]:
    return sorted((record for record in records if record.tag == "argument"), key=lambda record: record.name)


def _changed_parameters(comparison: Comparison) -> set[str]:
    """Return the parameters whose values are other ones, as their variables tell; they stand for one parameter each."""
    before = {record.name: record for record in comparison.old if record.tag == "variable"}
    return {
        str(name)
        for record in comparison.new
        if record.tag == "variable" and record.name in before and before[record.name].value != record.value
        for name in cast("list[str]", record.note or [])
    }


def _changed_argument(old: Record, new: Record, number: int, before: str) -> str:
    """Return the sentence of one argument: by its parameter, or else by its place and the option before it."""
    if is_secret(old.value) or is_secret(new.value):
        values = "changed"
    else:
        values = f"{text_of(argument_text(old.value))} -> {text_of(argument_text(new.value))}"
    names = cast("list[str]", new.note or old.note or [])
    if len(names) == 1 and isinstance(old.value, str) and isinstance(new.value, str) and "=" not in new.value:
        return f"parameter {names[0]} {values}"
    option = f" ({before})" if before.startswith("-") and "=" not in before else ""
    if values != "changed":
        values = f"{short(argument_text(old.value))} -> {short(argument_text(new.value))}"
    return f"argument {number}{option} {values}" + (f" (parameter {', '.join(names)})" if names else "")


def argument_text(value: Json) -> str:
    """Return an argument as one text, with names in the place of paths."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return short(value)
    return "".join(piece if isinstance(piece, str) else _piece(piece) for piece in value)


def _piece(piece: Json) -> str:
    """Return what stands for a part that is known in the run only."""
    if isinstance(piece, Mapping) and len(piece) == 1:
        kind, name = next(iter(piece.items()))
        return str(name) if kind == "expanded" else f"<{kind} {name}>"
    return short(piece)


def _words(records: Sequence[Record]) -> str:
    return text_of(" ".join(argument_text(record.value) for record in records))
