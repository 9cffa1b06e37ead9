"""A step written by hand, from an operator's arguments to the graph of one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.definitions._internal.contextmanager import DagContext, TaskGroupContext

from airflow_ml.data._caller import base_directory
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import StepOutputSource, TaskSource
from airflow_ml.pipeline.core._assembly import AssemblyOptions, assemble_step
from airflow_ml.pipeline.steps import PythonScriptStep

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow.sdk import DAG

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph, Step
    from airflow_ml.operators._by_hand import ByHandOperator
    from airflow_ml.pipeline.core import PipelineStep

__all__ = [
    "STEP_ARGUMENTS",
    "WRITER",
    "StepWriter",
    "WrittenStep",
    "dag_of",
    "mapped_writer_of",
    "producers_of",
    "written_in",
]

#: What an operator takes for `PythonScriptStep` besides what its signature names.
STEP_ARGUMENTS = frozenset(
    {
        "allow_reuse",
        "compute_target",
        "gpus",
        "hash_paths",
        "ignore_in_fingerprint",
        "normalise_outputs",
        "reuse_policy",
        "runconfig",
        "runconfig_pipeline_params",
        "source_directory",
        "version",
    }
)

#: Argument of operators that are made in the run: who writes their step.
WRITER = "writer"


@dataclass(frozen=True)
class WrittenStep:
    """
    A step as a graph of its own.

    Attributes:
        outputs: what it writes, by the identity of the objects that consumers hold.
        face: holds those objects; they are told apart by identity, so they must live as long as the operator.
    """

    graph: Graph
    outputs: Mapping[Hashable, StepOutputSource]
    face: PipelineStep

    @property
    def step(self) -> Step:
        """The one step."""
        return self.graph.steps[0]


@dataclass(frozen=True)
class StepWriter:
    """
    What is known of a step where its operator is written, for one step, or for all steps of a mapped task.

    Attributes:
        step_id: the task's id, with those of its task groups.
        given: arguments of `PythonScriptStep`.
        written: what the DAG's operators before it write.
        common: the step without what is mapped; None for a step that is not.
    """

    name: str
    step_id: str
    experiment: str
    script_name: str
    given: Mapping[str, Any]
    options: AssemblyOptions
    written: Mapping[Hashable, StepOutputSource]
    common: WrittenStep | None = None

    @classmethod
    def begin(
        cls,
        airflow: Mapping[str, Any],
        *,
        task_id: str,
        workspace: Workspace | None,
        script_name: str | None,
        experiment: str | None,
        given: Mapping[str, Any],
    ) -> StepWriter:
        """
        Look around where an operator is being written.

        Args:
            airflow: the operator's arguments for Airflow, of which `dag` and `task_group` count.

        Raises:
            ValueError: no DAG is being written, or something that is needed was not given.
        """
        if workspace is None or script_name is None:
            raise GraphError(f"task {task_id!r}: give workspace and script_name")
        dag = dag_of(airflow, task_id)
        group = airflow.get("task_group") or TaskGroupContext.get_current(dag)
        options = AssemblyOptions(
            name=dag.dag_id,
            workspace=workspace.ref,
            base_directory=base_directory(),
            declarations=tuple(workspace._compute_declarations),
        )
        return cls(
            name=task_id,
            step_id=group.child_id(task_id) if group is not None else task_id,
            experiment=experiment or dag.dag_id,
            script_name=script_name,
            given=given,
            options=options,
            written=written_in(dag),
        )

    def write(self, **more: object) -> WrittenStep:
        """
        Write the step, with more arguments of `PythonScriptStep`.

        Raises:
            ValueError: what `PythonScriptStep` and `Pipeline` raise.
        """
        given = {**self.given, **more}
        # A step made in the run has no DAG file on its stack, from whose folder it would count.
        base, folder = str(self.options.base_directory), str(given.get("source_directory") or ".")
        given["source_directory"] = folder if folder.startswith("/") else f"{base.rstrip('/')}/{folder}"
        return self.assembled(PythonScriptStep(self.script_name, self.name, **given))

    def assembled(self, face: PipelineStep) -> WrittenStep:
        """Return a step of the face as a graph of its own."""
        graph, outputs = assemble_step(face, self.step_id, self.options, self.written)
        return WrittenStep(graph, outputs, face)

    def __deepcopy__(self, _memo: object) -> StepWriter:
        """Return the writer itself: a copied DAG has the same data, which is told apart by identity."""
        return self

    def __str__(self) -> str:
        """Stand in the serialized DAG, which must be the same at each parse and hold nothing secret."""
        return f"step {self.step_id}"


def dag_of(airflow: Mapping[str, Any], task_id: str) -> DAG:
    """
    Return the DAG that is being written, or that an operator was given.

    Raises:
        ValueError: there is none.
    """
    dag: DAG | None = airflow.get("dag") or DagContext.get_current()
    if dag is None:
        raise GraphError(f"task {task_id!r}: no DAG is being written; write it inside `with DAG(...)`")
    return dag


def written_in(dag: DAG) -> Mapping[Hashable, StepOutputSource]:
    """Return what the DAG's operators write so far, by the identity of the objects that consumers hold."""
    found: dict[Hashable, StepOutputSource] = {}
    for task in dag.tasks:
        if getattr(task, "is_by_hand", False):
            found.update(cast("ByHandOperator", task).written)
        writer = mapped_writer_of(task)
        if writer is not None and writer.common is not None:
            found.update(writer.common.outputs)
    return found


def producers_of(written: WrittenStep, dag: DAG) -> list[Any]:
    """
    Return the tasks whose data a step reads.

    Raises:
        ValueError: one of them is mapped: it writes as many outputs as it has values.
    """
    found = []
    for port in written.step.inputs:
        if isinstance(port.source, StepOutputSource):
            task = dag.get_task(port.source.step)
            if mapped_writer_of(task) is not None:
                raise GraphError(
                    f"task {written.step.id!r}: input {port.name!r} is output {port.source.output!r} of the mapped"
                    f" task {port.source.step!r}, which writes one for each of its values; read them by the mapped"
                    " task's XComs, or make one operator for each value in a loop of the DAG file"
                )
            found.append(task)
        if isinstance(port.source, TaskSource):
            found.append(dag.get_task(port.source.task_id))
    return found


def mapped_writer_of(task: object) -> StepWriter | None:
    """Return what is known of the steps of a mapped task; None for any other task."""
    writer = getattr(task, "partial_kwargs", {}).get(WRITER)
    return writer if isinstance(writer, StepWriter) else None
