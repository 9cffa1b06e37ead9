"""What an attempt does about its fingerprint while it runs: it keeps the lease, and looks again before the commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.execution.admission import lease_seconds
from airflow_ml.registry import LeaseLostError
from airflow_ml.reuse.decisions import fingerprint_of

if TYPE_CHECKING:
    from airflow_ml.execution.admission import Admitted
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.reads import Reads
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json
    from airflow_ml.registry import FingerprintLease, RunRecord
    from airflow_ml.reuse.decisions import Question
    from airflow_ml.reuse.model import Fingerprint

__all__ = ["Renewal", "renewing", "still_offered"]

logger = logging.getLogger(__name__)

#: A lease is renewed so many times in its life: a registry that is slow once does not lose it.
_RENEWALS = 4


class Renewal:
    """
    Renews a lease from a thread of its own, because staging or committing may keep the attempt busy for long.

    Attributes:
        is_lost: another run has taken the lease over: what this attempt computes is not wanted any more.
    """

    def __init__(self, services: Services, lease: FingerprintLease | None) -> None:
        self._leases = services.registry.fingerprint_leases
        self._lease = lease
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="fingerprint-lease", daemon=True)
        self.is_lost = False

    def start(self) -> None:
        """Begin to renew."""
        if self._lease is not None:
            self._thread.start()

    def stop(self) -> None:
        """Renew no more, and let go of the lease; one that the commit has let go of is free already."""
        if self._lease is None:
            return
        self._end.set()
        self._thread.join()
        try:
            self._leases.release(self._lease)
        except ServiceException as error:  # it ends by itself
            logger.warning("lease of fingerprint %s could not be let go: %s", self._lease.fingerprint, error)

    def refuse_lost(self) -> None:
        """
        Refuse to go on with a lease that another run has.

        Raises:
            LeaseLostError: it is so.
        """
        if self.is_lost and self._lease is not None:
            raise LeaseLostError(f"fingerprint {self._lease.fingerprint}: its lease passed on to another run")

    def _renew(self) -> None:
        assert self._lease is not None
        seconds = lease_seconds()
        while not self._end.wait(seconds / _RENEWALS):
            try:
                self.is_lost = not self._leases.renew(self._lease, seconds=seconds)
            except ServiceException as error:  # the next renewal may succeed, and the commit decides in any case
                logger.warning("lease of fingerprint %s could not be renewed: %s", self._lease.fingerprint, error)
            if self.is_lost:
                return


@contextmanager
def renewing(services: Services, admitted: Admitted) -> Iterator[Renewal]:
    """Keep the attempt's lease alive inside the block; it is let go of at the end, whatever happened."""
    renewal = Renewal(services, admitted.lease)
    renewal.start()
    try:
        yield renewal
    finally:
        renewal.stop()


def still_offered(
    services: Services, task: StepTask, run: RunRecord, admitted: Admitted, reads: Reads, log: LogLine
) -> Admitted:
    """
    Return the admission; without an offer if the result need not be what the fingerprint says.

    The fingerprint was made before the inputs were staged. If it comes out the same now, nothing had changed when
    they were read; otherwise the result may belong to either state, and is recorded for nobody else.
    """
    if admitted.fingerprint is None or admitted.question is None or not admitted.is_offered:
        return admitted
    obstacle = reads.obstacle or _change(services, task, admitted.fingerprint, admitted.question)
    if obstacle is None:
        return admitted
    log(f"{task.title}: later runs do not take its result: {obstacle}")
    details = cast("Mapping[str, Json]", run.details.get("reuse") or {})
    services.registry.runs.set_details(run.id, {"reuse": {**details, "withheld": obstacle}})
    return replace(admitted, is_offered=False)


def _change(services: Services, task: StepTask, before: Fingerprint, question: Question) -> str | None:
    """Return what is different from how it was at the beginning, or None."""
    try:
        now = fingerprint_of(services.reuse, task.graph, task.step, replace(question, keep_listings=False))
    except ServiceException:
        raise
    except AzureMLException as error:
        return str(error)
    if now.digest == before.digest:
        return None
    old = {(record.tag, record.name): record.value for record in before.records}
    changed = [record for record in now.records if old.get((record.tag, record.name)) != record.value]
    names = ", ".join(dict.fromkeys(f"{record.tag} {record.name}".strip() for record in changed)) or "something"
    return f"{names} changed while the step ran"
