"""
From step objects to a graph: what `Pipeline(workspace, steps)` does.

In this order: collect the steps (nested lists, sequences, producers and predecessors that were not listed), wire each
one's ports and arguments, decide who writes what, give every step an id, and write each one down as a `graph.Step`.
What the v1 SDK raises while building is raised here. Nothing but the existence of scripts is looked up outside the
process.
"""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import (
    ComputeDeclaration,
    Graph,
    ReusePolicy,
    Step,
    StepOutputSource,
    WorkspaceRef,
    in_running_order,
)
from airflow_ml.pipeline.core._closure import close, collect
from airflow_ml.pipeline.core._nodes import NodeContext, give_ids, write_node
from airflow_ml.pipeline.core._parameters import Parameters
from airflow_ml.pipeline.core._producers import (
    Producers,
    check_dataset_forms,
    check_pipeline_outputs,
    output_sources,
    wire_steps,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from dataclasses import dataclass

    from airflow_ml.compute import gpu_limits
    from airflow_ml.pipeline.core.builder import PipelineStep
else:
    from airflow_ml._records import dataclass

    gpu_limits = late("airflow_ml.compute.gpu_limits")

__all__ = ["NO_POLICY", "AssemblyOptions", "assemble", "assemble_step"]


#: Leaves everything to the workspace and the defaults.
NO_POLICY = ReusePolicy()


@dataclass(frozen=True)
class AssemblyOptions:
    """What `Pipeline` was told besides its steps."""

    name: str
    workspace: WorkspaceRef
    description: str | None = None
    default_datastore: str | None = None
    default_source_directory: str | None = None
    resolve_closure: bool = True
    base_directory: str | None = None
    declarations: tuple[ComputeDeclaration, ...] = ()
    reuse: ReusePolicy = NO_POLICY


def assemble(steps: object, options: AssemblyOptions) -> tuple[Graph, list[PipelineStep]]:
    """
    Build the graph of these steps, and return it with the steps it has.

    Raises:
        ValueError: anything about the steps that cannot work; the text names the step and the thing.
        NotImplementedError: `steps` is of a type that v1 does not take either, such as a tuple.
    """
    chosen, order, producers = close(collect(steps), resolve=options.resolve_closure)
    wirings = wire_steps(chosen, producers)
    check_dataset_forms(chosen, wirings)
    ids = give_ids(chosen)
    context = _context(options, ids, output_sources(chosen, wirings, ids), order)
    written = [write_node(step, wiring, context) for step, wiring in zip(chosen, wirings, strict=True)]
    check_pipeline_outputs(written)
    return _graph(in_running_order(written), context.parameters, options), chosen


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
    (wiring,) = wire_steps([step], Producers([step]), frozenset(written))
    ids = {id(step): step_id}
    own = {identity: source for identity, (_, source) in output_sources([step], [wiring], ids).items()}
    for identity, source in own.items():
        if identity in written:
            raise GraphError(
                f"output {source.output!r} is written by step {written[identity].step!r} and by step {step.name!r};"
                " give each its own"
            )
    sources = {identity: (None, source) for identity, source in {**written, **own}.items()}
    context = _context(options, ids, sources, {})
    node = write_node(step, wiring, context)
    return _graph((node,), context.parameters, options), own


def _context(
    options: AssemblyOptions,
    ids: Mapping[int, str],
    sources: Mapping[Hashable, tuple[PipelineStep | None, StepOutputSource]],
    order: dict[int, tuple[PipelineStep, ...]],
) -> NodeContext:
    return NodeContext(
        ids=ids,
        sources=sources,
        order=order,
        parameters=Parameters(),
        default_source_directory=options.default_source_directory,
        base_directory=options.base_directory,
    )


def _graph(steps: tuple[Step, ...], parameters: Parameters, options: AssemblyOptions) -> Graph:
    for step in steps:
        if step.settings.get("gpus"):
            _refuse_too_many_gpus(step, options)
    return Graph(
        name=options.name,
        workspace=options.workspace,
        steps=steps,
        parameters=parameters.declared(),
        compute_declarations=options.declarations,
        description=options.description,
        default_datastore=options.default_datastore,
        base_directory=options.base_directory,
        reuse=options.reuse,
    )


def _refuse_too_many_gpus(step: Step, options: AssemblyOptions) -> None:
    """Compare with a target that the file itself declares; others are looked up later."""
    for declaration in options.declarations:
        if declaration.name == step.compute:
            gpu_limits.refuse_too_many_gpus(f"step {step.name!r}", step.settings["gpus"], declaration)
