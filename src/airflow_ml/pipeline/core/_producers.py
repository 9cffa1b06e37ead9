"""Which step of a pipeline writes what."""

from __future__ import annotations

from airflow_ml.data._output_config import OutputDatasetConfig
from airflow_ml.data._writers import Written
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import StepOutputSource
from airflow_ml.pipeline.core._arguments import StepWiring, wire
from airflow_ml.pipeline.core._output_dataset import PipelineOutputAbstractDataset
from airflow_ml.pipeline.core._ports import origin
from airflow_ml.pipeline.core.builder import PipelineStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from airflow_ml.data._writers import Writers
    from airflow_ml.graph import Step

__all__ = ["Producers", "check_dataset_forms", "check_pipeline_outputs", "output_sources", "wire_steps"]


class Producers:
    """
    The producers of data, as far as steps are known.

    A step of the pipeline that declares an output writes it. Data that none of them declares comes from the step
    that was made last with it among its outputs: a pipeline may name the consumers alone.
    """

    def __init__(self, steps: Iterable[PipelineStep] = ()) -> None:
        self._steps: dict[PipelineStep, None] = {}
        self._declared: dict[Hashable, PipelineStep] = {}
        for step in steps:
            self.add(step)

    def add(self, step: PipelineStep) -> None:
        """Take a step into the pipeline."""
        self._steps[step] = None
        for bound in step._given.outputs:
            self._declared.setdefault(bound.identity, step)

    def of(self, data: object) -> PipelineStep | None:
        """Return the step that writes the data, or None if it is not written by a step."""
        if isinstance(data, PipelineOutputAbstractDataset):
            data = data._pipeline_data
        known = self._declared.get(origin(data))
        if known is not None:
            return known
        if isinstance(data, OutputDatasetConfig):
            data = data.origin
        return self._noted(data._writers) if isinstance(data, Written) else None

    def _noted(self, writers: Writers) -> PipelineStep | None:
        if isinstance(writers.declared, PipelineStep):
            return writers.declared
        implied = writers.implied_writers()
        inside = [step for step in self._steps if step in implied]
        candidates: list[PipelineStep] = inside or implied[-1:]
        return candidates[0] if candidates else None


def wire_steps(
    steps: Sequence[PipelineStep], producers: Producers, elsewhere: frozenset[Hashable] = frozenset()
) -> list[StepWiring]:
    """
    Wire every step.

    Args:
        elsewhere: identities of data that steps outside of the pipeline write.
    """
    return [wire(step, writes=_undeclared_outputs(step, producers, elsewhere)) for step in steps]


def _undeclared_outputs(
    step: PipelineStep, producers: Producers, elsewhere: frozenset[Hashable]
) -> frozenset[Hashable]:
    found = (data for data in step._given.undecided if producers.of(data) is step)
    return frozenset(origin(data) for data in found) - elsewhere


def output_sources(
    steps: Sequence[PipelineStep], wirings: Sequence[StepWiring], ids: Mapping[int, str]
) -> dict[Hashable, tuple[PipelineStep, StepOutputSource]]:
    """
    Return every output by the identity of the data that consumers hold.

    Raises:
        ValueError: two steps write the same data.
    """
    found: dict[Hashable, tuple[PipelineStep, StepOutputSource]] = {}
    for step, wiring in zip(steps, wirings, strict=True):
        for bound in wiring.outputs:
            name = bound.port.name
            if bound.identity in found:
                raise GraphError(
                    f"output {name!r} is written by step {found[bound.identity][0].name!r} and by step {step.name!r};"
                    " give each its own"
                )
            found[bound.identity] = (step, StepOutputSource(ids[id(step)], name))
    return found


def check_dataset_forms(steps: Sequence[PipelineStep], wirings: Sequence[StepWiring]) -> None:
    """
    Raise ValueError for an output that is read as a dataset of files and was not written as one.

    v1 rule: `as_dataset()` is what the producer's outputs hold, because the dataset is made where the data is. A table
    may be read from what was written plainly.
    """
    plain = {bound.identity: bound for wiring in wirings for bound in wiring.outputs if not bound.is_dataset}
    for step, wiring in zip(steps, wirings, strict=True):
        for bound in wiring.inputs:
            is_files = isinstance(bound.data, PipelineOutputAbstractDataset) and bound.transformations is None
            if is_files and bound.identity in plain:
                raise GraphError(
                    f"step {step.name!r}: input {bound.name!r} reads output {plain[bound.identity].port.name!r} as a"
                    " dataset, but the step that writes it lists it plainly; give the object that as_dataset()"
                    " returned to that step's outputs"
                )


def check_pipeline_outputs(steps: Iterable[Step]) -> None:
    """Raise ValueError for two outputs that are known to the pipeline under one name."""
    seen: dict[str, str] = {}
    for step in steps:
        for port in step.outputs:
            name = port.pipeline_output_name
            if name is None:
                continue
            if name in seen:
                raise GraphError(
                    f"pipeline output {name!r} is declared by step {seen[name]!r} and by step {step.name!r}; give each"
                    " its own pipeline_output_name"
                )
            seen[name] = step.name
