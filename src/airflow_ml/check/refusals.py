"""
Which calls our own code refuses, and in which words.

Nothing is called for it. A function that does nothing but raise refuses always; a `raise` behind an `if` that asks for
one of its arguments, and a call of a `_refuse...` function, refuse some calls. Only the expressions that make such
errors are evaluated, with stand-ins for objects that the script would have.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from types import FunctionType

from airflow_ml.check.functions import tree_of
from airflow_ml.exceptions import AzureMLException, NotSupportedError

__all__ = ["UNKNOWN", "always_refused", "refused_with", "split_advice"]

#: Builtins that the conditions of refusals may ask.
_ASKING = frozenset({"isinstance", "len", "set", "sorted", "tuple"})


class _Unknown(str):
    """A value that only the running script knows; in sentences it is shown as `...`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "..."


UNKNOWN = _Unknown("...")


class _StandIn:
    """An object of a class of ours that was never made: its methods are there, what it would know is unknown."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return UNKNOWN


def always_refused(function: object, owner: type | None) -> str | None:
    """Return the sentence with which a function of ours refuses every call, None if it does not."""
    plain, tree = _source(function)
    if plain is None or tree is None:
        return None
    body = _telling(tree.body)
    first = body[0] if body else None
    names = _names(plain, owner, {})
    if isinstance(first, ast.Raise) and first.exc is not None:
        return _sentence(first.exc, plain, names)
    called = first.value if isinstance(first, ast.Return | ast.Expr) else None
    is_answer = isinstance(called, ast.Call) and _name_of(called.func).lstrip("_").startswith("refuse")
    return _raised_by(called, plain, names) if is_answer and called is not None else None


def refused_with(function: object, owner: type | None, given: Mapping[str, object]) -> str | None:
    """
    Return the sentence with which a function of ours refuses these arguments, None if it takes them.

    Args:
        given: those that the call gives, by the names of the parameters; UNKNOWN for what is no literal.
    """
    plain, tree = _source(function)
    if plain is None or tree is None or not given:
        return None
    names = _names(plain, owner, given)
    for statement in _telling(tree.body):
        found = None
        if isinstance(statement, ast.If) and isinstance(statement.body[0], ast.Raise):
            error = statement.body[0].exc
            if error is not None and _is_about(statement.test, given) and _holds(statement.test, plain, names):
                found = _sentence(error, plain, names)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            is_asked = _name_of(statement.value.func).lstrip("_").startswith("refuse")
            if is_asked and _is_about(statement.value, given):
                found = _raised_by(statement.value, plain, names)
        if found is not None:
            return found
    return None


def split_advice(sentence: str) -> tuple[str, str]:
    """Return what an error of ours says is wrong, and what it says to do."""
    text, _, advice = " ".join(sentence.split()).partition("; ")
    return text, advice


def _source(function: object) -> tuple[FunctionType | None, ast.FunctionDef | None]:
    plain = inspect.unwrap(function) if callable(function) else None
    plain = getattr(plain, "__func__", plain)
    if not isinstance(plain, FunctionType) or not plain.__module__.startswith("airflow_ml."):
        return None, None
    return plain, tree_of(plain)


def _telling(body: list[ast.stmt]) -> list[ast.stmt]:
    """Leave out the docstring, and what only takes notice of arguments."""
    return [
        statement
        for statement in body
        if not isinstance(statement, ast.Delete)
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]


def _names(function: FunctionType, owner: type | None, given: Mapping[str, object]) -> dict[str, object]:
    """Return what the parameters' names mean in a call with these arguments."""
    names: dict[str, object] = {}
    for number, parameter in enumerate(inspect.signature(function).parameters.values()):
        name = parameter.name
        if number == 0 and owner is not None and name in ("self", "cls", "mcs"):
            names[name] = owner if name == "cls" else _stand_in(owner)
        elif parameter.kind is parameter.VAR_KEYWORD:
            known = inspect.signature(function).parameters
            names[name] = {key: value for key, value in given.items() if key not in known}
        elif parameter.kind is parameter.VAR_POSITIONAL:
            names[name] = ()
        elif name in given:
            names[name] = given[name]
        else:
            names[name] = UNKNOWN if parameter.default is parameter.empty else parameter.default
    return names


def _stand_in(owner: type) -> object:
    """Return an object with the class's name and methods, which was never made as one is made."""
    members = {
        key: value
        for base in reversed(owner.__mro__[:-1])
        for key, value in vars(base).items()
        if not key.startswith("__") and isinstance(value, FunctionType | classmethod | staticmethod | str | tuple)
    }
    return type(owner.__name__, (_StandIn,), members)()


def _is_about(node: ast.AST, given: Mapping[str, object]) -> bool:
    """Whether an expression asks for an argument that is given, or for all that have no name."""
    names = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    return bool(names & given.keys()) or "kwargs" in names


def _holds(test: ast.expr, function: FunctionType, names: Mapping[str, object]) -> bool:
    """Whether a condition is certainly true of these arguments."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(_holds(value, function, names) for value in test.values)
    if isinstance(test, ast.BoolOp):
        return all(_holds(value, function, names) for value in test.values)
    for item in ast.walk(test):
        if isinstance(item, ast.Call) and _name_of(item.func) not in _ASKING:
            return False
    asked = [names.get(item.id) for item in ast.walk(test) if isinstance(item, ast.Name)]
    if any(isinstance(value, _Unknown) for value in asked) and not _asks_for_presence(test):
        return False
    try:
        return bool(_evaluated(test, function, names))
    except Exception:  # noqa: BLE001 - a condition over what is unknown can fail in any way
        return False


def _asks_for_presence(test: ast.expr) -> bool:
    """Whether a condition is `x`, or `x is not None`."""
    if isinstance(test, ast.Compare):
        return isinstance(test.left, ast.Name) and all(
            isinstance(operator, ast.Is | ast.IsNot) for operator in test.ops
        )
    return isinstance(test, ast.Name)


def _sentence(error: ast.expr, function: FunctionType, names: Mapping[str, object]) -> str | None:
    """Return the text of an error that would be raised, if it says that something is not supported."""
    try:
        made = _evaluated(error, function, names)
    except NotSupportedError as raised:  # by what makes the error
        made = raised
    except Exception:  # noqa: BLE001 - an expression over what is unknown can fail in any way
        return None
    return str(made) if isinstance(made, NotSupportedError) else None


def _raised_by(call: ast.expr, function: FunctionType, names: Mapping[str, object]) -> str | None:
    try:
        _evaluated(call, function, names)
    except AzureMLException as raised:
        return str(raised)
    except Exception:  # noqa: BLE001 - as above
        return None
    return None


def _evaluated(node: ast.expr, function: FunctionType, names: Mapping[str, object]) -> object:
    code = compile(ast.fix_missing_locations(ast.Expression(node)), "<refusal>", "eval")
    closed = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    # One dict, because comprehensions inside see the globals alone.
    return eval(code, {**vars(sys.modules[function.__module__]), **closed, **names})  # noqa: S307 - our own source


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
