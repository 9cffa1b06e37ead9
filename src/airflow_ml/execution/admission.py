"""
Whether a step that is about to start runs, waits for another run that computes the same, or is there already.

Of all steps with one fingerprint that want to run at the same time, one gets the fingerprint's lease. The others wait
without a slot and ask again; what they find then is the result, or a lease that is free because its holder failed or
died.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from airflow_ml.exceptions import AzureMLException, ServiceException, UserErrorException
from airflow_ml.execution.captures import snapshot_of
from airflow_ml.execution.environments import fetch_images
from airflow_ml.execution.reuse_questions import question_of
from airflow_ml.reuse.decisions import decide, fingerprint_of

if TYPE_CHECKING:
    from airflow_ml.execution.captures import Snapshot
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.resuming import Survivor
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import FingerprintLease
    from airflow_ml.reuse.decisions import Decision, Question
    from airflow_ml.reuse.model import Fingerprint

__all__ = ["Admission", "Admitted", "Hit", "Waiting", "admit_step", "lease_seconds"]

#: Seconds after which a lease whose holder does not renew it any more passes on.
_LEASE_SECONDS = 60.0
_LEASE_VARIABLE = "AIRFLOW_ML_LEASE_SECONDS"


@dataclass(frozen=True)
class Admitted:
    """
    The step runs.

    Attributes:
        run_id: of the attempt that is about to begin; the lease is held in its name.
        snapshot: the code that the fingerprint was made from, and that must be run; None where there is no fingerprint.
        fingerprint: None where none can be made.
        question: what the fingerprint was made from, to make it again before the commit.
        lease: None where nobody needs to wait: the result is not looked for by others, or a person asked for the run.
        is_offered: the result may be reused by later runs.
        survivor: the container of an attempt whose task has died, which this one goes on with; its run is `run_id`.
    """

    run_id: str
    snapshot: Snapshot | None = None
    fingerprint: Fingerprint | None = None
    question: Question | None = None
    lease: FingerprintLease | None = None
    reasons: tuple[str, ...] = ()
    is_offered: bool = False
    survivor: Survivor | None = None


@dataclass(frozen=True)
class Waiting:
    """Another run computes the same result; ask again after so many seconds at most."""

    seconds: float
    sentence: str


@dataclass(frozen=True)
class Hit:
    """The result is there."""

    decision: Decision


Admission: TypeAlias = "Admitted | Waiting | Hit"


def lease_seconds() -> float:
    """
    Return how long a lease lives without being renewed, in seconds: 60, or what AIRFLOW_ML_LEASE_SECONDS says.

    Raises:
        UserErrorException: the variable is no number above 0.
    """
    text = os.environ.get(_LEASE_VARIABLE)
    if not text:
        return _LEASE_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise UserErrorException(f"{_LEASE_VARIABLE}={text!r}: expected seconds, above 0 and below a day")
    return seconds


def admit_step(services: Services, task: StepTask, *, is_cleared: bool, run_id: str | None = None) -> Admission:
    """
    Decide what a step does whose producers have completed.

    Args:
        run_id: of the attempt that would go on; a new one by default.
        is_cleared: it has completed in this pipeline run before: a person asked Airflow to run it again.
    """
    if task.graph.is_script_run:
        return Admitted(task.pipeline_run_id, reasons=("a script run always runs",))
    try:
        snapshot = snapshot_of(services, task)
    except ServiceException:
        raise
    except AzureMLException as error:  # the attempt meets it too, and records it
        return Admitted(run_id or str(uuid.uuid4()), reasons=(f"cannot be compared: {error}",))
    fetch_images(services, task)
    return _Admitting(services, task, snapshot, run_id or str(uuid.uuid4())).admit(is_cleared=is_cleared)


class _Admitting:
    def __init__(self, services: Services, task: StepTask, snapshot: Snapshot, run_id: str) -> None:
        self._services = services
        self._task = task
        self._snapshot = snapshot
        self._question = question_of(services, task, snapshot)
        self._run_id = run_id

    def admit(self, *, is_cleared: bool) -> Admission:
        if is_cleared:
            return self._refreshing(("its task was cleared",))
        decision = self._decide()
        if decision.action == "reuse":
            return Hit(decision)
        if decision.fingerprint is not None:
            return self._take_lease(decision, decision.fingerprint)
        if decision.is_offered:
            return self._refreshing(decision.reasons)
        return Admitted(self._run_id, self._snapshot, reasons=decision.reasons)

    def _decide(self) -> Decision:
        return decide(self._services.reuse, self._task.graph, self._question)[self._task.step.id]

    def _refreshing(self, reasons: tuple[str, ...]) -> Admitted:
        """Run whatever results there are, and offer the new one."""
        fingerprint, is_offered = None, False
        if self._task.step.allow_reuse and self._question.mode != "off":
            try:
                fingerprint = fingerprint_of(self._services.reuse, self._task.graph, self._task.step, self._question)
                is_offered = True
            except ServiceException:
                raise
            except AzureMLException as error:
                reasons = (*reasons, f"cannot be compared: {error}")
        return Admitted(
            self._run_id, self._snapshot, fingerprint, self._question, reasons=reasons, is_offered=is_offered
        )

    def _take_lease(self, decision: Decision, fingerprint: Fingerprint) -> Admission:
        leases = self._services.registry.fingerprint_leases
        lease = leases.acquire(fingerprint.digest, self._run_id, seconds=lease_seconds())
        if lease is None:
            holder = leases.holder(fingerprint.digest)
            owner = "another run" if holder is None else f"run {holder.owner}"
            return Waiting(lease_seconds(), f"{owner} computes the same result now")
        try:
            # Its last holder may have committed after we had looked and before the lease was ours.
            if self._services.registry.results.find(fingerprint.digest, limit=1):
                decision = self._decide()
        except BaseException:
            leases.release(lease)
            raise
        if decision.action == "reuse" or decision.fingerprint != fingerprint:
            leases.release(lease)
            return Hit(decision) if decision.action == "reuse" else self._take_lease_again(decision)
        return Admitted(
            self._run_id, self._snapshot, fingerprint, self._question, lease, decision.reasons, is_offered=True
        )

    def _take_lease_again(self, decision: Decision) -> Admission:
        """Go on with an input that changed while we looked."""
        if decision.fingerprint is None:
            return Admitted(self._run_id, self._snapshot, reasons=decision.reasons)
        return self._take_lease(decision, decision.fingerprint)
