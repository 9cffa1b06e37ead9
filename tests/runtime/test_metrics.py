from datetime import date

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.metrics import checked, fold


def logged(*metrics):
    """Return the events of one metric, logged several times."""
    return [{"event": "metric", "name": "m", "kind": kind, "value": value} for kind, value in metrics]


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ([("scalar", 1)], 1),
        ([("scalar", 1), ("scalar", "a")], [1, "a"]),
        ([("list", [1]), ("list", [2, 3])], [1, 2, 3]),
        ([("list", [1])], 1),
        ([("row", {"x": 1})], {"x": 1}),
        ([("row", {"x": 1}), ("row", {"x": 2, "y": 3})], {"x": [1, 2], "y": [None, 3]}),
        ([("table", {"x": [1, 2]}), ("table", {"x": 3})], {"x": [1, 2, 3]}),
        ([("table", {"x": [1]})], {"x": 1}),
        ([("image", "a.png")], "a.png"),
        ([("residuals", {"n": 1}), ("residuals", {"n": 2})], {"n": 2}),
    ],
)
def test_shapes(metrics, expected):
    """Metrics are read back in v1's shapes."""
    assert fold(logged(*metrics)) == {"m": expected}


def test_other_events_are_no_metrics():
    """A run without metrics has an empty dict."""
    assert fold([{"event": "tag", "key": "a"}]) == {}


@pytest.mark.parametrize("name", ["", None, 3])
def test_names(name):
    """A metric's name is a text that is not empty."""
    with pytest.raises(UserErrorException, match="metric name"):
        checked("scalar", name, 1)


@pytest.mark.parametrize(("kind", "value"), [("list", []), ("table", {}), ("row", {})])
def test_nothing_logged(kind, value):
    """An empty list, row or table is no metric (v1)."""
    assert fold(logged((kind, checked(kind, "m", value)))) == {}


@pytest.mark.parametrize(
    ("value", "expected"), [("text", [*"text"]), ({"a": 1}, ["a"]), ({3}, [3]), (iter([1, None]), [1, None])]
)
def test_lists_are_what_a_loop_gives(value, expected):
    """`log_list` takes whatever can be looped over (v1)."""
    assert checked("list", "m", value) == expected


@pytest.mark.parametrize("value", [3, None, [[1]], [object()]])
def test_no_lists(value):
    """`log_list` takes no single value, and no items that are not one value each."""
    with pytest.raises(UserErrorException, match="list metric 'm'"):
        checked("list", "m", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), ((1,), "(1,)"), ({}, "{}"), (date(2020, 1, 2), "datetime.date(2020, 1, 2)"), (b"x", "b'x'")],
)
def test_text_of_other_values(value, expected):
    """`log` keeps the text of a value that is neither a number, text nor bool (v1)."""
    assert checked("scalar", "m", value) == expected
