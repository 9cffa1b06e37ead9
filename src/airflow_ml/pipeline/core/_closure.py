"""Which steps a pipeline has: the listed ones, and those that they need."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.pipeline.core._producers import Producers
from airflow_ml.pipeline.core.builder import PipelineStep, StepSequence
from airflow_ml.pipeline.core.pipeline_data import PipelineData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Order", "Place", "close", "collect", "earlier_steps"]

#: For each step (by id of the object), the steps that a sequence puts before it.
Order = dict[int, tuple[PipelineStep, ...]]
#: A listed step, and the steps of the items before it in the sequences that it stands in.
Place = tuple[PipelineStep, tuple[PipelineStep, ...]]


def collect(steps: object) -> list[Place]:
    """
    Return the listed steps with the order that sequences give them, once for each time that a step is listed.

    Raises:
        ValueError: no step at all, or a PipelineData that no step writes.
        NotImplementedError: something that is no step, or a tuple, which v1 does not take either.
    """
    found = _flatten(steps, ())
    if not found:
        raise GraphError("pipeline: steps is empty; give at least one step")
    return found


def _flatten(item: object, before: tuple[PipelineStep, ...]) -> list[Place]:
    if isinstance(item, PipelineStep):
        return [(item, before)]
    if isinstance(item, PipelineData):
        return [(_producer_of(item), before)]
    if isinstance(item, StepSequence):
        return _flatten_sequence(item, before)
    if isinstance(item, list):
        return [place for inner in item for place in _flatten(inner, before)]
    raise NotSupportedError(
        f"pipeline: steps has {item!r} (a {type(item).__name__}), which is no step; give a list, nested lists, a"
        " StepSequence, a step or a PipelineData"
    )


def _flatten_sequence(sequence: StepSequence, before: tuple[PipelineStep, ...]) -> list[Place]:
    found: list[Place] = []
    previous: tuple[PipelineStep, ...] = ()
    for item in sequence:
        group = _flatten(item, (*before, *previous))
        found.extend(group)
        previous = tuple([step for step, _ in group]) or previous
    return found


def _producer_of(data: PipelineData) -> PipelineStep:
    producer = Producers().of(data)
    if producer is None:
        raise GraphError(f"pipeline: no step writes {data.name!r}, which stands in steps; give the step that should")
    return producer


def close(places: Sequence[Place], *, resolve: bool) -> tuple[list[PipelineStep], Order, Producers]:
    """
    Add producers and predecessors that were not listed (v1's transitive closure), and say what sequences order.

    Args:
        places: what `collect` returned.
        resolve: with False nothing is added.

    Raises:
        ValueError: `resolve` is False and something is missing.
    """
    chosen = dict.fromkeys([step for step, _ in places])
    order: Order = {}
    for step, before in places:
        if before:
            order[id(step)] = (*order.get(id(step), ()), *before)
    producers = Producers(chosen)
    todo = list(chosen)
    while todo:
        step = todo.pop()
        for needed, why in _needs(step, order, producers):
            if needed in chosen:
                continue
            if not resolve:
                raise GraphError(
                    f"step {step.name!r}: {why} step {needed.name!r} is not in the pipeline; add it, or leave"
                    " resolve_closure at True"
                )
            chosen[needed] = None
            producers.add(needed)
            todo.append(needed)
    if order:
        _order_what_comes_along(places, order, producers)
    return list(chosen), order, producers


def _order_what_comes_along(places: Sequence[Place], order: Order, producers: Producers) -> None:
    """
    Let steps that come in with an item of a sequence wait for the items before it as well.

    v1 rule: in `StepSequence([a, b])`, what b needs and nothing before it has brought in starts after a, too.
    """
    placed: set[int] = set()
    for step, before in places:
        todo = [step]
        while todo:
            current = todo.pop()
            if id(current) in placed:
                continue
            placed.add(id(current))
            if current is not step and before:
                order[id(current)] = (*order.get(id(current), ()), *before)
            todo.extend(current._after)
            todo.extend(producer for producer, _ in _producers_for(current, producers))


def _needs(
    step: PipelineStep, order: Mapping[int, tuple[PipelineStep, ...]], producers: Producers
) -> Iterator[tuple[PipelineStep, str]]:
    for earlier in earlier_steps(step, order):
        yield earlier, "it runs after a step that is missing:"
    yield from _producers_for(step, producers)


def _producers_for(step: PipelineStep, producers: Producers) -> Iterator[tuple[PipelineStep, str]]:
    data: Iterable[object] = (*[bound.data for bound in step._given.inputs], *step._given.undecided)
    for item in data:
        producer = producers.of(item)
        if producer is not None and producer is not step:
            yield producer, f"the producer of {getattr(item, 'name', item)!r},"


def earlier_steps(step: PipelineStep, order: Mapping[int, tuple[PipelineStep, ...]]) -> tuple[PipelineStep, ...]:
    """Return the steps that `run_after` and sequences put before the step."""
    return (*step._after, *order.get(id(step), ()))
