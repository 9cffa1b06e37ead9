"""The names of the checked code and what they stand for; its own functions and objects as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from airflow_ml.check.values import Absent, Value, merged

__all__ = ["Known", "OwnFunction", "OwnObject", "Scopes", "either"]


@dataclass(eq=False)
class OwnFunction:
    """
    A function of the checked code.

    Attributes:
        owner: the class whose method it is.
        taken: what it was called with, by the names of its parameters; None where calls differ.
        given: what it returns.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef
    owner: OwnObject | None = None
    taken: dict[str, Known | None] = field(default_factory=dict)
    given: Known | None = None


@dataclass(eq=False)
class OwnObject:
    """The class of the checked code, and any object of it: what its methods keep in attributes, and the methods."""

    name: str
    members: dict[str, Known] = field(default_factory=dict)


Known = Value | OwnFunction | OwnObject


def either(one: Known | None, other: Known | None) -> Known | None:
    """Return what stands for both of two; what is not there counts for nothing."""
    if isinstance(one, Absent) or isinstance(other, Absent):
        return other if isinstance(one, Absent) else one
    if isinstance(one, OwnFunction | OwnObject) or isinstance(other, OwnFunction | OwnObject):
        return one if one is other else None
    return merged(one, other)


class Scopes:
    """Looks names up from the innermost function outwards."""

    def __init__(self) -> None:
        self._names: list[dict[str, Known]] = [{}]
        self._functions: dict[int, OwnFunction] = {}
        self._objects: dict[str, OwnObject] = {}
        self._pending: list[tuple[OwnFunction, int | None, list[dict[str, Known]]]] = []
        self._current: list[OwnFunction] = []
        self._class: OwnObject | None = None
        self._branches = 0

    def start_over(self) -> None:
        """Forget names for the next reading; what functions took and gave, and what objects keep, stays."""
        self._names = [{}]
        self._pending.clear()

    def get(self, name: str) -> Known | None:
        """Return what a name stands for, None for what is not known."""
        return next((scope[name] for scope in reversed(self._names) if name in scope), None)

    def set(self, name: str, value: Known | None) -> None:
        """Bind a name; what is not known takes nothing away in a branch, which may not be taken."""
        if value is not None:
            self._names[-1][name] = value
        elif not self._branches:
            self._names[-1].pop(name, None)

    def member(self, owner: OwnObject, name: str) -> Known | None:
        """Return what an object of the checked code has under a name."""
        return owner.members.get(name)

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, cell: int | None) -> None:
        """Bind a function's name, and keep the function for later."""
        function = self._functions.setdefault(id(node), OwnFunction(node, self._class))
        self._pending.append((function, cell, [*self._names]))
        if self._class is not None:
            self._class.members[node.name] = function
        else:
            self.set(node.name, function)

    def next_function(self) -> tuple[OwnFunction, int | None] | None:
        """Return a function whose body was not read yet; `entered` is the next call."""
        if not self._pending:
            return None
        function, cell, names = self._pending.pop(0)
        self._names = names
        return function, cell

    def call(
        self,
        called: OwnFunction | OwnObject,
        positional: Sequence[Known | None],
        named: Mapping[str | None, Known | None],
    ) -> Known | None:
        """Note what a function, or a class's `__init__`, is called with, and return what it gives."""
        function = called.members.get("__init__") if isinstance(called, OwnObject) else called
        if isinstance(function, OwnFunction):
            parameters = [argument.arg for argument in (*function.node.args.posonlyargs, *function.node.args.args)]
            if function.owner is not None:
                parameters = parameters[1:]
            for name, value in (*zip(parameters, positional, strict=False), *named.items()):
                if name is not None and value is not None:
                    function.taken[name] = either(function.taken.get(name, value), value)
        return called if isinstance(called, OwnObject) else called.given

    def returns(self, value: Known | None) -> None:
        """Note what the function that is being read returns."""
        if self._current and value is not None:
            self._current[-1].given = value

    @contextmanager
    def entered(self, function: OwnFunction) -> Iterator[None]:
        """Read a function's body in a scope of its own."""
        outside = self._names
        self._names = [*outside, {}]
        self._current.append(function)
        try:
            yield
        finally:
            self._current.pop()
            self._names = outside

    @contextmanager
    def branch(self) -> Iterator[None]:
        """Read code that may not be run: what a name stands for afterwards is what it was before or what it became."""
        names = self._names[-1]
        before = dict(names)
        self._branches += 1
        try:
            yield
        finally:
            self._branches -= 1
            for name, value in before.items():
                after = either(value, names.get(name))
                if after is None:
                    names.pop(name, None)
                else:
                    names[name] = after

    @contextmanager
    def in_class(self, name: str) -> Iterator[None]:
        """Read the body of a class; calling the class gives an object of it."""
        outside, self._class = self._class, self._objects.setdefault(name, OwnObject(name))
        self.set(name, self._class)
        self._names.append({})
        try:
            yield
        finally:
            self._names.pop()
            self._class = outside
