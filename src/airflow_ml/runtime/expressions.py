"""
Conditions on rows and files: what `dataset["column"] > 3` is, and what `filter` takes.

An expression is plain data that goes into a dataset's definition; `airflow_ml.runtime.filters` evaluates it when the
data is read. The operators and methods are those of v1's data preparation expressions.
"""

from __future__ import annotations

import datetime

from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    #: `{"column": name}`, `{"attribute": name}`, `{"value": v}`, `{"time": text}`, or `{"op": name, "args": [...]}`.
    Node = Dict[str, Any]

__all__ = ["FILE_ATTRIBUTES", "Expression", "attribute", "column", "condition"]

#: What `file_metadata` knows of a file, in v1's words.
FILE_ATTRIBUTES = ("CanSeek", "Extension", "LastModifiedTime", "Size")


class Expression:
    """
    A value that every row or file has, or a condition made from such values.

    Compare and calculate with operators; join conditions by `&`, `|` and `~`, each side in brackets.

    Attributes:
        node: the expression as JSON values.
    """

    def __init__(self, node: Node) -> None:
        self.node = node

    def contains(self, value: Any) -> Expression:
        """Whether the text holds that text somewhere."""
        return self._call("contains", value)

    def starts_with(self, value: Any) -> Expression:
        """Whether the text begins with that text."""
        return self._call("starts_with", value)

    def ends_with(self, value: Any) -> Expression:
        """Whether the text ends with that text."""
        return self._call("ends_with", value)

    def substring(self, start_value: int, length_value: int | None = None) -> Expression:
        """Return the part of the text from a position, counted from 0, to its end or of that length."""
        return self._call("substring", start_value, length_value)

    def index_of(self, target: str) -> Expression:
        """Return where the text first holds that text, counted from 0; -1 where it does not."""
        return self._call("index_of", target)

    def length(self) -> Expression:
        """Return the number of characters."""
        return self._call("length")

    def to_upper(self) -> Expression:
        """Return the text in capital letters."""
        return self._call("to_upper")

    def to_lower(self) -> Expression:
        """Return the text in small letters."""
        return self._call("to_lower")

    def is_null(self) -> Expression:
        """Whether there is no value."""
        return self._call("is_null")

    def is_error(self) -> Expression:
        """Not supported: a value that is not of its column's type is missing here; use `is_null`."""
        raise NotSupportedError(
            "expression: is_error is not supported, a value that is not of its column's type is missing here; use "
            "is_null()"
        )

    def _call(self, op: str, *values: Any) -> Expression:
        return Expression({"op": op, "args": [self.node, *(_node(value) for value in values)]})

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]  # v1: a comparison is an expression
        return self._call("eq", other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]  # as above
        return self._call("ne", other)

    def __lt__(self, other: Any) -> Expression:
        return self._call("lt", other)

    def __le__(self, other: Any) -> Expression:
        return self._call("le", other)

    def __gt__(self, other: Any) -> Expression:
        return self._call("gt", other)

    def __ge__(self, other: Any) -> Expression:
        return self._call("ge", other)

    def __add__(self, other: Any) -> Expression:
        return self._call("add", other)

    def __sub__(self, other: Any) -> Expression:
        return self._call("sub", other)

    def __mul__(self, other: Any) -> Expression:
        return self._call("mul", other)

    def __truediv__(self, other: Any) -> Expression:
        return self._call("truediv", other)

    def __floordiv__(self, other: Any) -> Expression:
        return self._call("floordiv", other)

    def __mod__(self, other: Any) -> Expression:
        return self._call("mod", other)

    def __pow__(self, other: Any) -> Expression:
        return self._call("pow", other)

    def __and__(self, other: Any) -> Expression:
        return self._call("and", condition(other, where="&"))

    def __or__(self, other: Any) -> Expression:
        return self._call("or", condition(other, where="|"))

    def __invert__(self) -> Expression:
        return self._call("not")

    def __bool__(self) -> bool:
        raise NotSupportedError(
            "expression: has no truth value before the data is read; join conditions by & | ~ with brackets around "
            "each, not by and, or, not"
        )

    __hash__ = None  # type: ignore[assignment]  # equality gives an expression, so sets and keys would be wrong

    def __repr__(self) -> str:
        return f"Expression({self.node!r})"


def column(name: str, *, where: str) -> Expression:
    """Return the value of a column; raises UserErrorException for a name that is no text."""
    if not isinstance(name, str):
        raise UserErrorException(f"{where}: column {name!r} is no name; index by one column's name, as in dataset['x']")
    return Expression({"column": name})


def attribute(name: str, *, where: str) -> Expression:
    """Return what is known of a file; raises NotSupportedError for what stores do not tell."""
    if name not in FILE_ATTRIBUTES:
        raise NotSupportedError(
            f"{where}: file attribute {name!r} is not supported; there are {', '.join(FILE_ATTRIBUTES)}"
        )
    return Expression({"attribute": name})


def condition(expression: object, *, where: str) -> Expression:
    """Return the expression; raises UserErrorException for anything else."""
    if not isinstance(expression, Expression):
        raise UserErrorException(
            f"{where}: {expression!r} is no expression; write a condition such as dataset['column'] > 3"
        )
    return expression


def _node(value: object) -> Node:
    if isinstance(value, Expression):
        return value.node
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()  # numpy's numbers
    if isinstance(value, datetime.date):
        return {"time": value.isoformat()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    raise UserErrorException(
        f"expression: {value!r} cannot be compared with data; give a number, text, bool, date or another column"
    )
