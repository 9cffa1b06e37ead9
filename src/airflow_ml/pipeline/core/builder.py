"""The parent of all steps, and sequences of steps (`azureml.pipeline.core.builder`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ml.data.output_dataset_config import OutputDatasetConfig
from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline.core._ports import BoundInput, BoundOutput, bind_input, bind_output
from airflow_ml.pipeline.core.pipeline_data import PipelineData

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ml.graph import ComputeDeclaration, Json
    from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

__all__ = ["PipelineStep", "StepDefinition", "StepSequence"]


@dataclass(frozen=True)
class StepDefinition:
    """
    What a kind of step adds to its ports and arguments: the part of `graph.Step` that only the kind knows.

    Attributes:
        script_path: absolute path of the script, whose existence `Pipeline` checks.
        run_settings: values may be PipelineParameter objects.
        declarations: compute targets that this process created while a DAG file was parsed.
    """

    kind: str
    script: str | None = None
    script_path: Path | None = None
    source_directory: Path | None = None
    environment: Mapping[str, Json] | None = None
    compute: str | None = None
    run_settings: Mapping[str, object] = field(default_factory=dict)
    allow_reuse: bool = True
    version: str | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    declarations: tuple[ComputeDeclaration, ...] = ()


class PipelineStep:
    """
    Parent of all steps; users call `run_after` and read `name`.

    The lists that are given are copied, never changed (v1 rewrote them, so that one list given to two steps broke).

    Raises:
        ValueError: an item that can be no input or output, or an empty name.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        arguments: Sequence[object] | None = None,
        fix_port_name_collisions: bool = False,
        resource_inputs: Sequence[object] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise GraphError(f"a step needs a name, not {name!r}")
        self.name = name
        where = f"step {name!r}"
        self._inputs: tuple[BoundInput, ...] = tuple(
            bind_input(item, where=where) for item in (*_items(inputs), *_items(resource_inputs))
        )
        self._outputs: tuple[BoundOutput, ...] = tuple(bind_output(item, where=where) for item in _items(outputs))
        self._arguments: tuple[object, ...] = tuple(_items(arguments))
        self._params: Mapping[str, object] = {}
        self._fix_port_name_collisions = fix_port_name_collisions
        self._after: tuple[PipelineStep, ...] = ()
        self._link_producers()

    def run_after(self, step: PipelineStep) -> None:
        """
        Start this step only when the other one has completed.

        A pipeline that was already built keeps the order it was built with (v1 behaviour).
        """
        if not isinstance(step, PipelineStep):
            raise GraphError(f"step {self.name!r}: run_after takes a step, not {step!r}")
        if all(step is not earlier for earlier in self._after):
            self._after = (*self._after, step)

    def _define(self, _default_source_directory: str | None) -> StepDefinition:
        """Return what this kind of step adds to the graph; paths are absolute."""
        raise GraphError(f"step {self.name!r}: {type(self).__name__} cannot run; use one of airflow_ml.pipeline.steps")

    def _link_producers(self) -> None:
        """Let the data objects know this step, so that a pipeline can add a producer that was not listed."""
        for output in self._outputs:
            if isinstance(output.data, PipelineData):
                output.data._links.declared = self
            elif isinstance(output.data, OutputDatasetConfig):
                output.data.producer = self
        listed = {bound.identity for bound in self._inputs} | {bound.identity for bound in self._outputs}
        for item in self._arguments:
            if isinstance(item, PipelineData) and id(item) not in listed:
                item._links.implied.append(self)
            elif isinstance(item, OutputDatasetConfig):
                item.producer = self

    def _parameters(self) -> Iterable[PipelineParameter]:
        """Return parameters that only this kind of step knows of."""
        return ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class StepSequence:
    """
    Steps, lists of steps or sequences that run one after the other; the items of an inner list run side by side.

    Args:
        steps: for `[[a, b], c]`, c waits for a and b.
    """

    def __init__(self, steps: Sequence[object] | None = None) -> None:
        self._steps = list(steps or ())

    def __iter__(self) -> Iterator[object]:
        return iter(self._steps)


def _items(given: Sequence[object] | None) -> Sequence[object]:
    """Accept one object where v1 scripts leave out the brackets around it, and None for nothing."""
    if given is None:
        return ()
    return given if isinstance(given, (list, tuple)) else [given]
