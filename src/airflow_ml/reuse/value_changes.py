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
        yield from _list_changes(old, new, path)
    else:
        yield f"{path} {short(old)} -> {short(new)}".lstrip()


def is_secret(value: Json) -> bool:
    """Whether a value stands for a secret (`airflow_ml.reuse.records.secret`)."""
    return isinstance(value, Mapping) and value.keys() == {"secret"}


def short(value: Json) -> str:
    """Return a value in few characters: texts in quotes, nothing as `none`, a secret not at all."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return _cut(repr(value))
    shown = _shown(value)
    return shown if isinstance(shown, str) else _cut(canonical(shown))


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


def _shown(value: Json) -> Json:
    """Return a value with a word in the place of each secret in it: not even a digest is shown."""
    if is_secret(value):
        return "(secret)"
    if isinstance(value, Mapping):
        return {name: _shown(item) for name, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def _list_changes(old: Sequence[Json], new: Sequence[Json], path: str) -> Iterator[str]:
    """Yield which items came, went, or are there with another version."""
    came, went = [item for item in new if item not in old], [item for item in old if item not in new]
    if not came and not went:
        yield f"{path}: other order".lstrip(": ")
    for item in came:
        name, version = _requirement(item)
        before = next((gone for gone in went if name and _requirement(gone)[0] == name), None)
        if before is None:
            yield f"{_name(item)} added"
            continue
        went.remove(before)
        other = _requirement(before)[1]
        yield f"{name} {text_of(other)} -> {text_of(version)}" if version or other else f"{name} changed"
    yield from (f"{_name(item)} removed" for item in went)


def _name(item: Json) -> str:
    return str(item["file"]) if _is_file(item) and isinstance(item, Mapping) else text_of(item)


def _is_file(item: Json) -> bool:
    """Whether an item stands for a local file, by its name and the digest of its content."""
    return isinstance(item, Mapping) and item.keys() == {"file", "digest"}


def _requirement(item: Json) -> tuple[str, str]:
    """Return a package's name and the version that is asked for; no name where an item is something else."""
    if isinstance(item, Mapping) and _is_file(item):
        return str(item["file"]), ""
    found = _REQUIREMENT.fullmatch(item.strip()) if isinstance(item, str) else None
    if found is None:
        return "", ""
    rest = (found["rest"] or "").strip()
    # A pinned version is said by its number alone.
    return found["name"], (rest.lstrip("=") if rest.startswith("=") else rest) or "any"
