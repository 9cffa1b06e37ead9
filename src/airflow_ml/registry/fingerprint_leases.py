"""
Fingerprint leases: of equal steps that start at once, one computes and the others wait for its result.

A lease has an owner, an end by the database's clock and a token that rises whenever it is given out. Its owner renews
it while the step runs. One who died or hangs loses it to the next who asks, and cannot end its run any more: the
transaction that would (`Runs.finish_step`) gives the lease back in the same moment, and finds that it has it no longer.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from airflow_ml.registry import reuse_tables
from airflow_ml.registry.database import Repository, Scope
from airflow_ml.registry.database_clock import DatabaseClock
from airflow_ml.registry.errors import LeaseLostError
from airflow_ml.registry.reuse_records import FingerprintLease
from airflow_ml.registry.values import check_name

__all__ = ["FingerprintLeases", "settle_lease"]

_table = reuse_tables.FingerprintLease


class FingerprintLeases(Repository):
    """The fingerprint leases of a workspace."""

    def acquire(self, fingerprint: str, owner: str, *, seconds: float) -> FingerprintLease | None:
        """
        Take the lease if nobody has it, or it has expired; None if somebody else's is alive.

        An owner who takes it again gets a new token, and the older one is worth nothing from then on.

        Args:
            fingerprint: whose result is to be computed.
            owner: id of the run that is going to compute it, recorded or not.
            seconds: from now to the lease's end, unless it is renewed.
        """
        ends_at = DatabaseClock() + seconds
        statement = self._database.insert(_table).values(
            workspace_id=self._workspace_id,
            fingerprint=check_name("fingerprint", fingerprint),
            owner=check_name("owner", owner),
            token=1,
            acquired_at=DatabaseClock(),
            expires_at=ends_at,
        )
        statement = statement.on_conflict_do_update(
            index_elements=["workspace_id", "fingerprint"],
            set_={
                "owner": owner,
                "token": _table.token + 1,
                "acquired_at": DatabaseClock(),
                "expires_at": ends_at,
            },
            where=or_(_table.owner.is_(None), _table.owner == owner, _table.expires_at <= DatabaseClock()),
        )
        with self._database.write() as session:
            token = session.scalars(statement.returning(_table.token)).one_or_none()
        return None if token is None else FingerprintLease(fingerprint, owner, token, seconds)

    def renew(self, lease: FingerprintLease, *, seconds: float) -> bool:
        """
        Let the lease end that many seconds from now; False if it is lost.

        One that has expired is renewed all the same as long as nobody took it.
        """
        statement = update(_table).where(*_held(self._scope, lease)).values(expires_at=DatabaseClock() + seconds)
        with self._database.write() as session:
            return session.scalars(statement.returning(_table.token)).one_or_none() is not None

    def release(self, lease: FingerprintLease) -> None:
        """Give the lease back before its end; one that is lost stays the other's."""
        with self._database.write() as session:
            _give_back(session, *_held(self._scope, lease))

    def release_owner(self, owner: str) -> int:
        """Give back whatever a run has that does not go on, and return how many leases that were."""
        with self._database.write() as session:
            return _give_back(session, _table.workspace_id == self._workspace_id, _table.owner == owner)

    def holder(self, fingerprint: str) -> FingerprintLease | None:
        """Return the lease of a fingerprint if somebody has it who is alive, else None."""
        query = select(_table.owner, _table.token, _table.expires_at - DatabaseClock()).where(
            _table.workspace_id == self._workspace_id,
            _table.fingerprint == fingerprint,
            _table.expires_at > DatabaseClock(),
        )
        with self._database.read() as session:
            row = session.execute(query).one_or_none()
        owner, token, expires_in = row or (None, 0, 0.0)
        return None if owner is None else FingerprintLease(fingerprint, owner, token, expires_in)


def settle_lease(session: Session, scope: Scope, lease: FingerprintLease) -> None:
    """
    Give a lease back in the transaction in which its run ends.

    Until that transaction ends nobody else gets the lease, and who gets it then finds what the transaction wrote.

    Raises:
        LeaseLostError: somebody else has taken it over.
    """
    if _give_back(session, *_held(scope, lease)):
        return
    owned = (_table.workspace_id == scope.workspace_id, _table.fingerprint == lease.fingerprint)
    owner = session.scalars(select(_table.owner).where(*owned)).one_or_none()
    raise LeaseLostError(
        f"run {lease.owner!r}: the lease of fingerprint {lease.fingerprint!r} is lost"
        + (f" to run {owner!r}" if owner else "")
        + ", because it was not renewed in time; drop this attempt's work and take the other run's result",
        fingerprint=lease.fingerprint,
        owner=owner,
    )


def _held(scope: Scope, lease: FingerprintLease) -> tuple[ColumnElement[bool], ...]:
    return (
        _table.workspace_id == scope.workspace_id,
        _table.fingerprint == lease.fingerprint,
        _table.owner == lease.owner,
        _table.token == lease.token,
    )


def _give_back(session: Session, *conditions: ColumnElement[bool]) -> int:
    statement = update(_table).where(*conditions).values(owner=None, expires_at=DatabaseClock())
    return len(session.scalars(statement.returning(_table.token)).all())
