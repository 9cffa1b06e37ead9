"""Which steps a pipeline has: the listed ones, and those that they need."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.pipeline.core._producers import Producers
from airflow_ml.pipeline.core.builder import PipelineStep, StepSequence
from airflow_ml.pipeline.core.pipeline_data import PipelineData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Order", "close", "collect", "earlier_steps"]

#: For each step (by id of the object), the steps that a sequence puts before it.
Order = dict[int, tuple[PipelineStep, ...]]


def collect(steps: object) -> tuple[list[PipelineStep], Order]:
    """
    Return the listed steps, each once, and the order that sequences give them.

    Raises:
        ValueError: no step at all, or a PipelineData that no step writes.
        NotImplementedError: something that is no step, or a tuple, which v1 does not take either.
    """
    order: Order = {}
    found = _flatten(steps, order)
    if not found:
        raise GraphError("pipeline: steps is empty; give at least one step")
    return list(dict.fromkeys(found)), order


def _flatten(item: object, order: Order) -> list[PipelineStep]:
    if isinstance(item, PipelineStep):
        return [item]
    if isinstance(item, PipelineData):
        return [_producer_of(item)]
    if isinstance(item, StepSequence):
        return _flatten_sequence(item, order)
    if isinstance(item, list):
        return [step for inner in item for step in _flatten(inner, order)]
    raise NotSupportedError(
        f"pipeline: steps has {item!r} (a {type(item).__name__}), which is no step; give a list, nested lists, a"
        " StepSequence, a step or a PipelineData"
    )


def _flatten_sequence(sequence: StepSequence, order: Order) -> list[PipelineStep]:
    found: list[PipelineStep] = []
    previous: list[PipelineStep] = []
    for item in sequence:
        group = _flatten(item, order)
        for step in group:
            order[id(step)] = (*order.get(id(step), ()), *previous)
        found.extend(group)
        previous = group or previous
    return found


def _producer_of(data: PipelineData) -> PipelineStep:
    producer = Producers().of(data)
    if producer is None:
        raise GraphError(f"pipeline: no step writes {data.name!r}, which stands in steps; give the step that should")
    return producer


def close(listed: Sequence[PipelineStep], order: Order, *, resolve: bool) -> tuple[list[PipelineStep], Producers]:
    """
    Add producers and predecessors that were not listed (v1's transitive closure).

    Args:
        resolve: with False nothing is added.

    Raises:
        ValueError: `resolve` is False and something is missing.
    """
    chosen = dict.fromkeys(listed)
    producers = Producers(listed)
    todo = list(listed)
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
    return list(chosen), producers


def _needs(
    step: PipelineStep, order: Mapping[int, tuple[PipelineStep, ...]], producers: Producers
) -> Iterator[tuple[PipelineStep, str]]:
    for earlier in earlier_steps(step, order):
        yield earlier, "it runs after a step that is missing:"
    data: Iterable[object] = (*[bound.data for bound in step._given.inputs], *step._given.undecided)
    for item in data:
        producer = producers.of(item)
        if producer is not None and producer is not step:
            yield producer, f"the producer of {getattr(item, 'name', item)!r},"


def earlier_steps(step: PipelineStep, order: Mapping[int, tuple[PipelineStep, ...]]) -> tuple[PipelineStep, ...]:
    """Return the steps that `run_after` and sequences put before the step."""
    return (*step._after, *order.get(id(step), ()))
