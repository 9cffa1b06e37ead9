"""Look-ups in graphs."""

from __future__ import annotations

import dataclasses

import pytest

from airflow_ml.graph import Graph, InputPort, Step, StepOutputSource, WorkspaceRef


def test_parts_are_found_by_name(rich_graph: Graph) -> None:
    """Steps, ports and parameters are found by name, and what is not there raises KeyError."""
    step = rich_graph.step("prepare")

    assert step.input("raw").mode == "download"
    assert step.output("table").mode == "upload"
    assert rich_graph.parameter("lr").default == 0.5
    for find in (rich_graph.step, rich_graph.parameter, step.input, step.output):
        with pytest.raises(KeyError):
            find("nothing")


def test_upstream_has_producers_before_order_and_none_twice() -> None:
    """What a step waits for is named once, data links first."""
    inputs = (InputPort("i", StepOutputSource("b", "o")), InputPort("j", StepOutputSource("b", "p")))
    step = Step("s", "s", "k", inputs=inputs, after=("a", "b"))

    assert step.upstream == ("b", "a")


def test_people_read_of_steps_and_script_runs() -> None:
    """A step is called a step, and a submitted script a script run."""
    step = Step("s", "train", "python_script")
    pipeline = Graph("g", WorkspaceRef("w"), (step,))

    assert pipeline.title(step) == "step 'train'"
    assert dataclasses.replace(pipeline, is_script_run=True).title(step) == "script run 'train'"


def test_graphs_cannot_be_changed(rich_graph: Graph) -> None:
    """Everything behind the face may keep a graph without copying it."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        rich_graph.name = "x"  # type: ignore[misc]  # what is tested
