"""What is wrong with a graph as a whole, and in which order its steps can run."""

from __future__ import annotations

from airflow_ml._late import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import heapq
    from collections.abc import Iterable

    from airflow_ml.graph.model import Graph, Step
else:
    heapq = late("heapq")

__all__ = ["find_cycle", "find_problems", "in_running_order"]


def find_problems(graph: Graph) -> list[str]:
    """Return one sentence per problem that keeps the graph from running; empty when it is fine."""
    cycle = find_cycle(graph.steps)
    if cycle is None:
        return []
    way = " -> ".join(repr(step.name) for step in cycle)
    return [f"pipeline {graph.name!r}: found a cycle: {way}; drop one of these links or run_after calls"]


def in_running_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """
    Sort steps so that none stands before one that it needs; steps that may swap keep their order.

    Steps on a cycle, and those behind one, keep their order at the end.
    """
    given = list(steps)
    position = {step.id: index for index, step in enumerate(given)}
    missing = [{position[name] for name in step.upstream if name in position} for step in given]
    if all(need < index for index, needs in enumerate(missing) for need in needs):
        return tuple(given)
    downstream: list[list[int]] = [[] for _ in given]
    for index, needs in enumerate(missing):
        for need in needs:
            downstream[need].append(index)
    ready = [index for index, needs in enumerate(missing) if not needs]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for later in downstream[index]:
            missing[later].discard(index)
            if not missing[later]:
                heapq.heappush(ready, later)
    left = sorted(set(range(len(given))) - set(order))
    return tuple(given[index] for index in (*order, *left))


def find_cycle(steps: Iterable[Step]) -> list[Step] | None:
    """Return the steps of one cycle, the first one again at the end, or None."""
    by_id = {step.id: step for step in steps}
    finished: set[str] = set()
    for start in by_id:
        path = _walk(by_id, start, finished)
        if path is not None:
            return [by_id[step_id] for step_id in path]
    return None


def _walk(by_id: dict[str, Step], start: str, finished: set[str]) -> list[str] | None:
    """Search depth first from one step without recursion, because a pipeline may be a chain of thousands."""
    path: dict[str, None] = {}
    todo = [start]
    while todo:
        step_id = todo[-1]
        if step_id in path or step_id in finished or step_id not in by_id:
            todo.pop()
            if step_id in path:
                del path[step_id]
                finished.add(step_id)
            continue
        path[step_id] = None
        for name in by_id[step_id].upstream:
            if name in path:
                return [*list(path)[list(path).index(name) :], name]
            todo.append(name)
    return None
