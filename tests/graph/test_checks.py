"""Cycles, and the order in which steps can run."""

from __future__ import annotations

import random
import time

import pytest

from airflow_ml.graph import (
    Graph,
    InputPort,
    Step,
    StepOutputSource,
    WorkspaceRef,
    find_cycle,
    find_problems,
    in_running_order,
)


def make(links: dict[str, list[str]]) -> list[Step]:
    """Return steps that run after those that their links name."""
    return [Step(name, name, "k", after=tuple(after)) for name, after in links.items()]


def names(steps: list[Step] | tuple[Step, ...] | None) -> list[str] | None:
    """Return the ids of steps."""
    return None if steps is None else [step.id for step in steps]


@pytest.mark.parametrize(
    ("links", "cycle"),
    [
        ({}, None),
        ({"a": []}, None),
        ({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}, None),
        ({"a": ["elsewhere"]}, None),
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
        ({"x": [], "a": ["x", "c"], "b": ["a"], "c": ["b"]}, ["a", "c", "b", "a"]),
        ({"end": ["a"], "a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
    ],
)
def test_cycles_are_found(links: dict[str, list[str]], cycle: list[str] | None) -> None:
    """The steps of one cycle are named, without those that only lead to it."""
    assert names(find_cycle(make(links))) == cycle


def test_step_that_reads_itself_is_a_cycle() -> None:
    """A data link from a step to itself counts as `run_after` does."""
    step = Step("a", "a", "k", inputs=(InputPort("i", StepOutputSource("a", "o")),))

    assert names(find_cycle([step])) == ["a", "a"]


def test_problems_name_the_steps_of_the_cycle() -> None:
    """A cycle is one sentence with the names of its steps; a graph without one has no problems."""
    graph = Graph(
        "p", WorkspaceRef("w"), (Step("a", "first", "k", after=("b",)), Step("b", "second", "k", after=("a",)))
    )

    (problem,) = find_problems(graph)
    assert "cycle: 'first' -> 'second' -> 'first'" in problem
    assert find_problems(Graph("p", WorkspaceRef("w"), (Step("a", "a", "k"),))) == []


def test_long_chains_need_no_recursion() -> None:
    """A chain of 3,000 steps is checked and sorted, also one that bites its tail."""
    chain = {f"s{number}": [f"s{number - 1}"] if number else [] for number in range(3000)}
    steps = make(chain)

    assert find_cycle(steps) is None
    assert in_running_order(reversed(steps)) == tuple(steps)
    assert len(find_cycle(make({**chain, "s0": ["s2999"]})) or []) == 3001


def test_diamonds_cost_linear_time() -> None:
    """A ladder of 2,000 diamonds has 2 to the power of 2,000 paths; each link is looked at once."""
    links: dict[str, list[str]] = {"d0": []}
    for number in range(2000):
        links |= {f"l{number}": [f"d{number}"], f"r{number}": [f"d{number}"]}
        links[f"d{number + 1}"] = [f"l{number}", f"r{number}"]
    steps = make(links)

    started = time.process_time()
    assert find_cycle(reversed(steps)) is None
    assert len(in_running_order(steps)) == len(steps)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("seed", range(20))
def test_no_step_stands_before_one_it_needs(seed: int) -> None:
    """Whatever the order in which steps were given, each comes behind what it needs."""
    chance = random.Random(seed)
    steps = make(
        {f"s{number}": [f"s{other}" for other in range(number) if chance.random() < 0.2] for number in range(30)}
    )
    chance.shuffle(steps)

    order = names(in_running_order(steps)) or []
    assert sorted(order) == sorted(step.id for step in steps)
    assert all(order.index(other) < order.index(step.id) for step in steps for other in step.upstream)


def test_order_keeps_what_may_swap() -> None:
    """Steps that do not depend on each other stay as they were given."""
    assert names(in_running_order(make({"c": [], "a": [], "b": ["a"], "d": []}))) == ["c", "a", "b", "d"]
    assert names(in_running_order(make({"b": ["a"], "z": [], "a": []}))) == ["z", "a", "b"]


def test_steps_of_a_cycle_stand_at_the_end() -> None:
    """A graph with a cycle can be sorted, so that it can be shown; its order keeps every step."""
    assert names(in_running_order(make({"a": ["b"], "b": ["a"], "c": [], "d": ["a"]}))) == ["c", "a", "b", "d"]
