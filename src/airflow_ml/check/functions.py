"""The source of our own functions, as trees, and the names that their modules know."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from functools import cache
from types import FunctionType

__all__ = ["assigned_in", "imported_name", "tree_of"]


def tree_of(function: FunctionType) -> ast.FunctionDef | None:
    """Return a function's tree, None where there is no source."""
    return _functions_of(function.__module__).get(function.__code__.co_firstlineno)


def imported_name(module: str, name: str) -> object:
    """
    Return what a name means in a module's annotations, None if nothing is known.

    What is imported for type checkers alone is looked up where it comes from.
    """
    found: object = vars(sys.modules[module]).get(name)
    if found is not None:
        return found
    place = _imports_of(module).get(name)
    if place is None:
        return None
    source, attribute = place
    try:
        value: object = importlib.import_module(source)
        return (
            value
            if attribute is None
            else getattr(value, attribute, None) or importlib.import_module(f"{source}.{attribute}")
        )
    except ImportError:  # of a package that is optional
        return None


@cache
def assigned_in(cls: type) -> dict[str, ast.expr | None]:
    """Return the attributes that a class's own body and methods give its objects, with annotations if they have any."""
    found: dict[str, ast.expr | None] = {}
    for node in ast.walk(_module_tree(cls.__module__)):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            for item in ast.walk(node):
                for target, annotation in _targets(item):
                    name = _attribute(target)
                    if name is not None and found.get(name) is None:
                        found[name] = annotation
    return found


def _targets(node: ast.AST) -> list[tuple[ast.expr, ast.expr | None]]:
    if isinstance(node, ast.AnnAssign):
        return [(node.target, node.annotation)]
    return [(target, None) for target in node.targets] if isinstance(node, ast.Assign) else []


def _attribute(target: ast.expr) -> str | None:
    """Return `x` of `self.x`, and of a field in the body of a class."""
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return target.id if isinstance(target, ast.Name) else None


@cache
def _module_tree(module: str) -> ast.Module:
    try:
        return ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):  # without source
        return ast.Module(body=[], type_ignores=[])


@cache
def _functions_of(module: str) -> dict[int, ast.FunctionDef]:
    """Return a module's functions by the line that the compiled code says: of their first decorator."""
    return {
        min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]): node
        for node in ast.walk(_module_tree(module))
        if isinstance(node, ast.FunctionDef)
    }


@cache
def _imports_of(module: str) -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    for node in ast.walk(_module_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update({alias.asname or alias.name: (node.module, alias.name) for alias in node.names})
        elif isinstance(node, ast.Import):
            found.update({alias.asname: (alias.name, None) for alias in node.names if alias.asname})
    return found
