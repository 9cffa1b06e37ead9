"""What goes into the execution of runs and their steps, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from airflow_ml.graph import Graph, Json, Step
from airflow_ml.registry import RunRecord

__all__ = ["Airflow", "LogLine", "OutputPlace", "StepResult", "StepTask", "Verdict"]

#: Receives one line for the task's log.
LogLine = Callable[[str], None]


@dataclass(frozen=True)
class Airflow:
    """
    Which Airflow task this is; recorded with the run, so that both can be found from each other.

    Attributes:
        cleared_after: the last try before a person cleared the task; 0 if nobody did.
        map_index: of a mapped task; -1 for others.
    """

    dag_id: str
    dag_run_id: str
    task_id: str
    try_number: int = 1
    cleared_after: int = 0
    map_index: int = -1


@dataclass(frozen=True)
class StepTask:
    """
    One attempt at one step.

    Attributes:
        pipeline: the pipeline run of the workspace that the step belongs to, as it was when the attempt began; for a
            script run that run itself, because it is its own one attempt.
        handed_on: values that other tasks handed on by XCom, by task id, for inputs that ask for them.
    """

    graph: Graph
    step: Step
    pipeline: RunRecord
    task: Airflow
    handed_on: Mapping[str, Json] = field(default_factory=dict)

    @property
    def pipeline_run_id(self) -> str:
        """Id of the pipeline run."""
        return self.pipeline.id

    @property
    def title(self) -> str:
        """How texts for people call it."""
        return self.graph.title(self.step)


@dataclass(frozen=True)
class OutputPlace:
    """Where a committed output lies."""

    datastore: str
    path: str
    digest: str


@dataclass(frozen=True)
class StepResult:
    """A step that has completed; small enough for an XCom."""

    step_run_id: str
    pipeline_run_id: str
    outputs: Mapping[str, OutputPlace]
    metrics: Mapping[str, Json]

    def to_data(self) -> dict[str, Json]:
        """Return the result as a JSON mapping."""
        return {
            "step_run_id": self.step_run_id,
            "pipeline_run_id": self.pipeline_run_id,
            "outputs": {
                name: {"datastore": place.datastore, "path": place.path, "digest": place.digest}
                for name, place in self.outputs.items()
            },
            "metrics": dict(self.metrics),
        }


@dataclass(frozen=True)
class Verdict:
    """How a run of a pipeline or a script ended; `error` is empty unless it failed."""

    status: str
    error: Mapping[str, Json] = field(default_factory=dict)
