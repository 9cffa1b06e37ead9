"""
From step objects to a graph: what `Pipeline(workspace, steps)` does.

In this order: collect the steps (nested lists, sequences, producers and predecessors that were not listed), decide
who writes what, give every step an id, and write each one down as a `graph.Step`. What the v1 SDK raises while
building is raised here. Nothing but the existence of scripts is looked up outside the process.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.output_dataset_config import OutputDatasetConfig
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.graph import (
    ComputeDeclaration,
    Graph,
    InputPort,
    Parameter,
    ParameterRef,
    ParameterSource,
    Source,
    Step,
    StepOutputSource,
    WorkspaceRef,
    datapath_uri,
    dataset_uri,
    in_running_order,
)
from airflow_ml.pipeline.core._arguments import StepWiring, wire
from airflow_ml.pipeline.core._ports import BoundInput, origin
from airflow_ml.pipeline.core.builder import PipelineStep, StepSequence
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["RESERVED_IDS", "AssemblyOptions", "assemble", "assemble_step"]

#: Task ids that every translated pipeline has besides its steps.
RESERVED_IDS = ("reuse_check", "pipeline_end")

_NOT_IN_IDS = re.compile(r"[^\w-]+")
_MAX_ID = 200


@dataclass(frozen=True)
class AssemblyOptions:
    """What `Pipeline` was told besides its steps."""

    name: str
    workspace: WorkspaceRef
    description: str | None = None
    default_datastore: str | None = None
    default_source_directory: str | None = None
    resolve_closure: bool = True
    base_directory: Path | None = None
    declarations: tuple[ComputeDeclaration, ...] = ()


def assemble(steps: object, options: AssemblyOptions) -> Graph:
    """
    Build the graph of these steps.

    Raises:
        ValueError: anything about the steps that cannot work; the text names the step and the thing.
        NotImplementedError: `steps` is of a type that v1 does not take either, such as a tuple.
    """
    listed, order = _collect(steps)
    chosen = _close(listed, order, resolve=options.resolve_closure)
    wirings = {id(step): wiring for step, wiring in zip(chosen, _wire_all(chosen), strict=True)}
    ids = _give_ids(chosen)
    producers = _producers(chosen, wirings, ids)
    parameters = _Parameters()
    written = [
        _write_step(step, wirings[id(step)], _Context(ids, producers, order, parameters, options)) for step in chosen
    ]
    _check_pipeline_outputs(written)
    return Graph(
        name=options.name,
        workspace=options.workspace,
        steps=in_running_order(written),
        parameters=parameters.declared(),
        compute_declarations=options.declarations,
        description=options.description,
        default_datastore=options.default_datastore,
        base_directory=None if options.base_directory is None else str(options.base_directory),
    )


def assemble_step(
    step: PipelineStep, step_id: str, options: AssemblyOptions, written: Mapping[Hashable, StepOutputSource]
) -> tuple[Graph, dict[Hashable, StepOutputSource]]:
    """
    Build the graph of one step whose inputs may come from steps outside of it (operators written by hand).

    Args:
        written: outputs of other steps, by the identity of the objects that consumers hold.

    Returns:
        The graph, and the same mapping for the step's own outputs.

    Raises:
        ValueError: anything about the step that cannot work.
    """
    wiring = _wire_all([step], frozenset(written))[0]
    own = _producers([step], {id(step): wiring}, {id(step): step_id})
    for identity, (_, source) in own.items():
        if identity in written:
            raise GraphError(
                f"output {source.output!r} is written by step {written[identity].step!r} and by step {step.name!r};"
                " give each its own"
            )
    parameters = _Parameters()
    producers = {**{identity: (step, source) for identity, source in written.items()}, **own}
    node = _write_step(step, wiring, _Context({id(step): step_id}, producers, {}, parameters, options))
    graph = Graph(
        name=options.name,
        workspace=options.workspace,
        steps=(node,),
        parameters=parameters.declared(),
        compute_declarations=options.declarations,
        base_directory=None if options.base_directory is None else str(options.base_directory),
    )
    return graph, {identity: source for identity, (_, source) in own.items()}


# --- which steps -----------------------------------------------------------------------------------------------------

#: For each step (by id of the object), the steps that a sequence puts before it.
Order = dict[int, tuple[PipelineStep, ...]]


def _collect(steps: object) -> tuple[list[PipelineStep], Order]:
    order: Order = {}
    found = _flatten(steps, order)
    if not found:
        raise GraphError("a pipeline needs at least one step")
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
        f"steps: {item!r} (a {type(item).__name__}) is no step; give a list, nested lists, a StepSequence, a step or"
        " a PipelineData"
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
    step = data._links.declared or next(iter(data._links.implied), None)
    if step is None:
        raise GraphError(f"steps: no step writes {data.name!r}; give the step that should")
    return step


def _close(listed: Sequence[PipelineStep], order: Order, *, resolve: bool) -> list[PipelineStep]:
    """Add producers and predecessors that were not listed (v1's transitive closure)."""
    chosen = dict.fromkeys(listed)
    todo = list(listed)
    while todo:
        step = todo.pop()
        for needed, why in _needs(step, chosen, order):
            if needed in chosen:
                continue
            if not resolve:
                raise GraphError(
                    f"step {step.name!r}: {why} step {needed.name!r} is not in the pipeline; add it, or leave"
                    " resolve_closure at True"
                )
            chosen[needed] = None
            todo.append(needed)
    return list(chosen)


def _needs(step: PipelineStep, chosen: Mapping[PipelineStep, None], order: Order) -> Iterable[tuple[PipelineStep, str]]:
    for earlier in (*step._after, *order.get(id(step), ())):
        yield earlier, "it runs after a step that is missing:"
    written = {bound.identity for bound in step._outputs}
    for data in _pipeline_data_of(step):
        if origin(data) in written:
            continue
        producer = _choose_producer(data, step, chosen)
        if producer is not None and producer is not step:
            yield producer, f"the producer of {data.name!r},"
    for config in _output_configs_read_by(step):
        if isinstance(config.producer, PipelineStep) and config.producer is not step:
            yield config.producer, f"the producer of {config.name!r},"


def _pipeline_data_of(step: PipelineStep) -> list[PipelineData]:
    """Return the PipelineData that the step reads, or names in its arguments."""
    wiring = wire(step, writes=frozenset())
    found = [_inner(bound.data) for bound in wiring.inputs]
    return [data for data in found if isinstance(data, PipelineData)]


def _output_configs_read_by(step: PipelineStep) -> list[OutputDatasetConfig]:
    read = [bound.data for bound in step._inputs]
    read += [item.dataset for item in step._arguments if isinstance(item, DatasetConsumptionConfig)]
    return [data for data in read if isinstance(data, OutputDatasetConfig)]


def _inner(data: object) -> object:
    return getattr(data, "_pipeline_data", data)


def _choose_producer(
    data: PipelineData, reader: PipelineStep, chosen: Mapping[PipelineStep, None]
) -> PipelineStep | None:
    """Prefer the step that declares the data; else the first of the pipeline that names it; else the newest one."""
    if data._links.declared is not None:
        return data._links.declared
    implied = data._links.implied
    inside = [step for step in implied if step in chosen]
    if inside:
        return inside[0]
    outside = [step for step in implied if step is not reader]
    return outside[-1] if outside else None


# --- who writes what -------------------------------------------------------------------------------------------------


def _wire_all(chosen: Sequence[PipelineStep], elsewhere: frozenset[Hashable] = frozenset()) -> list[StepWiring]:
    """Bind every step's ports; a PipelineData that stands in arguments alone is an output of the first such step."""
    declared = {bound.identity for step in chosen for bound in step._outputs} | elsewhere
    writes: dict[PipelineStep, set[Hashable]] = {step: set() for step in chosen}
    for step in chosen:
        for item in step._arguments:
            if isinstance(item, PipelineData) and id(item) not in declared and step in item._links.implied:
                declared.add(id(item))
                writes[step].add(id(item))
    return [wire(step, writes=frozenset(writes[step])) for step in chosen]


def _give_ids(steps: Sequence[PipelineStep]) -> dict[int, str]:
    taken = set(RESERVED_IDS)
    ids: dict[int, str] = {}
    for step in steps:
        base = _NOT_IN_IDS.sub("_", step.name.removesuffix(".py")).strip("_")[:_MAX_ID] or "step"
        candidate, number = base, 2
        while candidate in taken:
            candidate, number = f"{base}_{number}", number + 1
        taken.add(candidate)
        ids[id(step)] = candidate
    return ids


def _producers(
    steps: Sequence[PipelineStep], wirings: Mapping[int, StepWiring], ids: Mapping[int, str]
) -> dict[Hashable, tuple[PipelineStep, StepOutputSource]]:
    found: dict[Hashable, tuple[PipelineStep, StepOutputSource]] = {}
    for step in steps:
        for bound in wirings[id(step)].outputs:
            earlier = found.get(bound.identity)
            if earlier is not None:
                raise GraphError(
                    f"output {bound.port.name!r} is written by step {earlier[0].name!r} and by step {step.name!r};"
                    " give each its own"
                )
            found[bound.identity] = (step, StepOutputSource(ids[id(step)], bound.port.name))
    return found


def _check_pipeline_outputs(steps: Sequence[Step]) -> None:
    seen: dict[str, str] = {}
    for step in steps:
        for port in step.outputs:
            name = port.pipeline_output_name
            if name is None:
                continue
            if name in seen:
                raise GraphError(
                    f"pipeline output {name!r} is declared by step {seen[name]!r} and by step {step.name!r}"
                )
            seen[name] = step.name


# --- one step --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Context:
    ids: Mapping[int, str]
    producers: Mapping[Hashable, tuple[PipelineStep, StepOutputSource]]
    order: Order
    parameters: _Parameters
    options: AssemblyOptions


def _write_step(step: PipelineStep, wiring: StepWiring, context: _Context) -> Step:
    options = context.options
    definition = step._define(options.default_source_directory)
    if definition.script_path is not None and not definition.script_path.is_file():
        raise GraphError(
            f"step {step.name!r}: script not found at {str(definition.script_path)!r}; check script_name and"
            " source_directory"
        )
    where = f"step {step.name!r}"
    context.parameters.take(wiring.parameters, where=where)
    earlier = (*step._after, *context.order.get(id(step), ()))
    return Step(
        id=context.ids[id(step)],
        name=step.name,
        kind=definition.kind,
        script=definition.script,
        arguments=wiring.arguments,
        inputs=tuple(_input_port(bound, context, where=where) for bound in wiring.inputs),
        outputs=tuple(bound.port for bound in wiring.outputs),
        params=wiring.params,
        source_directory=_portable(definition.source_directory, options.base_directory),
        environment=definition.environment,
        compute=definition.compute,
        run_settings={
            name: context.parameters.reference(value, where=where) for name, value in definition.run_settings.items()
        },
        allow_reuse=definition.allow_reuse,
        version=definition.version,
        settings=definition.settings,
        after=tuple(dict.fromkeys(context.ids[id(other)] for other in earlier)),
    )


def _portable(directory: Path | None, base: Path | None) -> str | None:
    """Write a source directory relative to the DAG file's folder where it lies below it."""
    if directory is None:
        return None
    if base is not None and directory.is_relative_to(base):
        return directory.relative_to(base).as_posix()
    return str(directory)


def _input_port(bound: BoundInput, context: _Context, *, where: str) -> InputPort:
    return InputPort(
        name=bound.name,
        source=_source(bound, context, where=where),
        mode=bound.mode,
        path_on_compute=bound.path_on_compute,
        overwrite=bound.overwrite,
        is_resource=bound.is_resource,
        transformations=bound.transformations,
    )


def _source(bound: BoundInput, context: _Context, *, where: str) -> Source:
    data = bound.data
    if bound.identity in context.producers:
        return context.producers[bound.identity][1]
    if isinstance(data, DataReference):
        return data.source
    if isinstance(data, PipelineParameter):
        context.parameters.take((data,), where=where)
        return ParameterSource(data.name)
    if isinstance(data, AbstractDataset):
        return data.source
    raise GraphError(
        f"{where}: no step of the pipeline writes input {bound.name!r}; add it to the outputs of the step that should"
    )


# --- parameters ------------------------------------------------------------------------------------------------------


class _Parameters:
    """The parameters of the whole pipeline, in the order in which they are met."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[PipelineParameter, str]] = {}

    def take(self, parameters: Iterable[PipelineParameter], *, where: str) -> None:
        """Add parameters; one name with two defaults raises GraphError."""
        for parameter in parameters:
            known, first = self._found.setdefault(parameter.name, (parameter, where))
            if known is not parameter and not _same_default(known.default_value, parameter.default_value):
                raise GraphError(
                    f"parameter {parameter.name!r} has the default {known.default_value!r} in {first} and"
                    f" {parameter.default_value!r} in {where}; use one PipelineParameter object for both"
                )

    def reference(self, value: object, *, where: str) -> Json | ParameterRef:
        """Return a run setting as the graph holds it."""
        if isinstance(value, PipelineParameter):
            self.take((value,), where=where)
            return ParameterRef(value.name)
        return value  # type: ignore[return-value]  # settings hold plain values besides parameters

    def declared(self) -> tuple[Parameter, ...]:
        return tuple(_declaration(parameter) for parameter, _ in self._found.values())


def _same_default(one: object, other: object) -> bool:
    if isinstance(one, DataPath) and isinstance(other, DataPath):
        return one.source == other.source
    return type(one) is type(other) and (one is other or one == other)


def _declaration(parameter: PipelineParameter) -> Parameter:
    default = parameter.default_value
    if isinstance(default, DataPath):
        return Parameter(parameter.name, "datapath", datapath_uri(default.source))
    if isinstance(default, AbstractDataset):
        source = default.source
        return Parameter(parameter.name, "dataset", dataset_uri(source), default_dataset=source)
    return Parameter(parameter.name, parameter._kind, default)  # type: ignore[arg-type]  # checked by its constructor
