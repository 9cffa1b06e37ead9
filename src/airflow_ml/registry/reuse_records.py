"""What the registry gives out and takes about reuse: results of steps, and leases of those that are being computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_ml.graph.model import Json

__all__ = ["FingerprintLease", "NewResult", "ResultRecord"]


@dataclass(frozen=True)
class NewResult:
    """
    A result that is recorded in the moment in which its run completes.

    Attributes:
        records: what the fingerprint was made from, for explanations.
        discovered: inputs that showed only while the step ran; None where nobody looked.
    """

    fingerprint: str
    step_name: str
    pipeline_name: str
    records: Sequence[Json]
    discovered: Sequence[Json] | None = None


@dataclass(frozen=True)
class ResultRecord:
    """
    A completed step run whose outputs other runs may take.

    Attributes:
        run_id: the step run that computed it.
        invalidated_at: from when on nobody may take it; `invalidation` says why.
    """

    run_id: str
    fingerprint: str
    step_name: str
    pipeline_name: str
    records: Sequence[Json]
    discovered: Sequence[Json] | None
    recorded_at: datetime
    invalidated_at: datetime | None
    invalidation: str | None


@dataclass(frozen=True)
class FingerprintLease:
    """
    The right to compute the result of a fingerprint.

    Attributes:
        owner: the run that has it.
        token: rises whenever the lease is given out; the newest one alone may end a run.
        expires_in: seconds from the moment in which this was read; for texts.
    """

    fingerprint: str
    owner: str
    token: int
    expires_in: float
