"""
Reads a piece of code and finds each use of a v1 name in it.

Values are followed through names, attributes, calls, loops and the functions of the piece; branches are read one after
another, as if all were taken. The code is read twice: what functions are called with, what they return and what objects
keep is known from the first time.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from airflow_ml.check.expressions import Expressions, value_of_name
from airflow_ml.check.faces import Missing, find_module, find_name, own_name
from airflow_ml.check.findings import Finding
from airflow_ml.check.foreign import foreign_advice
from airflow_ml.check.judging import not_there
from airflow_ml.check.notes import Notes
from airflow_ml.check.scopes import Scopes
from airflow_ml.check.values import Absent, Class, Module, Object, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ml.check.scopes import Known, OwnFunction
    from airflow_ml.check.sources import Piece

__all__ = ["read_piece"]

#: Words by which a script shows that it is run by a step, and by which that it builds pipelines.
_STEP_WORDS = frozenset({"get_context"})
_BUILDING_WORDS = frozenset({"Experiment", "Pipeline", "ScriptRunConfig", "from_config", "start_logging", "submit"})
#: Parameters of functions that say by their names what they are.
_USUAL = {"ws": "Workspace", "workspace": "Workspace", "aml_workspace": "Workspace"}


def read_piece(piece: Piece) -> list[Finding]:
    """Return the uses of v1's names in the order of the code."""
    if not any(map(_is_telling, _imported(piece))):
        return []
    is_step = _is_step(piece)
    scopes = Scopes()
    for _ in range(2):
        notes = Notes(piece.file)
        reader = _Reader(notes, scopes, is_step=is_step)
        for cell, tree in piece.trees:
            notes.cell = cell
            reader.read_body(tree.body)
        reader.read_functions()
        scopes.start_over()
    return sorted(dict.fromkeys(notes.found), key=lambda found: (found.place.cell or 0, found.place.line))


def _imported(piece: Piece) -> Iterator[str]:
    """Return the modules that a piece imports from."""
    for _, tree in piece.trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module or ""


def _is_telling(module: str) -> bool:
    """Whether something is to be said about an import, or about what comes from it."""
    return own_name(module) is not None or foreign_advice(module) is not None


def _is_step(piece: Piece) -> bool:
    """Whether a piece is the script of a step: it asks for its run, and builds nothing."""
    words = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for _, tree in piece.trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
    }
    return bool(words & _STEP_WORDS) and not words & _BUILDING_WORDS


class _Reader(Expressions):
    """Goes through statements; the bodies of functions come last, when all that is global is known."""

    def read_body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            read = getattr(self, f"_read_{type(statement).__name__}", self._read_parts)
            read(statement)

    def read_functions(self) -> None:
        """Read the bodies of functions, which may define further ones."""
        while (pending := self.scopes.next_function()) is not None:
            function, self.notes.cell = pending
            with self.scopes.entered(function):
                self._bind_parameters(function)
                self.read_body(function.node.body)

    def _read_parts(self, statement: ast.stmt) -> None:
        """Read the expressions of a statement, and the bodies below it, as branches."""
        for _, part in ast.iter_fields(statement):
            nodes = part if isinstance(part, list) else [part]
            if nodes and isinstance(nodes[0], ast.stmt):
                with self.scopes.branch():
                    self.read_body(nodes)
                continue
            for node in nodes:
                if isinstance(node, ast.expr):
                    self.value_of(node)
                elif isinstance(node, ast.withitem | ast.ExceptHandler | ast.match_case):
                    self._read_clause(node)

    def _read_clause(self, clause: ast.withitem | ast.ExceptHandler | ast.match_case) -> None:
        if isinstance(clause, ast.withitem):
            value = self.value_of(clause.context_expr)
            if clause.optional_vars is not None:
                self.bind(clause.optional_vars, value)
            return
        if isinstance(clause, ast.ExceptHandler) and clause.type is not None:
            self.value_of(clause.type)
        with self.scopes.branch():
            self.read_body(clause.body)

    def _read_Import(self, statement: ast.Import) -> None:
        for alias in statement.names:
            name = own_name(alias.name)
            if name is None:
                self.notes.note_foreign(statement, alias.name)
                continue
            try:
                find_module(name)
            except Missing as missing:
                self.notes.note(not_there(self.notes.place(statement), f"import {alias.name}", str(missing)))
                value: Value = Absent()
            else:
                value = Module(name if alias.asname else "")
            self.scopes.set(alias.asname or alias.name.partition(".")[0], value)

    def _read_ImportFrom(self, statement: ast.ImportFrom) -> None:
        module = statement.module or ""
        name = None if statement.level else own_name(module)
        if name is None:
            if not statement.level:
                self.notes.note_foreign(statement, module)
            return
        for alias in statement.names:
            what = f"from {module} import {alias.name}"
            if alias.name == "*":
                found = find_module(name)
                for public in getattr(found, "__all__", ()):
                    self.scopes.set(public, self.named(statement, name, public, what))
            else:
                self.scopes.set(alias.asname or alias.name, self.named(statement, name, alias.name, what))

    def _read_FunctionDef(self, statement: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for expression in (*statement.decorator_list, *statement.args.defaults):
            self.value_of(expression)
        self.scopes.define(statement, self.notes.cell)

    _read_AsyncFunctionDef = _read_FunctionDef

    def _read_ClassDef(self, statement: ast.ClassDef) -> None:
        for expression in (*statement.bases, *statement.decorator_list):
            self.value_of(expression)
        with self.scopes.in_class(statement.name):
            self.read_body(statement.body)

    def _read_Return(self, statement: ast.Return) -> None:
        if statement.value is not None:
            self.scopes.returns(self.value_of(statement.value))

    def _read_Assign(self, statement: ast.Assign) -> None:
        value = self.value_of(statement.value)
        for target in statement.targets:
            if isinstance(target, ast.Tuple | ast.List) and isinstance(statement.value, ast.Tuple | ast.List):
                for part, element in zip(target.elts, statement.value.elts, strict=False):
                    with self.notes.silent():
                        self.bind(part, self.value_of(element))
            else:
                self.bind(target, value)

    def _read_AnnAssign(self, statement: ast.AnnAssign) -> None:
        value: Known | None = self.annotated(statement.annotation)
        if statement.value is not None:
            value = self.value_of(statement.value) or value
        self.bind(statement.target, value)

    def _read_For(self, statement: ast.For | ast.AsyncFor) -> None:
        self.bind_item(statement.target, self.value_of(statement.iter))
        with self.scopes.branch():
            self.read_body(statement.body)
            self.read_body(statement.orelse)

    _read_AsyncFor = _read_For

    def _bind_parameters(self, function: OwnFunction) -> None:
        arguments = function.node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in every:
            value: Known | None = function.taken.get(argument.arg)
            if argument.annotation is not None:
                value = self.annotated(argument.annotation) or value
            if value is None and argument.arg in _USUAL:
                value = value_of_name(find_name("core", _USUAL[argument.arg], is_step=self.is_step), "", "")
                value = Object(value.cls) if isinstance(value, Class) else None
            self.scopes.set(argument.arg, value)
        if function.owner is not None and every:
            self.scopes.set(every[0].arg, function.owner)
