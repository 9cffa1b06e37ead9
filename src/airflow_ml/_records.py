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

__all__ = ["copied", "dataclass", "field", "replace"]


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
        "_record_defaults": defaults,
        "__match_args__": tuple(names),
        "__replace__": replace,  # what copy.replace of Python 3.13 calls
        "__dataclass_fields__": _FieldsWhenAsked(),
        **{f"__{method.__name__.strip('_')}__": method for method in _METHODS},
    }
    for name, member in members.items():
        if name.startswith("_record") or name == "__dataclass_fields__" or name not in vars(cls):
            setattr(cls, name, member)
    return cls


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    names, defaults, values = self._record_names, self._record_defaults, vars(self)
    if len(args) > len(names):
        raise TypeError(f"{type(self).__name__}() takes {len(names)} values, {len(args)} were given")
    for position, name in enumerate(names):
        if position < len(args):
            values[name] = args[position]
        elif name in kwargs:
            values[name] = kwargs.pop(name)
        elif name in defaults:
            default = defaults[name]
            values[name] = default.make() if type(default) is _Factory else default
        else:
            raise TypeError(f"{type(self).__name__}() misses the value of {name!r}")
    if kwargs:
        raise TypeError(f"{type(self).__name__}() has no field {next(iter(kwargs))!r}, or it was given twice")


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return vars(self) == vars(other)


def _hash(self: Any) -> int:
    return hash((type(self), *vars(self).values()))


def _repr(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


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
        import dataclasses  # this is what records are for: not before it is needed

        namespace: dict[str, Any] = {
            name: dataclasses.field(default_factory=default.make) if type(default) is _Factory else default
            for name, default in cls._record_defaults.items()
        }
        namespace["__annotations__"] = dict.fromkeys(cls._record_names, "object")
        # A twin whose fields are those of the record: descriptions of fields cannot be made one by one.
        twin: Any = dataclasses.dataclass(type(cls.__name__, (), namespace))
        fields: dict[str, Any] = twin.__dataclass_fields__
        cls.__dataclass_fields__ = fields
        return fields
