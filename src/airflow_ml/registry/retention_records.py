"""What the registry says about which results, places and snapshots are still needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_ml.registry.records import OutputRecord

__all__ = ["KeptRun", "NeededPlace", "RunState"]


@dataclass(frozen=True)
class KeptRun:
    """
    A run that computed outputs whose files have not been collected, with what speaks for keeping them.

    Runs that took its results name the same files and are counted here: they have no entry of their own.

    Attributes:
        fingerprint: of its result; None if it offers none to later runs, as a run in the reuse mode `off` does.
        invalidated_at: when its result was invalidated.
        times_reused: how many step runs took the results, the newest of them at `last_reused_at`.
        is_registered: whether an output, its own or as a run took it, is a version of a dataset that is registered.
        is_in_use: whether a run is open that belongs to the same root run, or that consumes the outputs.
    """

    run_id: str
    root_id: str
    step_name: str
    pipeline_name: str | None
    status: str
    ended_at: datetime | None
    outputs: Sequence[OutputRecord]
    fingerprint: str | None
    invalidated_at: datetime | None
    times_reused: int
    last_reused_at: datetime | None
    is_registered: bool
    is_in_use: bool


@dataclass(frozen=True)
class RunState:
    """How a run stands; `is_in_use` if a run below the same root, itself included, is open."""

    status: str
    ended_at: datetime | None
    is_in_use: bool


@dataclass(frozen=True)
class NeededPlace:
    """
    A place of a datastore that something which is registered or running names, as it names it: maybe with wildcards.

    Attributes:
        reason: what names it, such as `dataset 'digits' version 3`.
    """

    datastore: str
    path: str
    reason: str
