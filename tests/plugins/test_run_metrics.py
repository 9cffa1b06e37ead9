"""What is drawn of metrics."""

import json
from datetime import datetime, timezone

from airflow_ml.plugins.run_metrics import chart_of, metric_parts, scalar_series
from airflow_ml.registry import MetricPoint

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def points(name: str, kind: str, *values: object, steps: object = None) -> list[MetricPoint]:
    """Make the points of one metric."""
    given = steps or [None] * len(values)
    return [MetricPoint("r", name, kind, value, NOW, step) for value, step in zip(values, given, strict=True)]


def test_a_scalar_that_was_logged_often_is_a_chart() -> None:
    """Its last value is said besides; one that was logged once is that value alone."""
    parts = metric_parts([*points("loss", "scalar", 3, 2.5, 1), *points("accuracy", "scalar", 0.5)])

    assert [(item["name"], item["value"]) for item in parts["scalars"]] == [("loss", 1), ("accuracy", 0.5)]
    assert [(item["name"], item["series"][0]["values"]) for item in parts["charts"]] == [("loss", [3.0, 2.5, 1.0])]


def test_steps_are_the_horizontal_axis_where_they_were_given() -> None:
    """Without them it is the order of logging."""
    assert scalar_series(points("loss", "scalar", 1, 2, steps=[10, 20]))["loss"][0] == [10.0, 20.0]
    assert scalar_series(points("loss", "scalar", 1, 2, steps=[None, 20]))["loss"][0] == [0.0, 1.0]


def test_rows_are_a_table_and_their_numbers_a_chart() -> None:
    """A column that some rows lack is empty there, and is not drawn."""
    parts = metric_parts(points("curve", "row", {"x": 1, "y": 2}, {"x": 2, "label": "end"}))

    assert parts["tables"][0]["columns"] == ["x", "y", "label"]
    assert parts["tables"][0]["rows"] == [[1, 2, None], [2, None, "end"]]
    assert [line["label"] for line in parts["charts"][0]["series"]] == ["x"]


def test_a_confusion_matrix_is_a_table() -> None:
    """Its classes name the rows and the columns; one of another form is shown as it is."""
    data = {"class_labels": ["cat", "dog"], "matrix": [[5, 1], [0, 4]]}

    parts = metric_parts(points("matrix", "confusion_matrix", {"data": data}))

    assert parts["tables"][0]["columns"] == ["", "cat", "dog"]
    assert parts["tables"][0]["rows"] == [["cat", 5, 1], ["dog", 0, 4]]
    assert metric_parts(points("matrix", "confusion_matrix", {"rows": 1}))["documents"][0]["value"] == {"rows": 1}


def test_what_json_has_no_word_for_is_text_or_left_out() -> None:
    """Charts leave NaN and the infinities out; values say them as text."""
    parts = metric_parts(points("loss", "scalar", float("inf"), 1.0, float("nan")))

    assert parts["charts"][0]["series"][0]["values"] == [None, 1.0, None]
    assert parts["scalars"][0]["value"] == "nan"
    json.dumps(parts, allow_nan=False)


def test_a_long_series_is_thinned_out() -> None:
    """Its extremes stay, and the page stays small."""
    values = [float(number % 7) for number in range(100_000)]
    values[54_321] = 1e6

    chart = chart_of({"loss": (range(len(values)), values)})

    assert len(chart["x"]) <= 1000
    assert max(chart["series"][0]["values"]) == 1e6


def test_lines_of_several_runs_share_an_axis() -> None:
    """Where a line has no value there is a gap."""
    chart = chart_of({"a": ([0, 1], [1.0, 2.0]), "b": ([1, 2], [3.0, 4.0])})

    assert chart["x"] == [0, 1, 2]
    assert [line["values"] for line in chart["series"]] == [[1.0, 2.0, None], [None, 3.0, 4.0]]
