"""The verdict on one use of a v1 name: what our code refuses, what the compatibility page says of it, or nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.check.differences import find_difference, plain
from airflow_ml.check.findings import Finding
from airflow_ml.check.members import constructor_of, overridden, refused_construction
from airflow_ml.check.refusals import always_refused, refused_with, split_advice
from airflow_ml.check.values import Class, Function

if TYPE_CHECKING:
    from types import FunctionType

    from airflow_ml.check.sources import Place

__all__ = ["Given", "judge_attribute", "judge_call", "not_there"]

#: `workspace ...: `, where the object's name would stand.
_WHERE = re.compile(r"^(?:[\w ]+ )?(?:\.\.\.|None): ")


@dataclass(frozen=True)
class Given:
    """
    The arguments of a call: literals, and UNKNOWN for everything else.

    Attributes:
        is_open: `*` or `**` gives more that nobody knows.
    """

    positional: Sequence[object]
    named: Mapping[str, object]
    is_open: bool = False


def not_there(place: Place, what: str, sentence: str) -> Finding:
    """
    Return the finding for an error of ours, which says what to do behind its first semicolon.

    Where it happened is left out: it is the call itself, or an object that only the running script knows.
    """
    text, instead = split_advice(_WHERE.sub("", sentence.removeprefix(f"{what.partition('(')[0]}: ")))
    return Finding(place, what, "not there", text, instead)


def judge_call(place: Place, called: Class | Function, given: Given, *, is_step: bool) -> Finding:
    """Return the verdict on a call."""
    what = f"{called.shown}({'...' if given.positional or given.named or given.is_open else ''})"
    receiver: type | None
    if isinstance(called, Class):
        function, receiver, is_bound = constructor_of(called.cls), called.cls, True
        refusal = refused_construction(called.cls)
    else:
        function, receiver, is_bound = called.function, called.receiver, called.is_bound
        refusal = always_refused(function, receiver)
    arguments: Mapping[str, object] = given.named
    if refusal is None and function is not None:
        bound = _bound(function, given, is_bound=is_bound)
        if isinstance(bound, str) and isinstance(called, Function):
            # What makes a ComputeTarget may have made an AmlCompute, whose method takes more.
            others = (_bound(other, given, is_bound=is_bound) for other in overridden(called))
            bound = next((found for found in others if not isinstance(found, str)), bound)
        if isinstance(bound, str):
            return not_there(place, what, f"{called.shown}: {bound}")
        arguments = bound
        refusal = refused_with(function, receiver, arguments)
    if refusal is not None:
        return not_there(place, what, refusal)
    room = called.cls.__module__ if isinstance(called, Class) else called.function.__module__
    return _by_page(place, what, _keys_of_call(called, arguments), arguments, room=room, is_step=is_step)


def judge_attribute(place: Place, owner: type, shown: str, name: str, *, is_step: bool) -> Finding:
    """Return the verdict on reading an attribute that is there."""
    keys = [f"{shown}.{name}", *(f"{base.__name__}.{name}" for base in owner.__mro__[:-1])]
    return _by_page(place, f"{shown}.{name}", keys, {}, room=owner.__module__, is_step=is_step)


def _by_page(
    place: Place, what: str, keys: Sequence[str], arguments: Mapping[str, object], *, room: str, is_step: bool
) -> Finding:
    row = find_difference(keys, arguments, room=room, is_step=is_step)
    if row is None:
        return Finding(place, what, "works")
    if row.state == "differs":
        return Finding(place, what, "differs", _about(row.note, arguments), difference=row)
    return Finding(place, what, "not there", plain(row.note) or f"{what} is not in this version", difference=row)


def _about(note: str, arguments: Mapping[str, object]) -> str:
    """Return the clauses of a row that name an argument of the call, as far as it has such."""
    clauses = [clause for clause in note.split("; ") if any(f"`{name}" in clause for name in arguments)]
    return "; ".join(plain(clause) for clause in clauses)


def _bound(function: FunctionType, given: Given, *, is_bound: bool) -> dict[str, object] | str:
    """Return the arguments by their parameters' names, or what is wrong with them."""
    signature = inspect.signature(function)
    if is_bound:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    try:
        bound = signature.bind_partial(*given.positional, **given.named).arguments
    except TypeError as error:
        return f"{error}; it takes: {', '.join(signature.parameters)}"
    extra = [name for name, parameter in signature.parameters.items() if parameter.kind is parameter.VAR_KEYWORD]
    arguments = {name: value for name, value in bound.items() if name not in extra}
    for name in extra:
        arguments.update(bound.get(name, {}))
    return arguments


def _keys_of_call(called: Class | Function, arguments: Mapping[str, object]) -> list[str]:
    """Return the names that rows may call it by, the nearest first."""
    if isinstance(called, Class):
        name = called.cls.__name__
        return [*(f"{name}({argument})" for argument in arguments), f"{name}()", name, _below_azureml(called.cls)]
    if called.receiver is None:
        return [called.shown, _below_azureml(called.function)]
    keys = [f"{base.__name__}.{called.function.__name__}" for base in called.receiver.__mro__[:-1]]
    # What a class itself does, it mostly does instead of being called.
    return keys if called.is_object else [*keys, called.receiver.__name__, _below_azureml(called.receiver)]


def _below_azureml(named: type | FunctionType) -> str:
    return named.__module__.partition(".")[2]
