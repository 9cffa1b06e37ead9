"""How two JSON values differ, and values themselves, as short texts without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_ml.reuse.records import canonical

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["changes", "first_of", "is_secret", "short", "text_of"]

#: Characters of a value in a sentence.
_LONGEST = 60
#: So many parts are named in a sentence.
_NAMED = 5
#: `numpy==1.26`, `scikit-learn>=1.0`, `python=3.11`: a name, and what is asked of it.
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)\s*(?P<rest>[=<>!~].*)?", re.DOTALL)


def changes(old: Json, new: Json, path: str = "") -> Iterator[str]:
    """
    Yield how two values differ, each place in them as a text like `lr 0.1 -> 0.2` or `numpy 1.26 -> 2.0`.

    Args:
        path: what the place is called so far.
    """
    if old == new:
        return
    if is_secret(old) or is_secret(new):
        yield f"{path} changed".lstrip()
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from changes(old.get(key), new.get(key), f"{path} {key}".lstrip())
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_changes([_item(item) for item in old], [_item(item) for item in new], path)
    else:
        yield f"{path} {short(old)} -> {short(new)}".lstrip()


def is_secret(value: Json) -> bool:
    """Whether a value stands for a secret (`airflow_ml.reuse.records.secret`)."""
    return isinstance(value, Mapping) and value.keys() == {"secret"}


def short(value: Json) -> str:
    """Return a value in few characters: texts in quotes, nothing as `none`, a secret not at all."""
    if value is None:
        return "none"
    if is_secret(value):
        return "(secret)"
    return _cut(repr(value) if isinstance(value, str) else canonical(value))


def text_of(value: Json) -> str:
    """Return a value as `short` does, texts without quotes."""
    return _cut(value) if isinstance(value, str) and value and not value.isspace() else short(value)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def first_of(parts: Sequence[str]) -> str:
    """Return the first parts as one text."""
    more = f" and {len(parts) - _NAMED:,} more" if len(parts) > _NAMED else ""
    return ", ".join(parts[:_NAMED]) + more


def _item(value: Json) -> str:
    """Return an item of a list as one text; of a file its name, and its digest as if it were a version."""
    if isinstance(value, Mapping) and value.keys() == {"file", "digest"}:
        return f"{value['file']}=={value['digest']}"
    if is_secret(value):
        return f"(secret)=={value}"
    return value if isinstance(value, str) else canonical(value)


def _list_changes(old: Sequence[str], new: Sequence[str], path: str) -> Iterator[str]:
    """Yield which items came, went, or are there with another version."""
    came, went = [item for item in new if item not in old], [item for item in old if item not in new]
    if not came and not went:
        yield f"{path}: other order".lstrip(": ")
        return
    versions = {name: rest for name, rest in map(_requirement, went) if name}
    for item in came:
        name, rest = _requirement(item)
        if name in versions:
            went.remove(next(gone for gone in went if _requirement(gone)[0] == name))
            yield f"{name} {text_of(_version(versions.pop(name)))} -> {text_of(_version(rest))}"
        else:
            yield f"{text_of(item)} added"
    yield from (f"{text_of(item)} removed" for item in went)


def _requirement(item: str) -> tuple[str, str]:
    found = _REQUIREMENT.fullmatch(item.strip())
    return ("", "") if found is None else (found["name"], (found["rest"] or "").strip())


def _version(rest: str) -> str:
    """Return what is asked of a package: a pinned version by its number alone."""
    exact = rest.lstrip("=")
    return (exact if rest.startswith("=") else rest) or "any"
