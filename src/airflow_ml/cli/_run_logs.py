"""What scripts have said, step by step, and while they go on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.logs import RunLog

if TYPE_CHECKING:
    from airflow_ml.core.run import Run
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["print_logs", "texts"]

_LOOK_SECONDS = 0.5


def texts(run: Run, step: str | None) -> Iterator[tuple[str, str]]:
    """
    Return the names of the steps and what they have said, in the order of their starts; of another run its own text.

    Raises:
        UserErrorException: the pipeline has no run of such a step.
    """
    registry = run.experiment.workspace.registry()
    for record in _sources(registry, run._record, step):
        yield record.name, RunLog(registry, record.id).read_new()


def print_logs(run: Run, step: str | None, *, follow: bool) -> None:
    """
    Print what scripts have said; of a pipeline with a line above each step's.

    Args:
        follow: go on until the run has ended; what steps say side by side then comes in pieces, each below its step's
            name.

    Raises:
        UserErrorException: the pipeline has no run of such a step, and will have none.
    """
    registry = run.experiment.workspace.registry()
    logs: dict[str, RunLog] = {}
    last: str | None = None
    while True:
        record = registry.runs.get(run.id)
        for source in _sources(registry, record, step, may_come=follow and not record.is_final):
            text = logs.setdefault(source.id, RunLog(registry, source.id)).read_new()
            if text and record.kind == "pipeline" and last != source.id:
                sys.stdout.write(f"== {source.name}\n")
            last = source.id if text else last
            sys.stdout.write(text)
        sys.stdout.flush()
        if record.is_final or not follow:
            return
        time.sleep(_LOOK_SECONDS)


def _sources(registry: Registry, record: RunRecord, step: str | None, *, may_come: bool = False) -> list[RunRecord]:
    if record.kind != "pipeline":
        return [record]
    steps = sorted(registry.runs.steps(record.id), key=lambda found: found.sequence)
    chosen = [found for found in steps if step in (None, found.name)]
    if step is not None and not chosen and not may_come:
        names = ", ".join(dict.fromkeys(found.name for found in steps)) or "none"
        raise UserErrorException(f"run {record.id!r} has no step {step!r} that has started; it has: {names}")
    return chosen
