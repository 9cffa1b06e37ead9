"""What an attempt does about its fingerprint's lease while it runs: it keeps it, and notices when it is lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.admission import lease_seconds
from airflow_ml.registry import LeaseLostError

if TYPE_CHECKING:
    from airflow_ml.execution.admission import Admitted
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import FingerprintLease

__all__ = ["Renewal", "held_for_attempt", "renewing"]

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
def held_for_attempt(services: Services, admitted: Admitted) -> Iterator[None]:
    """Let go of the lease if the attempt that was admitted cannot begin: nobody shall wait for it to expire."""
    try:
        yield
    except BaseException:
        if admitted.lease is not None:
            with suppress(ServiceException):  # then it does expire
                services.registry.fingerprint_leases.release(admitted.lease)
        raise


@contextmanager
def renewing(services: Services, admitted: Admitted) -> Iterator[Renewal]:
    """Keep the attempt's lease alive inside the block; it is let go of at the end, whatever happened."""
    renewal = Renewal(services, admitted.lease)
    renewal.start()
    try:
        yield renewal
    finally:
        renewal.stop()
