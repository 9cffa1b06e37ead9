"""Metrics."""

import math
import time
from dataclasses import replace

import pytest

from airflow_ml.registry import MetricPoint, RunNotFoundError, RunStateError
from airflow_ml.registry.values import utc_now


@pytest.fixture
def point(registry):
    """Return a point of a run that is going on."""
    run = registry.runs.create("e", "run", kind="script")
    return MetricPoint(run.id, "loss", "scalar", 0.5, utc_now(), step=2**40, description="per epoch")


def test_points_come_back_in_order(registry, point):
    """Points are read in the order in which they were logged, all or those of one name."""
    points = [replace(point, name=name, value=value) for value, name in enumerate("abcabc")]
    registry.metrics.append(points[:4])
    registry.metrics.append(points[4:])

    assert list(registry.metrics.read(point.run_id)) == points
    assert list(registry.metrics.read(point.run_id, "b")) == [points[1], points[4]]
    assert list(registry.metrics.read(point.run_id, "never")) == []


@pytest.mark.parametrize(
    "value", [None, True, 1, 2**70, 1e308, math.inf, -math.inf, "tekst ą", [1, [2.5, "a"]], {"a": [None], "ż\0": 1}]
)
def test_values_survive(registry, point, value):
    """A value comes back as it was, of the same type."""
    registry.metrics.append([replace(point, value=value)])

    (kept,) = registry.metrics.read(point.run_id)
    assert kept.value == value
    assert type(kept.value) is type(value)


def test_not_a_number_survives(registry, point):
    """NaN, which JSON columns refuse, is kept, inside of lists too."""
    registry.metrics.append([replace(point, value=math.nan), replace(point, value=[math.nan, 1.0])])

    first, second = registry.metrics.read(point.run_id)
    assert math.isnan(first.value)
    assert math.isnan(second.value[0])


def test_a_batch_is_all_or_nothing(registry, point):
    """A point of a missing or final run keeps the whole batch out."""
    ended = registry.runs.create("e", "ended", kind="script", status="Completed")

    with pytest.raises(RunStateError, match="logging metrics refused"):
        registry.metrics.append([point, replace(point, run_id=ended.id)])
    with pytest.raises(RunNotFoundError):
        registry.metrics.append([point, replace(point, run_id="nowhere")])
    assert list(registry.metrics.read(point.run_id)) == []


def test_thousands_of_points_are_quick(registry, point):
    """Five thousand points are written and read in far less time than a script needs to log them."""
    points = [replace(point, value=number / 7, step=number) for number in range(5000)]
    started = time.perf_counter()
    registry.metrics.append(points)
    kept = registry.metrics.read(point.run_id)

    assert time.perf_counter() - started < 3
    assert list(kept) == points


def test_many_processes_log_to_one_run(registry, point, at_once):
    """Batches of several processes do not get lost, and each stays in its own order."""

    def log(number):
        for step in range(10):
            registry.metrics.append([replace(point, name=str(number), step=step)])

    at_once(log, 4)

    for number in range(4):
        assert [kept.step for kept in registry.metrics.read(point.run_id, str(number))] == list(range(10))
