"""The values of a run's parameters; the record holds those that look like secrets encrypted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml.registry.sealed_json import MARK, opened

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord

__all__ = ["open_parameters", "run_parameters"]


def run_parameters(run: RunRecord) -> Mapping[str, Json]:
    """
    Return the values of a run's parameters as they were given.

    Raises:
        UserErrorException: one is encrypted with a key that this process does not have.
    """
    values = opened(cast("Json", run.details.get("parameters") or {}), where=f"parameters of run {run.id!r}")
    return cast("Mapping[str, Json]", values)


def open_parameters(run: RunRecord) -> dict[str, Json]:
    """
    Return the values that are not encrypted: those that Airflow may be told for its trigger form.

    Airflow keeps what it is told in plain text; steps take all values from the run's record.
    """
    values = cast("Mapping[str, Json]", run.details.get("parameters") or {})
    return {name: value for name, value in values.items() if MARK not in json.dumps(value)}
