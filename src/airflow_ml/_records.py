"""
Frozen dataclasses that cost nothing to import.

The standard library's `dataclasses` takes longer to import, and to make one class, than Python takes to start, and
every DAG file pays for both on every parse. Modules of the face import `dataclass`, `field` and `replace` from
`dataclasses` under `TYPE_CHECKING`, and from here otherwise: checkers and editors see the real thing, and so does
code that asks later, because `dataclasses.fields`, `replace`, `asdict` and `is_dataclass` work on these records.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _Object = TypeVar("_Object")

__all__ = ["compile_records", "copied", "dataclass", "field", "replace"]

#: Every record class that was made.
_records: list[Any] = []


class _Factory:
    """A default that is made anew for every record."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], Any]) -> Any:
    """Declare a default that is made anew for every record."""
    return _Factory(default_factory)


def replace(record: Any, /, **changes: Any) -> Any:
    """Return a copy of a record with some fields changed; raises TypeError for a field that it has not."""
    return type(record)(**{**vars(record), **changes})


def copied(original: _Object, /, **changes: Any) -> _Object:
    """Return a shallow copy of any object, with some of its attributes changed: `copy.copy` without its import."""
    copy = type(original).__new__(type(original))
    vars(copy).update({**vars(original), **changes})
    return copy


def dataclass(*, frozen: bool) -> Callable[[type], type]:
    """
    Make a class a frozen record of its annotated names.

    Fields keep the order in which they are written; those of a base that is a record come first.
    """
    if not frozen:
        raise TypeError("records are frozen; take dataclasses.dataclass for others")
    return _make_record


def _make_record(cls: type) -> type:
    names: list[str] = []
    defaults: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name in vars(base).get("__annotations__", ()):
            if name not in names:
                names.append(name)
            if name in vars(base):
                defaults[name] = vars(base)[name]
    members: dict[str, object] = {
        "_record_names": tuple(names),
        "_record_set": frozenset(names),
        "_record_values": {name: value for name, value in defaults.items() if type(value) is not _Factory},
        "_record_factories": [(name, value.make) for name, value in defaults.items() if type(value) is _Factory],
        "__match_args__": tuple(names),
        "__replace__": replace,  # what copy.replace of Python 3.13 calls
        "__dataclass_fields__": _FieldsWhenAsked(),
        **{f"__{method.__name__.strip('_')}__": method for method in _METHODS},
    }
    for name, member in members.items():
        if name.startswith("_record") or name == "__dataclass_fields__" or name not in vars(cls):
            setattr(cls, name, member)
    _records.append(cls)
    return cls


def compile_records() -> None:
    """
    Give the records that were made so far the constructors that `dataclasses` writes for them.

    They are three times as fast and take longer to make than a DAG file needs all its records; this is for the
    process that forks one for each DAG file.
    """
    for cls in _records:
        if cls.__init__ is _init:
            cls.__init__ = _twin(cls, frozen=True).__init__


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    # A pipeline makes hundreds of records on every parse: whole mappings are put together, not fields.
    names, values = self._record_names, vars(self)
    values.update(self._record_values)
    values.update(zip(names, args, strict=False))
    values.update(kwargs)
    for name, make in self._record_factories:
        if name not in values:
            values[name] = make()
    given = names[: len(args)]
    if len(args) > len(names) or len(values) != len(names) or (given and not kwargs.keys().isdisjoint(given)):
        raise _wrong_values(self, args, kwargs)
    if kwargs and not kwargs.keys() <= type(self)._record_set:
        raise _wrong_values(self, args, kwargs)


def _wrong_values(record: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    name, names = type(record).__name__, record._record_names
    if len(args) > len(names):
        return TypeError(f"{name}() takes {len(names)} values, {len(args)} were given")
    for key in kwargs:
        if key not in names or key in names[: len(args)]:
            return TypeError(f"{name}() has no field {key!r}, or it was given twice")
    missing = [key for key in names if key not in vars(record)]
    return TypeError(f"{name}() misses the value of {', '.join(map(repr, missing))}")


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return vars(self) == vars(other)


def _hash(self: Any) -> int:
    values = vars(self)
    return hash((type(self), *[values[name] for name in self._record_names]))


def _repr(self: Any) -> str:
    values = vars(self)
    return f"{type(self).__qualname__}({', '.join(f'{name}={values[name]!r}' for name in self._record_names)})"


def _setattr(self: Any, name: str, _value: object) -> None:
    raise _frozen_error(self, name)


def _delattr(self: Any, name: str) -> None:
    raise _frozen_error(self, name)


def _frozen_error(record: object, name: str) -> AttributeError:
    from dataclasses import FrozenInstanceError  # not before somebody has made the mistake

    return FrozenInstanceError(f"cannot change {name!r}: {type(record).__name__} is frozen; use replace()")


_METHODS = (_init, _eq, _hash, _repr, _setattr, _delattr)


class _FieldsWhenAsked:
    """Describes a record's fields for `dataclasses` when something asks for them."""

    def __get__(self, _record: object, cls: Any) -> dict[str, Any]:
        fields: dict[str, Any] = _twin(cls).__dataclass_fields__
        cls.__dataclass_fields__ = fields
        return fields


def _twin(cls: Any, *, frozen: bool = False) -> Any:
    """Return a dataclass with the record's fields: `dataclasses` describes and compiles whole classes alone."""
    import dataclasses  # this is what records are for: not before it is needed

    namespace: dict[str, Any] = dict(cls._record_values)
    for name, make in cls._record_factories:
        namespace[name] = dataclasses.field(default_factory=make)
    namespace["__annotations__"] = dict.fromkeys(cls._record_names, "object")
    twin = type(cls.__name__, (), namespace)
    return dataclasses.dataclass(frozen=True)(twin) if frozen else dataclasses.dataclass(twin)
