"""
Going on with a container whose task has died.

The container computes on under its keeper (`airflow_ml.compute.container_keeper`). The next try of the task takes it
over: the same run record, the same run directory, and, if it has ended meanwhile, the commit of what it wrote. That
holds only if the step would do the same now; otherwise the container is removed, and the step starts anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml._late import late
from airflow_ml.compute.container import Container, Limits
from airflow_ml.compute.request import ProcessRequest
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.kept_attempts import KeptAttempt, KeptFacts
from airflow_ml.execution.launching import docker_launcher_of
from airflow_ml.runtime.protocol import RunDirectory

if TYPE_CHECKING:
    from airflow_ml.compute.container_step import ContainerStep
    from airflow_ml.execution import preparation
    from airflow_ml.execution.captures import Snapshot
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord
    from airflow_ml.reuse.model import Fingerprint
else:  # of no use to those who only ask what would be reused
    preparation = late("airflow_ml.execution.preparation")

__all__ = ["Survivor", "find_survivor"]


@dataclass(frozen=True)
class Survivor:
    """
    An attempt whose container is there, and which this process has taken over.

    Attributes:
        step: its container, running or ended.
    """

    run: RunRecord
    kept: KeptAttempt
    facts: KeptFacts
    step: ContainerStep

    def fits(self, snapshot: Snapshot | None, fingerprint: Fingerprint | None) -> bool:
        """Whether a new attempt would run the same code with the same inputs; known by the fingerprint, if any."""
        reuse = cast("Mapping[str, object]", self.run.details.get("reuse") or {})
        digest = None if fingerprint is None else fingerprint.digest
        return reuse.get("fingerprint") == digest and (snapshot is None or snapshot.id == self.run.snapshot_id)

    @property
    def outside(self) -> list[Path]:
        """The places outside of the run directory that belong to the attempt."""
        return [Path(place) for place in self.facts.outside]

    def prepared(self) -> preparation.Prepared:
        """Return what is known of the preparation: all that is needed when the script has been started."""
        request = self.step.request
        return preparation.Prepared(
            python=Path("python"),
            argv=request.argv,
            environment={},
            outputs={name: Path(place) for name, place in self.facts.outputs.items()},
            states=self.facts.states,
            binds=(),
            container=request.container,
        )

    def give_up(self) -> None:
        """Remove the container, and be its operator no longer; what else is left is cleared away as after any death."""
        self.step.close()
        self.kept.release()


def find_survivor(services: Services, task: StepTask, attempts: Sequence[RunRecord], log: LogLine) -> Survivor | None:
    """
    Take over the container of the newest attempt, if it was not closed and its container is there.

    Raises:
        ServiceException: the engine does not answer, or the attempt's operator is alive after all and does not let go.
    """
    run = attempts[0] if attempts else None
    if run is None or run.is_final or run.status not in ("Preparing", "Running", "Queued"):
        return None
    launcher = docker_launcher_of(services, task)
    if launcher is None:
        return None
    directory = RunDirectory(services.run_directory(run.id))
    kept = KeptAttempt(Path(directory.root))
    if not kept.exists:
        return None
    facts = kept.facts()
    if facts is None or not facts.is_resumable:
        return None
    # First the container, by which an operator that is alive is told to let go, then its lock.
    step = launcher.attach(_request(run, directory, facts))
    if step is None:
        return None
    try:
        is_claimed = kept.claim() and not services.registry.runs.get(run.id).is_final
    except AzureMLException:
        step.leave()
        raise
    if not is_claimed:  # its operator has come to its end while we waited for it
        kept.release()
        step.close()
        return None
    log(f"{task.title}: container {step.name} of attempt {run.attempt} is there, {_state_of(step)}")
    return Survivor(run, kept, facts, step)


def _state_of(step: ContainerStep) -> str:
    # Asking for its outcome may raise, which is the attempt's affair.
    return "running" if step.pid else "ended"


def _request(run: RunRecord, directory: RunDirectory, facts: KeptFacts) -> ProcessRequest:
    limits = Limits(memory=facts.memory, processes=facts.processes)
    return ProcessRequest(
        argv=("python",),
        cwd=Path(directory.code),
        environment={},
        log_path=Path(directory.log),
        attempt_directory=Path(directory.root),
        marker=run.id,
        devices=tuple(facts.devices),
        container=Container(facts.image, limits=limits),
    )
