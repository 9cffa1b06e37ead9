"""
One step's inputs, outputs and arguments, wired together.

Rules (v1, with the article's snippets that v1 refuses taken in): a dataset configuration or an input binding that
stands only in the arguments is added to the inputs, an output configuration to the outputs; two bindings of one name
and the same data are one input, and an explicit mode wins over `direct`; a data reference must be listed. Everything
else in the arguments is text by Python's `str()`. Random default names become `input_<n>` and `output_<n>`, so that
the same file gives the same graph on every parse.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.output_dataset_config import OutputDatasetConfig
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import Argument, InputRef, OutputRef, ParameterRef, as_text
from airflow_ml.pipeline.core._ports import BoundInput, BoundOutput, bind_input, bind_output, is_input_only, origin
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_output_dataset import PipelineOutputAbstractDataset
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

if TYPE_CHECKING:
    from airflow_ml.pipeline.core.builder import PipelineStep

__all__ = ["StepWiring", "wire"]

_PORT_NAME = re.compile(r"\w+")
_PARAMETER_TEXT = re.compile(r"parameter:(\w+)")
_TEXT_TYPES = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class StepWiring:
    """A step's ports and arguments, with what was only named in the arguments added."""

    inputs: tuple[BoundInput, ...]
    outputs: tuple[BoundOutput, ...]
    arguments: tuple[Argument, ...]
    params: Mapping[str, Argument]
    parameters: tuple[PipelineParameter, ...]


class ArgumentTypeError(GraphError, TypeError):
    """An argument of a type that cannot be text; v1 raises TypeError here."""


def wire(step: PipelineStep, *, writes: frozenset[Hashable]) -> StepWiring:
    """
    Wire one step.

    Args:
        writes: identities of PipelineData that stand in the arguments alone and that this step writes.

    Raises:
        ValueError: repeated or impossible names, or an unlisted data reference.
        TypeError: an argument that cannot be text.
    """
    wiring = _Wiring(step, writes)
    arguments = tuple(wiring.argument(item) for item in step._arguments)
    params = {name: wiring.param(name, value) for name, value in step._params.items()}
    inputs, renamed = _checked(step, wiring.inputs, wiring.outputs)
    return StepWiring(
        inputs=inputs,
        outputs=tuple(wiring.outputs),
        arguments=tuple(_rename(argument, renamed) for argument in arguments),
        params=params,
        parameters=tuple(wiring.parameters.values()),
    )


class _Wiring:
    """The state of one `wire` call."""

    def __init__(self, step: PipelineStep, writes: frozenset[Hashable]) -> None:
        self._where = f"step {step.name!r}"
        self._step = step
        self.outputs = [*step._outputs]
        self._add_outputs(step, writes)
        self._written = {bound.identity: bound.port.name for bound in self.outputs}
        self.inputs: list[BoundInput] = []
        self.parameters: dict[str, PipelineParameter] = {}
        for bound in step._inputs:
            self._add_input(bound)

    def _add_outputs(self, step: PipelineStep, writes: frozenset[Hashable]) -> None:
        known = {bound.identity for bound in self.outputs}
        for item in step._arguments:
            is_output = isinstance(item, OutputDatasetConfig) or (isinstance(item, PipelineData) and id(item) in writes)
            if is_output and origin(item) not in known:
                self.outputs.append(bind_output(item, where=self._where))
                known.add(origin(item))
        for number, bound in enumerate(self.outputs, start=1):
            if bound.has_default_name:
                port = replace(bound.port, name=f"output_{number}")
                self.outputs[number - 1] = replace(bound, port=port, has_default_name=False)

    def _add_input(self, bound: BoundInput) -> BoundInput:
        for index, known in enumerate(self.inputs):
            if bound.has_default_name and known.identity == bound.identity:
                return known
            if known.name == bound.name and known.identity == bound.identity:
                if known.mode == "direct" and bound.mode != "direct":
                    self.inputs[index] = bound
                return self.inputs[index]
        if bound.has_default_name:
            bound = replace(bound, name=f"input_{len(self.inputs) + 1}", has_default_name=False)
        self.inputs.append(bound)
        return bound

    def argument(self, item: object) -> Argument:
        """Return one argv element of the script."""
        if isinstance(item, PipelineParameter):
            self.parameters[item.name] = item
            return (ParameterRef(item.name),)
        if isinstance(item, str):
            match = _PARAMETER_TEXT.fullmatch(item)
            if match and match[1] in self._step._params:
                return self.param(match[1], self._step._params[match[1]])
        if isinstance(item, _TEXT_TYPES):
            return (as_text(item),)
        if isinstance(item, (PipelineData, OutputDatasetConfig, PipelineOutputAbstractDataset)):
            return self._data_argument(item)
        if is_input_only(item):
            return (InputRef(self._add_input(bind_input(item, where=self._where)).name),)
        if isinstance(item, DataReference):
            return self._reference_argument(item)
        if isinstance(item, AbstractDataset):
            raise GraphError(
                f"{self._where}: a dataset stands in the arguments; write dataset.as_named_input('name') there"
            )
        raise ArgumentTypeError(
            f"{self._where}: argument {item!r} (a {type(item).__name__}) cannot be text; pass a str, number, bool,"
            " None, data object or PipelineParameter"
        )

    def _data_argument(self, item: PipelineData | OutputDatasetConfig | PipelineOutputAbstractDataset) -> Argument:
        port = self._written.get(origin(item))
        if port is not None:
            return (OutputRef(port),)
        for bound in self.inputs:
            if bound.identity == origin(item):
                return (InputRef(bound.name),)
        return (InputRef(self._add_input(bind_input(item, where=self._where)).name),)

    def _reference_argument(self, item: DataReference) -> Argument:
        for bound in self.inputs:
            if bound.name == item.name:
                return (InputRef(bound.name),)
        raise GraphError(
            f"{self._where}: data reference {item.name!r} stands in the arguments but not in the inputs; add it to both"
        )

    def param(self, name: str, value: object) -> Argument:
        """Return the value of one entry of `params`."""
        if isinstance(value, PipelineParameter):
            known = self.parameters.setdefault(value.name, value)
            if known is not value and known.default_value != value.default_value:
                raise GraphError(f"{self._where}: parameter {value.name!r} is used with two defaults")
            return (ParameterRef(value.name),)
        if isinstance(value, _TEXT_TYPES):
            return (as_text(value),)
        raise ArgumentTypeError(f"{self._where}: params[{name!r}] is {value!r}; it must be text or a PipelineParameter")


def _checked(
    step: PipelineStep, inputs: list[BoundInput], outputs: list[BoundOutput]
) -> tuple[tuple[BoundInput, ...], dict[str, str]]:
    """Check the names; where the kind of step allows it, rename inputs that are called like an output."""
    where = f"step {step.name!r}"
    output_names = [bound.port.name for bound in outputs]
    clashing = {bound.name for bound in inputs} & set(output_names)
    renamed = {name: f"INPUT_{name}" for name in clashing} if step._fix_port_name_collisions else {}
    kept = tuple(replace(bound, name=renamed.get(bound.name, bound.name)) for bound in inputs)
    input_names = [bound.name for bound in kept]
    for what, names in (("input", input_names), ("output", output_names)):
        for name in names:
            if not _PORT_NAME.fullmatch(name):
                raise GraphError(f"{where}: {what} name {name!r} may hold letters, digits and underscores only")
            if names.count(name) > 1:
                raise GraphError(f"{where}: {what} name {name!r} is repeated; give each {what} its own name")
    still_clashing = set(input_names) & set(output_names)
    if still_clashing:
        raise GraphError(f"{where}: {sorted(still_clashing)[0]!r} names an input and an output; rename one of them")
    return kept, renamed


def _rename(argument: Argument, renamed: Mapping[str, str]) -> Argument:
    return tuple(
        InputRef(renamed.get(part.port, part.port)) if isinstance(part, InputRef) else part for part in argument
    )
