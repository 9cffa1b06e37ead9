from airflow_ml.runtime.selection import select


def test_golden_split():
    """A split by a seed is the same on every machine and Python, for ever."""
    step = {"op": "split", "percentage": 0.5, "seed": 42}

    assert select("abcdefghij", [{**step, "part": 0}]) == ["b", "c", "d", "h", "i", "j"]
    assert select("abcdefghij", [{**step, "part": 1}]) == ["a", "e", "f", "g"]


def test_steps_follow_each_other():
    """Later steps see what earlier ones have left; steps on columns leave files alone."""
    steps = [{"op": "skip", "count": 1}, {"op": "keep_columns", "columns": []}, {"op": "take", "count": 2}]

    assert select("abcd", steps) == ["b", "c"]
    assert select("a", steps) == []


def test_sample():
    """A sample keeps about its share, nothing at 0 and everything at 1."""
    assert select(range(9), [{"op": "sample", "probability": 0.0, "seed": 1}]) == []
    assert select(range(9), [{"op": "sample", "probability": 1.0, "seed": 1}]) == list(range(9))
    assert 400 < len(select(range(1000), [{"op": "sample", "probability": 0.5, "seed": 1}])) < 600
