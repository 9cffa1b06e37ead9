"""What a class of ours has under a name, also by objects that only a running script makes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from types import FunctionType

from airflow_ml.check.functions import assigned_in
from airflow_ml.check.refusals import always_refused
from airflow_ml.check.values import Class, Function, Object, Value, annotated, returned
from airflow_ml.exceptions import NotSupportedError

__all__ = [
    "NotThere",
    "Refused",
    "close_name",
    "constructor_of",
    "find_member",
    "made_by",
    "overridden",
    "refused_construction",
]


class NotThere(Exception):
    """The class has no such member, and neither has a class below it."""


class Refused(Exception):
    """Asking for the member raises NotSupportedError; the text is its sentence."""


def find_member(cls: type, name: str, *, is_object: bool) -> tuple[Value | None, str]:
    """
    Return what `cls.name` or `object.name` stands for, and the name of the class that has it.

    Of an object's class the classes below count as well: what gives a Run may give a PipelineRun.

    Raises:
        NotThere: nothing has it.
        Refused: asking for it is refused.
    """
    for candidate in (cls, *(_below(cls) if is_object else ())):
        _ask_metaclass(candidate, name)
        found = _member(candidate, name, is_object=is_object)
        if found is not None:
            return found[0], candidate.__name__
    if any("__getattr__" in vars(base) for base in cls.__mro__[:-1]):
        return None, cls.__name__
    raise NotThere(name)


def close_name(cls: type, name: str) -> str | None:
    """Return a public member that is written like a name that is not there."""
    known = {member for base in (cls, *_below(cls)) for member in dir(base) if not member.startswith("_")}
    found = get_close_matches(name, sorted(known), n=1)
    return found[0] if found else None


def overridden(method: Function) -> Iterator[FunctionType]:
    """Return what classes below have in the place of an object's method."""
    if method.receiver is not None and method.is_object:
        for below in _below(method.receiver):
            function = vars(below).get(method.function.__name__)
            if isinstance(function, FunctionType):
                yield function


def constructor_of(cls: type) -> FunctionType | None:
    """Return the function whose parameters a call of the class takes; None if the class does not say."""
    for name in ("__init__", "__new__"):
        function = inspect.getattr_static(cls, name, None)
        function = getattr(function, "__func__", function)
        if isinstance(function, FunctionType) and function.__module__.startswith("airflow_ml."):
            return function
    return None


def made_by(cls: type) -> Value:
    """Return what a call of a class gives: `Datastore(...)` is the datastore, of whatever class."""
    function = getattr(inspect.getattr_static(cls, "__new__", None), "__func__", None)
    if isinstance(function, FunctionType) and function.__module__.startswith("airflow_ml."):
        return returned(function, cls) or Object(cls)
    return Object(cls)


def refused_construction(cls: type) -> str | None:
    """Return the sentence with which every call of a class is refused, None if it is not."""
    metaclass_call = vars(type(cls)).get("__call__")
    functions = (metaclass_call, *(inspect.getattr_static(cls, name, None) for name in ("__new__", "__init__")))
    return next((text for function in functions if (text := always_refused(function, cls)) is not None), None)


def _member(cls: type, name: str, *, is_object: bool) -> tuple[Value | None] | None:
    """Return a member, None if the class does not have it; the member of whose kind nothing is known is `(None,)`."""
    raw = inspect.getattr_static(cls, name, None)
    if raw is None:
        return _assigned(cls, name) if is_object else None
    shown = f"{cls.__name__}.{name}"
    if isinstance(raw, property):
        return (_of_property(cls, raw) if is_object else None,)
    if isinstance(raw, classmethod | staticmethod) and isinstance(raw.__func__, FunctionType):
        return (Function(raw.__func__, shown, cls, isinstance(raw, classmethod), is_object),)
    if isinstance(raw, FunctionType):
        return (Function(raw, shown, cls, is_object, is_object),)
    if isinstance(raw, type):
        return (Class(raw, f"{cls.__name__}.{name}"),)
    return _assigned(cls, name) or (Object(type(raw)) if type(raw).__module__.startswith("airflow_ml.") else None,)


def _of_property(cls: type, member: property) -> Value | None:
    getter = member.fget
    if not isinstance(getter, FunctionType):
        return None
    text = always_refused(getter, cls)
    if text is not None:
        raise Refused(text)
    return returned(getter, cls)


def _assigned(cls: type, name: str) -> tuple[Value | None] | None:
    for base in cls.__mro__[:-1]:
        if base.__module__.startswith("airflow_ml.") and name in assigned_in(base):
            annotation = assigned_in(base)[name]
            return (None if annotation is None else annotated(annotation, base.__module__),)
    return None


def _ask_metaclass(cls: type, name: str) -> None:
    """Classes of things that are never there answer for their members themselves."""
    if type(cls) is not type and inspect.getattr_static(cls, name, None) is None:
        try:
            getattr(cls, name)
        except NotSupportedError as error:
            raise Refused(str(error)) from None
        except AttributeError:
            pass


def _below(cls: type) -> Iterator[type]:
    below: type
    for below in type.__subclasses__(cls):
        yield below
        yield from _below(below)
