"""One step as the graph holds it."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import InputPort, ParameterSource, Source, Step, StepOutputSource
from airflow_ml.graph.names import with_words_only
from airflow_ml.pipeline.core._closure import Order, earlier_steps
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from dataclasses import dataclass, field, replace

    from airflow_ml.pipeline.core import _reuse_settings as reuse_settings
    from airflow_ml.pipeline.core._arguments import StepWiring
    from airflow_ml.pipeline.core._parameters import Parameters
    from airflow_ml.pipeline.core._ports import BoundInput
    from airflow_ml.pipeline.core.builder import PipelineStep
else:
    from airflow_ml._records import dataclass, field, replace

    reuse_settings = late("airflow_ml.pipeline.core._reuse_settings")

__all__ = ["RESERVED_IDS", "NodeContext", "give_ids", "write_node"]

#: Task ids that every translated pipeline has besides its steps.
RESERVED_IDS = ("reuse_check", "pipeline_end")

#: Airflow takes 250 characters, with the ids of all task groups around the step before it.
_MAX_ID = 120


@dataclass(frozen=True)
class NodeContext:
    """
    What the steps of one pipeline share while they are written down.

    Attributes:
        ids: graph ids by id of the step object.
        sources: outputs by the identity of the data that consumers hold.
        memo: what kinds of steps keep, see `PipelineStep._define`.
        portable: source directories as the graph holds them, by absolute path.
    """

    ids: Mapping[int, str]
    sources: Mapping[Hashable, tuple[PipelineStep | None, StepOutputSource]]
    order: Order
    parameters: Parameters
    default_source_directory: str | None
    base_directory: str | None
    memo: dict[object, object] = field(default_factory=dict)
    portable: dict[str, str] = field(default_factory=dict)


def give_ids(steps: Sequence[PipelineStep]) -> dict[int, str]:
    """Return readable, unique ids that Airflow takes as task ids, by id of the step object."""
    taken = set(RESERVED_IDS)
    numbers: dict[str, int] = {}
    ids: dict[int, str] = {}
    for step in steps:
        base = with_words_only(step.name.removesuffix(".py"), keep="-")[:_MAX_ID].strip("_-") or "step"
        candidate = base
        while candidate in taken:
            numbers[base] = numbers.get(base, 1) + 1
            candidate = f"{base}_{numbers[base]}"
        taken.add(candidate)
        ids[id(step)] = candidate
    return ids


def write_node(step: PipelineStep, wiring: StepWiring, context: NodeContext) -> Step:
    """
    Write one step down.

    Raises:
        ValueError: no script where the step says, an input that no step writes, a parameter with two defaults, or
            something said about reuse of what the step does not have.
    """
    definition = step._define(context.default_source_directory, context.memo)
    where = f"step {step.name!r}"
    context.parameters.take(wiring.parameters, where=where)
    if definition.kind != "data_transfer":
        _refuse_tables(wiring)
    after = [context.ids[id(other)] for other in earlier_steps(step, context.order)]
    node = Step(
        id=context.ids[id(step)],
        name=step.name,
        kind=definition.kind,
        script=definition.script,
        arguments=wiring.arguments,
        inputs=tuple([_input_port(bound, context, where=where) for bound in wiring.inputs]),
        outputs=tuple([bound.port for bound in wiring.outputs]),
        params=wiring.params,
        source_directory=_portable(definition.source_directory, context),
        snapshot=definition.snapshot,
        environment=definition.environment,
        environment_variables=definition.environment_variables,
        compute=definition.compute,
        run_settings={
            name: context.parameters.reference(value, where=where) for name, value in definition.run_settings.items()
        },
        allow_reuse=definition.allow_reuse,
        version=definition.version,
        settings=definition.settings,
        after=tuple(dict.fromkeys(after)),
    )
    said = definition.reuse
    return (
        node
        if said is None
        else replace(node, **reuse_settings.written_settings(said, definition, wiring, where=where))
    )


def _refuse_tables(wiring: StepWiring) -> None:
    for bound in wiring.inputs:
        if isinstance(bound.data, SqlDataReference):
            raise bound.data.refused_in_scripts()


def _portable(directory: str | None, context: NodeContext) -> str | None:
    """Write a source directory relative to the DAG file's folder where it was given so, or lies below it."""
    base = context.base_directory
    if directory is None or base is None:
        return directory
    if directory not in context.portable:
        start = base.rstrip(os.sep) + os.sep
        is_below = directory.startswith(start)
        context.portable[directory] = os.path.normpath(directory[len(start) :]) if is_below else directory
    return context.portable[directory]


def _input_port(bound: BoundInput, context: NodeContext, *, where: str) -> InputPort:
    return InputPort(
        name=bound.name,
        source=_source(bound, context, where=where),
        mode=bound.mode,
        path_on_compute=bound.path_on_compute,
        overwrite=bound.overwrite,
        is_resource=bound.is_resource,
        transformations=bound.transformations,
        is_destination=bound.is_destination,
    )


def _source(bound: BoundInput, context: NodeContext, *, where: str) -> Source:
    data = bound.data
    written = context.sources.get(bound.identity)
    if written is not None:
        return written[1]
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
