"""
What an expression of the checked code stands for, as far as it is known; None where nothing is.

Types come from the annotations of our own functions, which mypy keeps true.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from types import FunctionType
from typing import TypeVar

from airflow_ml.check.functions import imported_name

__all__ = ["Absent", "Class", "Function", "Items", "Module", "Object", "Value", "annotated", "merged", "returned"]


@dataclass(frozen=True)
class Module:
    """A module of v1, by its name below `azureml`."""

    name: str


@dataclass(frozen=True)
class Class:
    """A class; `shown` is its name in the sentences."""

    cls: type
    shown: str


@dataclass(frozen=True)
class Function:
    """
    A function or method.

    Attributes:
        receiver: of a method: the class that it was asked of.
        is_bound: whether its first parameter is taken.
        is_object: of a method: it was asked of an object, not of the class.
    """

    function: FunctionType
    shown: str
    receiver: type | None = None
    is_bound: bool = False
    is_object: bool = False


@dataclass(frozen=True)
class Object:
    """
    An object of a class.

    Attributes:
        is_certain: False where it may be of another class as well, so that a member that is missing says nothing.
    """

    cls: type
    is_certain: bool = True


@dataclass(frozen=True)
class Items:
    """A list, dict or iterator of such values."""

    of: Value | None


@dataclass(frozen=True)
class Absent:
    """Something that is not there, which was said where it was asked for."""


Value = Module | Class | Function | Object | Items | Absent

#: Text of an annotation that names the receiver.
_SELF = "Self"


def merged(one: Value | None, other: Value | None) -> Value | None:
    """Return what stands for either of two: the same, or the class of which the other's is one; None for neither."""
    if one == other:
        return one
    if isinstance(one, Object) and isinstance(other, Object):
        if issubclass(one.cls, other.cls):
            return other
        return one if issubclass(other.cls, one.cls) else None
    if isinstance(one, Items) and isinstance(other, Items):
        item = merged(one.of, other.of)
        return None if item is None else Items(item)
    return None


def returned(function: FunctionType, receiver: type | None) -> Value | None:
    """Return what a call of a function of ours gives."""
    annotations = function.__annotations__
    annotation = annotations.get("return")
    if receiver is not None and annotation is not None and annotation in (_SELF, annotations.get("self")):
        return Object(receiver)
    if isinstance(annotation, str):
        return annotated(annotation, function.__module__)
    return _of_object(annotation)


def annotated(annotation: str | ast.expr, module: str) -> Value | None:
    """Return what an annotation in a module of ours means."""
    if isinstance(annotation, str):
        try:
            annotation = ast.parse(annotation, mode="eval").body
        except SyntaxError:
            return None
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotated(annotation.value, module)
    if isinstance(annotation, ast.BinOp):
        left, right = annotated(annotation.left, module), annotated(annotation.right, module)
        if left is None or right is None:
            return left or right
        either = merged(left, right)
        return Object(left.cls, is_certain=False) if either is None and isinstance(left, Object) else either
    if isinstance(annotation, ast.Subscript):
        return _subscripted(annotation, module)
    return _of_object(_named(annotation, module))


def _subscripted(annotation: ast.Subscript, module: str) -> Value | None:
    """Return items for what holds others: the last parameter is the item of a list and the value of a dict."""
    parameters = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    name = ast.unparse(annotation.value).rpartition(".")[2]
    if name in ("Optional", "ClassVar", "Final", "Union", "Annotated"):
        return annotated(parameters[0], module)
    known = [value for value in (annotated(item, module) for item in parameters if not _is_ellipsis(item)) if value]
    if name in ("type", "Type"):
        return Class(known[0].cls, known[0].cls.__name__) if known and isinstance(known[0], Object) else None
    return Items(known[-1]) if known else None


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _named(node: ast.expr, module: str) -> object:
    if isinstance(node, ast.Name):
        return imported_name(module, node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_named(node.value, module), node.attr, None)
    return None


def _of_object(meant: object) -> Value | None:
    if isinstance(meant, TypeVar):
        meant = meant.__bound__
    if isinstance(meant, type) and meant.__module__.startswith("airflow_ml."):
        return Object(meant)
    return None
