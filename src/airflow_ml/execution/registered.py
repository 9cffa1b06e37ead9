"""Which versions of datasets a step's run has registered: what Airflow is told of as asset events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.exceptions import DatasetNotFoundError

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord

__all__ = ["RegisteredVersion", "registered_versions"]


@dataclass(frozen=True)
class RegisteredVersion:
    """A dataset's version and the step's run that has registered it."""

    dataset: str
    version: int
    run_id: str
    pipeline_run_id: str | None

    def to_data(self) -> dict[str, Json]:
        """Return what an asset event holds."""
        return {
            "dataset": self.dataset,
            "version": self.version,
            "run_id": self.run_id,
            "pipeline_run_id": self.pipeline_run_id,
        }


def registered_versions(services: Services, run_ids: Iterable[str]) -> list[RegisteredVersion]:
    """
    Return what these runs of steps have registered, in their order.

    A step that took an earlier result counts only where that made a new version: with reuse there is nothing new.
    A step that ran counts always: written again to a fixed place, data is new under the version that it had.
    """
    found = []
    for run_id in run_ids:
        for output in services.registry.outputs.of(run_id):
            if output.dataset_name is None or output.dataset_version is None:
                continue
            run = services.registry.runs.get(run_id)
            if _is_news(services, run, output.dataset_name, output.dataset_version):
                found.append(RegisteredVersion(output.dataset_name, output.dataset_version, run_id, run.parent_id))
    return found


def _is_news(services: Services, run: RunRecord, name: str, version: int) -> bool:
    if run.properties.get("azureml.isreused") != "true":
        return True
    try:
        # The version that an adoption makes is written in the transaction of its run, after it.
        return services.registry.datasets.by_name(name, version).created_at >= run.created_at
    except DatasetNotFoundError:  # unregistered in this moment
        return False
