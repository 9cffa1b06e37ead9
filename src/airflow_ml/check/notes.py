"""What is noted while code is read: findings, each at its place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_ml.check.findings import Finding
from airflow_ml.check.foreign import foreign_advice
from airflow_ml.check.sources import Place

__all__ = ["Notes"]


class Notes:
    """
    The findings of one piece.

    Attributes:
        cell: of the notebook, from which the code is that is being read.
    """

    def __init__(self, file: str) -> None:
        self.found: list[Finding] = []
        self.cell: int | None = None
        self._file = file
        self._is_silent = False

    def place(self, node: ast.AST) -> Place:
        """Return where a node stands."""
        return Place(self._file, getattr(node, "lineno", 1), self.cell)

    def note(self, finding: Finding) -> None:
        """Keep a finding, unless nothing is to be noted."""
        if not self._is_silent:
            self.found.append(finding)

    def note_foreign(self, node: ast.AST, module: str) -> None:
        """Note the import of a package that is not ours, where something is to be said about it."""
        advice = foreign_advice(module)
        if advice is not None:
            text = f"{module} is not version 1 of the Azure ML SDK"
            self.note(Finding(self.place(node), f"import {module}", "not there", text, advice))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Note nothing: an expression is read a second time, or for what it stands for alone."""
        before, self._is_silent = self._is_silent, True
        try:
            yield
        finally:
            self._is_silent = before
