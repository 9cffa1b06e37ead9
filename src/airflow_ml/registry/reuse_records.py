"""What the registry gives out and takes about reuse: results of steps, and leases of those that are being computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from airflow_ml.graph.model import Json
from airflow_ml.registry.records import DatasetRegistration, RunInputRecord, RunOptions

__all__ = ["Adoption", "FingerprintLease", "NewResult", "ResultRecord"]


@dataclass(frozen=True)
class Adoption:
    """
    One step run that takes the results of another one.

    Attributes:
        run_id: of the new run.
        source_run_id: the completed step run that computed the results.
        name: of the step.
        options: `node_id` above all.
        inputs: what the step would have consumed; producers may be other runs of the same batch.
        registrations: as in `Runs.finish_step`.
        pipeline_outputs: names of pipeline outputs by output, where they are not those of the original.
    """

    run_id: str
    source_run_id: str
    name: str
    options: RunOptions
    inputs: Sequence[RunInputRecord] = ()
    registrations: Sequence[DatasetRegistration] = ()
    pipeline_outputs: Mapping[str, str | None] = field(default_factory=dict)


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
