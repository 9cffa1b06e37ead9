"""Lists of runs: filters, pages, and that no filter makes the database look at all runs."""

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from airflow_ml.registry.run_queries import RunFilter, select_page


@pytest.fixture
def runs(registry):
    """Record eight runs: two experiments, two statuses, tags on some, one child."""
    for number in range(7):
        run = registry.runs.create(
            "even" if number % 2 == 0 else "odd",
            f"run {number}",
            kind="pipeline" if number < 4 else "script",
            status="Failed" if number in {1, 4} else "Completed",
            tags={"number": str(number), "half": "low" if number < 4 else "high"},
            properties={"long": "x" * 5000 + str(number % 3)},
        )
    registry.runs.create("even", "child", kind="child", parent_id=run.id, tags={"half": "high"})
    return registry.runs


def numbers(page):
    """Return which of the runs a page has."""
    return [run.name.removeprefix("run ") for run in page]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "6543210"),
        ({"experiment": "odd"}, "531"),
        ({"experiment": "never"}, ""),
        ({"kind": "pipeline"}, "3210"),
        ({"status": "Failed"}, "41"),
        ({"experiment": "odd", "status": "Failed"}, "1"),
        ({"tags": {"number": "3"}}, "3"),
        ({"tags": {"half": "low"}, "experiment": "even"}, "20"),
        ({"tags": {"number": None, "half": "high"}}, "654"),
        ({"tags": {"half": "high"}, "status": "Failed"}, "4"),
        ({"properties": {"long": "x" * 5000 + "1"}}, "41"),
        ({"properties": {"long": None}, "tags": {"half": "low"}, "status": "Completed"}, "320"),
        ({"limit": 2}, "65"),
    ],
)
def test_filters_are_joined(runs, wanted, expected):
    """A list has the root runs that every filter lets pass, newest first."""
    assert "".join(numbers(runs.list(**wanted))) == expected


def test_children_are_shown_when_asked_for(runs):
    """Runs that are not roots are listed by their parent or with include_children."""
    newest = runs.list(include_children=True, limit=2)
    parent = newest[1]

    assert numbers(newest) == ["child", "6"]
    assert numbers(runs.list(parent_id=parent.id)) == ["child"]
    assert numbers(runs.list(tags={"half": "high"}, include_children=True)) == ["child", "6", "5", "4"]


@pytest.mark.parametrize("wanted", [{}, {"tags": {"number": None}}])
def test_pages_follow_each_other(runs, wanted):
    """Each page starts behind the last run of the page before, also when new runs came in between."""
    first = runs.list(limit=3, **wanted)
    runs.create("even", "late", kind="script", tags={"number": "late"})
    second = runs.list(limit=3, before=first[-1].sequence, **wanted)
    third = runs.list(limit=3, before=second[-1].sequence, **wanted)

    assert numbers([*first, *second, *third]) == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_listed_run_is_whole(runs):
    """A run in a list says as much as the same run alone."""
    listed = runs.list(experiment="odd")

    assert [runs.get(run.id) for run in listed] == listed
    assert listed[0].tags == {"number": "5", "half": "high"}


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"include_children": True},
        {"experiment_key": 1},
        {"experiment_key": 1, "include_children": True},
        {"status": "Failed"},
        {"experiment_key": 1, "status": "Failed"},
        {"kind": "step", "include_children": True},
        {"parent_id": "p"},
        {"tags": {"a": "b"}},
        {"tags": {"a": None}},
        {"tags": {"a": "b", "c": "d"}, "properties": {"e": "f"}, "experiment_key": 1, "status": "Failed"},
    ],
)
def test_no_list_is_sorted(sqlite_registry, wanted):
    """SQLite, which has no statistics, reads every list in the order of an index, without sorting or scanning."""
    query = select_page(RunFilter(workspace_id=1, before=1000, **wanted), 50)
    statement = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))

    with sqlite_registry._scope.database.engine.connect() as connection:
        plan = "\n".join(row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}")))

    assert "TEMP B-TREE" not in plan
    assert "SCAN" not in plan
