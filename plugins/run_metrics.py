"""
What is drawn of a run's metrics: charts of what was logged again and again, tables, pictures, and single values.

Long series are thinned out here, so that a page stays small however much a run has logged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import MetricPoint

__all__ = ["chart_of", "metric_parts", "said", "scalar_series"]

#: Of a chart's series, which is more than a screen has pixels to tell apart.
_CHART_POINTS = 800

#: Of a table on a page.
_TABLE_ROWS = 200


def metric_parts(points: Sequence[MetricPoint]) -> dict[str, Json]:
    """Return a run's metrics as charts, tables, pictures, documents and single values, each under its name."""
    named: dict[str, list[MetricPoint]] = {}
    for point in points:
        named.setdefault(point.name, []).append(point)
    parts: dict[str, list[Json]] = {"scalars": [], "charts": [], "tables": [], "images": [], "documents": []}
    for name, logged in named.items():
        kind = logged[-1].kind
        for part, shown in _SHOWN.get(kind, _document)([point for point in logged if point.kind == kind]):
            parts[part].append({"name": name, **shown})
    return cast("dict[str, Json]", parts)


def scalar_series(points: Iterable[MetricPoint]) -> dict[str, tuple[list[float], list[float]]]:
    """Return the scalar metrics that were logged more than once, by name: their x values and their y values."""
    named: dict[str, list[MetricPoint]] = {}
    for point in points:
        if point.kind == "scalar" and _is_number(point.value):
            named.setdefault(point.name, []).append(point)
    return {name: _line(logged) for name, logged in named.items() if len(logged) > 1}


def chart_of(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> dict[str, Json]:
    """
    Return lines as a chart's data: the x values of all, and each line's value there or nothing.

    Args:
        lines: x and y values, by what the line is called.
    """
    thinned = {label: _thinned(x, y) for label, (x, y) in lines.items()}
    together = sorted({x for xs, _ in thinned.values() for x in xs})
    series: list[Json] = []
    for label, (xs, ys) in thinned.items():
        values = dict(zip(xs, ys, strict=True))
        series.append({"label": label, "values": [_finite(values.get(x)) for x in together]})
    return {"x": cast("list[Json]", together), "series": series}


def said(value: Json) -> Json:
    """Return the value with NaN and the infinities as text, which JSON has no word for."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: said(item) for name, item in value.items()}
    return [said(item) for item in value] if isinstance(value, list) else value


_Shown = list[tuple[str, "dict[str, Json]"]]


def _scalars(logged: Sequence[MetricPoint]) -> _Shown:
    last: Json = logged[-1].value
    shown: _Shown = [("scalars", {"value": said(last), "count": len(logged)})]
    numbers = [point for point in logged if _is_number(point.value)]
    if len(numbers) > 1:
        shown.append(("charts", chart_of({logged[0].name: _line(numbers)})))
    return shown


def _lists(logged: Sequence[MetricPoint]) -> _Shown:
    items: list[Json] = [item for point in logged for item in cast("list[Json]", point.value)]
    numbers = [float(cast("float", item)) for item in items if _is_number(item)]
    if len(numbers) > 1 and len(numbers) == len(items):
        return [("charts", chart_of({logged[0].name: (range(len(numbers)), numbers)}))]
    return [("tables", _table({"": items}))]


def _rows(logged: Sequence[MetricPoint]) -> _Shown:
    columns: dict[str, list[Json]] = {}
    height = 0
    for point in logged:
        cells = cast("dict[str, Json]", point.value)
        lists = {name: cell if isinstance(cell, list) else [cell] for name, cell in cells.items()}
        grown = height + max(map(len, lists.values()), default=0)
        for name, values in lists.items():
            column = columns.setdefault(name, [])
            column.extend([None] * (height - len(column)))
            column.extend(values)
        height = grown
    for column in columns.values():
        column.extend([None] * (height - len(column)))
    shown: _Shown = [("tables", _table(columns))]
    lines = {name: column for name, column in columns.items() if column and all(map(_is_number, column))}
    if height > 1 and lines:
        drawn = {
            name: (range(height), [float(cast("float", cell)) for cell in column]) for name, column in lines.items()
        }
        shown.append(("charts", chart_of(drawn)))
    return shown


def _images(logged: Sequence[MetricPoint]) -> _Shown:
    return [("images", {"artifact": str(point.value)}) for point in logged]


def _confusion(logged: Sequence[MetricPoint]) -> _Shown:
    found = logged[-1].value
    data = found.get("data") if isinstance(found, dict) else None
    labels, matrix = (data.get("class_labels"), data.get("matrix")) if isinstance(data, dict) else (None, None)
    if not isinstance(labels, list) or not isinstance(matrix, list) or not all(isinstance(row, list) for row in matrix):
        return _document(logged)
    head: list[Json] = ["", *labels]
    body: list[Json] = [
        [label, *map(said, cast("list[Json]", row))] for label, row in zip(labels, matrix, strict=False)
    ]
    return [("tables", {"columns": head, "rows": body, "more": 0})]


def _document(logged: Sequence[MetricPoint]) -> _Shown:
    return [("documents", {"value": said(logged[-1].value)})]


_SHOWN = {
    "scalar": _scalars,
    "list": _lists,
    "row": _rows,
    "table": _rows,
    "image": _images,
    "confusion_matrix": _confusion,
}


def _table(columns: Mapping[str, Sequence[Json]]) -> dict[str, Json]:
    cells = [[said(cell) for cell in column[:_TABLE_ROWS]] for column in columns.values()]
    height = max((len(column) for column in columns.values()), default=0)
    rows: list[Json] = [list(row) for row in zip(*cells, strict=True)]
    return {"columns": list(columns), "rows": rows, "more": max(0, height - _TABLE_ROWS)}


def _line(logged: Sequence[MetricPoint]) -> tuple[list[float], list[float]]:
    steps = [point.step for point in logged]
    # v1 scripts give no step: then it is the order of logging.
    known = [float(step) for step in steps if step is not None]
    x = known if len(set(known)) == len(steps) else [float(number) for number in range(len(steps))]
    return x, [float(cast("float", point.value)) for point in logged]


def _thinned(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    """Keep the lowest and the highest value of each stretch of a long line: what is seen of it stays."""
    if len(x) <= _CHART_POINTS:
        return [*x], [*y]
    stretch = math.ceil(2 * len(x) / _CHART_POINTS)
    kept: list[int] = []
    for start in range(0, len(x), stretch):
        part = range(start, min(start + stretch, len(x)))
        finite = [index for index in part if math.isfinite(y[index])] or [start]
        kept += sorted({min(finite, key=y.__getitem__), max(finite, key=y.__getitem__)})
    return [x[index] for index in kept], [y[index] for index in kept]


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
