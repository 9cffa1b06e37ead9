"""What may be logged, and what logged values look like when they are read back (v1's `get_metrics`)."""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime import lean_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

__all__ = ["DOCUMENTS", "checked", "fold"]

#: The kinds that are documents of v1's own; they are kept as artifacts too.
DOCUMENTS = ("accuracy_table", "confusion_matrix", "predictions", "residuals")

#: What a metric is of which nothing was logged.
_NOTHING = object()


def checked(kind: str, name: str, value: Any) -> Any:
    """
    Return a metric's value as plain data of its kind.

    Args:
        kind: scalar, list, row, table, confusion_matrix, residuals, predictions or accuracy_table.

    Raises:
        UserErrorException: the name or the value is not what v1 allows for the kind. Of the four that v1 documents as
            JSON it demands no more than that they are.
    """
    if not isinstance(name, str) or not name:
        raise UserErrorException(f"metric name {name!r}: expected a text that is not empty")
    check: Callable[[str, Any, str], Any] = _CHECKS.get(kind, _document)
    return check(f"{kind} metric {name!r}", value, kind)


def fold(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """
    Return the metrics of one run by name, from its events in their order.

    A scalar logged once is the value, logged again the list of all values. Lists are joined; one of a single item is
    that item, and an empty one is nothing (v1). Rows and tables are dicts of columns: of values where there is one row
    in all, else of lists. Images are their artifact's name. Of the other kinds the last one counts.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        if event["event"] == "metric":
            found.setdefault(event["name"], []).append(event)
    folded = {name: _folded(logged) for name, logged in found.items()}
    return {name: value for name, value in folded.items() if value is not _NOTHING}


def _folded(logged: list[Mapping[str, Any]]) -> Any:
    kind = logged[-1]["kind"]
    values = [event["value"] for event in logged if event["kind"] == kind]
    if kind in ("row", "table"):
        return _columns(values)
    if kind == "list":
        values = [item for value in values for item in value]
    elif kind not in ("scalar", "image"):
        return values[-1]
    return values[0] if len(values) == 1 else values or _NOTHING


def _columns(tables: list[dict[str, Any]]) -> Any:
    """Put rows and tables below each other; a column that one of them lacks is None there."""
    names = list(dict.fromkeys(name for table in tables for name in table))
    if not names:
        return _NOTHING
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for table in tables:
        heights = [len(cells) for cells in table.values() if isinstance(cells, list)]
        height = max(heights, default=1)
        for name in names:
            cells = table.get(name)
            columns[name] += cells if isinstance(cells, list) else [cells] * height
    if len(columns[names[0]]) == 1:
        return {name: cells[0] for name, cells in columns.items()}
    return columns


def _value(where: str, value: Any, _kind: str = "") -> bool | int | float | str | None:
    """Take what `log` takes: nearly everything, because v1 keeps the text of what it does not know."""
    if isinstance(value, (list, range)) or hasattr(value, "gi_frame"):
        raise UserErrorException(f"{where}: got {type(value).__name__}, expected one value; use log_list")
    if value is None:
        return None
    try:
        return _scalar(where, value)
    except (TypeError, ValueError, UserErrorException):
        return repr(value)


def _scalar(where: str, value: Any, _kind: str = "") -> bool | int | float | str:
    if not isinstance(value, (bool, int, float, str)):
        if callable(getattr(value, "item", None)):
            value = _item(where, value)
        elif hasattr(value, "__float__"):
            value = float(value)
    # Subclasses (numpy.float64, an enum's member) are reduced to what JSON can say.
    if isinstance(value, bool):
        return value
    for plain in (int, float):
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise UserErrorException(
        f"{where}: got {type(value).__name__}, expected a number, text or bool; "
        "log_list, log_row and log_table take more"
    )


def _item(where: str, value: Any) -> Any:
    try:
        return value.item()
    except (TypeError, ValueError, RuntimeError) as exc:
        raise UserErrorException(
            f"{where}: {type(value).__name__} is not one value ({exc}); use log_list", exc
        ) from exc


def _list(where: str, value: Any, _kind: str = "") -> list[Any]:
    tolist = getattr(value, "tolist", None)
    values = tolist() if callable(tolist) else value
    if not hasattr(values, "__iter__"):
        raise UserErrorException(f"{where}: got {type(value).__name__}, expected a list of numbers, texts or bools")
    return [None if item is None else _scalar(where, item) for item in values]


def _row(where: str, value: Mapping[str, Any], _kind: str = "") -> dict[str, Any]:
    return {
        str(column): None if cell is None else _scalar(f"{where}, column {column!r}", cell)
        for column, cell in value.items()
    }


def _table(where: str, value: Any, _kind: str = "") -> dict[str, Any]:
    if not hasattr(value, "items"):
        raise UserErrorException(f"{where}: got {value!r:.80}, expected a dict of columns: {{'x': [1, 2]}}")
    if all(_is_one(cells) for _, cells in value.items()):
        return _row(where, dict(value.items()))
    columns = {str(column): _list(f"{where}, column {column!r}", cells) for column, cells in value.items()}
    lengths = {column: len(cells) for column, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        raise UserErrorException(f"{where}: columns are of different lengths {lengths}, expected equal ones")
    return columns


def _is_one(cells: Any) -> bool:
    return isinstance(cells, (str, bytes)) or cells is None or not hasattr(cells, "__len__")


def _document(where: str, value: Any, _kind: str) -> Any:
    if isinstance(value, str):
        try:
            return lean_json.loads(value)
        except ValueError as exc:
            raise UserErrorException(f"{where}: the text is not JSON ({exc})", exc) from exc
    return _plain(where, value)


def _plain(where: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(where, item) for key, item in value.items()}
    tolist = getattr(value, "tolist", None)
    if callable(tolist):
        value = tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(where, item) for item in value]
    return None if value is None else _scalar(where, value)


_CHECKS: Mapping[str, Callable[[str, Any, str], Any]] = {"scalar": _value, "list": _list, "row": _row, "table": _table}
