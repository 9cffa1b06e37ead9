"""
One step's inputs, outputs and arguments, wired together once the pipeline knows who writes what.

Data objects become places, parameters references, and everything else text by Python's `str()`. Random default names
become `input_<n>` and `output_<n>`, so that the same file gives the same graph on every parse.
"""

from __future__ import annotations

from airflow_ml.exceptions import GraphError
from airflow_ml.graph import Argument, InputRef, OutputRef, ParameterRef, as_text
from airflow_ml.graph.names import is_word
from airflow_ml.pipeline.core._given import ArgumentTypeError, text_of
from airflow_ml.pipeline.core._output_ports import BoundOutput, bind_output
from airflow_ml.pipeline.core._ports import BoundInput, bind_input, origin
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping
    from dataclasses import dataclass, replace

    from airflow_ml.pipeline.core.builder import PipelineStep
else:
    from airflow_ml._records import dataclass, replace

__all__ = ["StepWiring", "wire"]

_PARAMETER_TEXT = "parameter:"


@dataclass(frozen=True)
class StepWiring:
    """A step's ports and arguments, with what was only named in the arguments added."""

    inputs: tuple[BoundInput, ...]
    outputs: tuple[BoundOutput, ...]
    arguments: tuple[Argument, ...]
    params: Mapping[str, Argument]
    parameters: tuple[PipelineParameter, ...]


def wire(step: PipelineStep, *, writes: frozenset[Hashable]) -> StepWiring:
    """
    Wire one step.

    Args:
        writes: identities of PipelineData that stand in the arguments alone and that this step writes; it reads the
            others that stand there.

    Raises:
        ValueError: repeated or impossible names, or a parameter with two meanings.
        TypeError: a value of `params` that cannot be text.
    """
    given = step._given
    where = f"step {step.name!r}"
    outputs, inputs = list(given.outputs), list(given.inputs)
    places: dict[Hashable, int] = {}
    for data in given.undecided:
        if origin(data) in writes:
            outputs.append(bind_output(data, where=where))
        else:
            places[origin(data)] = len(inputs)
            inputs.append(bind_input(data, where=where))
    outputs = _name_outputs(outputs)
    inputs = _name_inputs(inputs)
    if step._fix_port_name_collisions:
        taken = {bound.port.name for bound in outputs}
        inputs = [replace(bound, name=f"INPUT_{bound.name}") if bound.name in taken else bound for bound in inputs]
    _check_names(inputs, outputs, where=where)
    wiring = _Values(step, inputs, outputs, places)
    return StepWiring(
        arguments=tuple([wiring.argument(position, item) for position, item in enumerate(given.arguments)]),
        params=wiring.all_params(),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        parameters=tuple(wiring.parameters.values()),
    )


class _Values:
    """The values of arguments and params of one `wire` call."""

    def __init__(
        self,
        step: PipelineStep,
        inputs: list[BoundInput],
        outputs: list[BoundOutput],
        places: Mapping[Hashable, int],
    ) -> None:
        self._where = f"step {step.name!r}"
        self._params = step._params
        self._inputs_of = step._given.inputs_of
        self._inputs = inputs
        self._places = places
        self._written = {bound.identity: bound.port.name for bound in outputs}
        self.parameters: dict[str, PipelineParameter] = {}
        self._named_params = {name: self._param(name, value) for name, value in step._params.items()}
        self._argument_params: dict[str, Argument] = {}
        self._arguments = step._given.arguments

    def argument(self, position: int, item: object) -> Argument:
        """Return one argv element of the script."""
        if isinstance(item, str):
            if item.startswith(_PARAMETER_TEXT):
                return self._named(item[len(_PARAMETER_TEXT) :]) or (item,)
            return (item,)
        if position in self._inputs_of:
            return (InputRef(self._inputs[self._inputs_of[position]].name),)
        if isinstance(item, PipelineParameter):
            return self._parameter_argument(item)
        if item is None or isinstance(item, (int, float)):
            return (as_text(item),)
        key = origin(item)
        if key in self._written:
            return (OutputRef(self._written[key]),)
        return (InputRef(self._inputs[self._places[key]].name),)

    def all_params(self) -> Mapping[str, Argument]:
        """Return the params, with the parameters that stand in the arguments added, as v1 has it."""
        return {**self._argument_params, **self._named_params}

    def _named(self, name: str) -> Argument | None:
        """Return the param of a name, or the parameter that stands in the arguments, which is a param too (v1 rule)."""
        if name in self._named_params:
            return self._named_params[name]
        is_there = any(isinstance(item, PipelineParameter) and item.name == name for item in self._arguments)
        return (ParameterRef(name),) if is_there else None

    def _parameter_argument(self, item: PipelineParameter) -> Argument:
        value = self._note(item)
        if self._named_params.get(item.name, value) != value:
            raise GraphError(
                f"{self._where}: parameter {item.name!r} stands in the arguments, and params[{item.name!r}] is"
                " something else; rename one of them"
            )
        self._argument_params[item.name] = value
        return value

    def _param(self, name: str, value: object) -> Argument:
        if isinstance(value, PipelineParameter):
            return self._note(value)
        if value is None or isinstance(value, (str, int, float)):
            return (as_text(value),)
        text = text_of(value)
        if text is not None:
            return (text,)
        raise ArgumentTypeError(
            f"{self._where}: params[{name!r}] is {value!r} (a {type(value).__name__}); it must be text, a number or a"
            " PipelineParameter"
        )

    def _note(self, parameter: PipelineParameter) -> Argument:
        known = self.parameters.setdefault(parameter.name, parameter)
        if known is not parameter and known.to_declaration() != parameter.to_declaration():
            raise GraphError(
                f"{self._where}: parameter {parameter.name!r} is used with the defaults {known.default_value!r} and"
                f" {parameter.default_value!r}; use one PipelineParameter object for both"
            )
        return (ParameterRef(parameter.name),)


def _name_outputs(outputs: list[BoundOutput]) -> list[BoundOutput]:
    if not any(bound.has_default_name for bound in outputs):
        return outputs
    fresh = _fresh_names("output", [bound.port.name for bound in outputs if not bound.has_default_name])
    return [
        replace(bound, port=replace(bound.port, name=next(fresh)), has_default_name=False)
        if bound.has_default_name
        else bound
        for bound in outputs
    ]


def _name_inputs(inputs: list[BoundInput]) -> list[BoundInput]:
    if not any(bound.has_default_name for bound in inputs):
        return inputs
    fresh = _fresh_names("input", [bound.name for bound in inputs if not bound.has_default_name])
    return [
        replace(bound, name=next(fresh), has_default_name=False) if bound.has_default_name else bound
        for bound in inputs
    ]


def _fresh_names(word: str, taken: Iterable[str]) -> Iterator[str]:
    """Yield `word_1`, `word_2`, ... without the names that somebody gave."""
    used = set(taken)
    number = 0
    while True:
        number += 1
        if f"{word}_{number}" not in used:
            yield f"{word}_{number}"


def _check_names(inputs: list[BoundInput], outputs: list[BoundOutput], *, where: str) -> None:
    seen: dict[str, str] = {}
    for what, names in (
        ("input", [bound.name for bound in inputs]),
        ("output", [bound.port.name for bound in outputs]),
    ):
        for name in names:
            if not is_word(name):
                raise GraphError(f"{where}: {what} name {name!r} may hold letters, digits and underscores only")
            if name not in seen:
                seen[name] = what
            elif seen[name] == what:
                raise GraphError(f"{where}: {what} name {name!r} is repeated; give each {what} its own name")
            else:
                raise GraphError(f"{where}: {name!r} names an input and an output; rename one of them")
