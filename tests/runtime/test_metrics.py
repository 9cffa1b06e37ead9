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
        ([("row", {"x": 1})], {"x": 1}),
        ([("row", {"x": 1}), ("row", {"x": 2, "y": 3})], {"x": [1, 2], "y": [None, 3]}),
        ([("table", {"x": [1, 2]}), ("table", {"x": 3})], {"x": [1, 2, 3]}),
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


@pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, 3, None])
def test_no_lists(value):
    """`log_list` takes no text, dict or single value."""
    with pytest.raises(UserErrorException, match="list metric 'm': got "):
        checked("list", "m", value)
