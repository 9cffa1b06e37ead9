"""
What expressions of the checked code stand for, and the uses of v1's names in them.

Each expression is read once, because reading notes its uses.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from types import FunctionType, ModuleType

from airflow_ml.check.faces import Missing, find_name
from airflow_ml.check.judging import Given, judge_attribute, judge_call, not_there
from airflow_ml.check.members import NotThere, Refused, close_name, find_member, made_by
from airflow_ml.check.notes import Notes
from airflow_ml.check.refusals import UNKNOWN
from airflow_ml.check.scopes import Known, OwnFunction, OwnObject, Scopes, either
from airflow_ml.check.values import Absent, Class, Function, Items, Module, Object, Value, returned

__all__ = ["Expressions", "value_of_name"]

#: What gives on the items that it takes, and what gives one of them.
_SAME = frozenset({"list", "tuple", "sorted", "reversed", "iter", "set", "enumerate", "values", "items", "copy"})
_ONE = frozenset({"next", "get", "pop", "min", "max"})
_DISPLAYS = ast.List | ast.Tuple | ast.Set | ast.Dict
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp
#: Whose value is that of a part.
_PASSING = ast.IfExp | ast.BoolOp | ast.NamedExpr | ast.Await | ast.Starred
_NO_MEMBER = "look whether v1 has it: it is a slip, or a part of v1 that airflow-ml does not know"


class Expressions:
    """
    Reads the expressions of one piece.

    Attributes:
        is_step: whether the piece is a step's script, which finds another library than the code that builds.
    """

    def __init__(self, notes: Notes, scopes: Scopes, *, is_step: bool) -> None:
        self.notes = notes
        self.scopes = scopes
        self.is_step = is_step

    def value_of(self, node: ast.expr) -> Known | None:
        """Return what an expression stands for, and note the uses in it."""
        read = getattr(self, f"_value_of_{type(node).__name__}", None)
        if read is not None:
            value: Known | None = read(node)
            return value
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.comprehension):
                self.bind_item(child.target, self.value_of(child.iter))
                for condition in child.ifs:
                    self.value_of(condition)
        values = [self.value_of(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if isinstance(node, _DISPLAYS | _COMPREHENSIONS):
            # A dict's keys come before its values.
            keys = sum(key is not None for key in node.keys) if isinstance(node, ast.Dict) else 0
            item = _common(values[keys:], needs_all=isinstance(node, _DISPLAYS))
            return None if item is None else Items(_plain(item))
        if isinstance(node, ast.IfExp):
            values = values[1:]  # without the condition
        return _common(values, needs_all=False) if isinstance(node, _PASSING) else None

    def _value_of_Name(self, node: ast.Name) -> Known | None:
        return self.scopes.get(node.id)

    def _value_of_Lambda(self, node: ast.Lambda) -> None:
        self.value_of(node.body)

    def _value_of_Subscript(self, node: ast.Subscript) -> Known | None:
        value = self.value_of(node.value)
        self.value_of(node.slice)
        if isinstance(value, Items):
            return value if isinstance(node.slice, ast.Slice) else value.of
        return None

    def _value_of_Attribute(self, node: ast.Attribute) -> Known | None:
        return self._attribute(node, self.value_of(node.value), is_called=False)

    def _value_of_Call(self, node: ast.Call) -> Known | None:
        if isinstance(node.func, ast.Attribute):
            receiver = self.value_of(node.func.value)
            called = self._attribute(node.func, receiver, is_called=True)
            name = node.func.attr
        else:
            receiver, called = None, self.value_of(node.func)
            name = node.func.id if isinstance(node.func, ast.Name) else ""
        values = [self.value_of(argument) for argument in node.args]
        named = {keyword.arg: self.value_of(keyword.value) for keyword in node.keywords}
        if isinstance(called, OwnFunction | OwnObject):
            return self.scopes.call(called, values, named)
        if isinstance(called, Class | Function):
            return self._call(node, called, values)
        through = receiver if isinstance(receiver, Items) else next((item for item in values if item is not None), None)
        if isinstance(through, Items) and called is None:
            return through if name in _SAME else through.of if name in _ONE else None
        return None

    def _call(self, node: ast.Call, called: Class | Function, values: list[Known | None]) -> Known | None:
        is_open = any(isinstance(item, ast.Starred) for item in node.args) or any(k.arg is None for k in node.keywords)
        positional = [] if any(isinstance(item, ast.Starred) for item in node.args) else [*map(_literal, node.args)]
        named = {keyword.arg: _literal(keyword.value) for keyword in node.keywords if keyword.arg is not None}
        given = Given(positional, named, is_open)
        finding = judge_call(self.notes.place(node), called, given, is_step=self.is_step)
        self.notes.note(finding)
        if finding.state == "not there":
            return Absent()
        if isinstance(called, Class):
            return made_by(called.cls)
        return returned(called.function, called.receiver) or _submitted(values)

    def _attribute(self, node: ast.Attribute, value: Known | None, *, is_called: bool) -> Known | None:
        if isinstance(value, Module):
            below = f"{value.name}.{node.attr}" if value.name else node.attr
            return self.named(node, value.name, node.attr, f"azureml.{below}")
        if isinstance(value, OwnObject):
            return self.scopes.member(value, node.attr)
        if not isinstance(value, Class | Object):
            return Absent() if isinstance(value, Absent) else None
        return self._member(node, value, is_called=is_called)

    def _member(self, node: ast.Attribute, value: Class | Object, *, is_called: bool) -> Value | None:
        """Return what a class or object of v1 has under a name; what is to be said about it is noted."""
        is_object = isinstance(value, Object)
        shown = value.cls.__name__ if isinstance(value, Object) else value.shown
        try:
            found, owner = find_member(value.cls, node.attr, is_object=is_object)
        except Refused as refused:
            what = f"{shown}.{node.attr}{'(...)' if is_called else ''}"
            self.notes.note(not_there(self.notes.place(node), what, str(refused)))
            return Absent()
        except NotThere:
            return self._missing(node, value, shown, is_called=is_called)
        if isinstance(found, Function):
            return _shown_as(found, found.shown if is_object else f"{shown}.{node.attr}")
        if not is_called and not isinstance(found, Class):
            finding = judge_attribute(self.notes.place(node), value.cls, owner, node.attr, is_step=self.is_step)
            if finding.state != "works":
                self.notes.note(finding)
        return _shown_as(found, f"{shown}.{node.attr}") if found is not None else None

    def _missing(self, node: ast.Attribute, value: Class | Object, shown: str, *, is_called: bool) -> Absent | None:
        """Note a member that nothing is known of; not where it is assigned, nor where the object may be another."""
        if isinstance(value, Object) and not value.is_certain:
            return None
        if not node.attr.startswith("__") and isinstance(node.ctx, ast.Load):
            close = close_name(value.cls, node.attr)
            advice = f"did you mean {close!r}? Otherwise {_NO_MEMBER}" if close else _NO_MEMBER
            what = f"{shown}.{node.attr}{'(...)' if is_called else ''}"
            self.notes.note(not_there(self.notes.place(node), what, f"{shown} has no {node.attr!r}; {advice}"))
        return Absent()

    def named(self, node: ast.AST, module: str, name: str, what: str) -> Value | None:
        """Return what a module of v1 has under a name; what is not there is noted as `what`."""
        try:
            found = find_name(module, name, is_step=self.is_step)
        except Missing as missing:
            self.notes.note(not_there(self.notes.place(node), what, str(missing)))
            return Absent()
        return value_of_name(found, f"{module}.{name}" if module else name, name)

    def bind(self, target: ast.expr, value: Known | None) -> None:
        """Let the target of an assignment stand for a value."""
        if isinstance(target, ast.Name):
            self.scopes.set(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.bind(part, value.of if isinstance(value, Items) else None)
        elif isinstance(target, ast.Attribute):
            owner = self.value_of(target.value)
            if isinstance(owner, OwnObject) and value is not None:
                owner.members[target.attr] = value
        else:
            self.value_of(target)

    def bind_item(self, target: ast.expr, value: Known | None) -> None:
        """Bind a loop's target; of the pairs that `items()` gives the second part is the item."""
        item = value.of if isinstance(value, Items) else None
        if isinstance(target, ast.Tuple):
            self.bind(target.elts[-1], item)
        else:
            self.bind(target, item)

    def annotated(self, annotation: ast.expr) -> Value | None:
        """Return what an annotation of the checked code says."""
        with self.notes.silent():
            if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
                try:
                    annotation = ast.parse(annotation.value, mode="eval").body
                except SyntaxError:
                    return None
            value = self.value_of(annotation)
        return Object(value.cls) if isinstance(value, Class) else None


def _common(values: Sequence[Known | None], *, needs_all: bool) -> Known | None:
    """
    Return what stands for all values that are known, None if they are of different kinds.

    Args:
        needs_all: one that is not known makes the rest a guess, as among the items of a list.
    """
    known = [value for value in values if value is not None]
    if not known or (needs_all and len(known) < len(values)):
        return None
    common: Known | None = known[0]
    for value in known[1:]:
        common = None if common is None else either(common, value)
    return common


def _plain(value: Known | None) -> Value | None:
    """Return a value that can be an item; functions and objects of the code itself are not followed there."""
    return None if isinstance(value, OwnFunction | OwnObject) else value


def _literal(node: ast.expr) -> object:
    """Return the value of a literal, UNKNOWN for what only the running script knows."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN


def value_of_name(found: object, place: str, shown: str) -> Value | None:
    """Return what a name of a module stands for; `place` is the name below `azureml`."""
    if found is None or isinstance(found, ModuleType):
        return Module(place)
    if isinstance(found, type):
        return Class(found, shown)
    if isinstance(found, FunctionType):
        return Function(found, shown)
    return None


def _shown_as(value: Value, shown: str) -> Value:
    """Return a class or function under the name by which the code reaches it."""
    return replace(value, shown=shown) if isinstance(value, Class | Function) else value


def _submitted(values: Sequence[Known | None]) -> Value | None:
    """Return the run that submitting gives: each kind of thing that can be submitted says which."""
    first = values[0] if values else None
    submit = getattr(first.cls, "_submit_to", None) if isinstance(first, Object) else None
    return returned(submit, None) if isinstance(submit, FunctionType) else None
