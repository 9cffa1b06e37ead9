"""What is kept with a model besides its files, as the registry takes it. Imported at its first use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from airflow_ml.core.resource_configuration import ResourceConfiguration
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.graph.model import Json

__all__ = ["DatasetPairs", "details_of", "pairs_of"]

#: Pairs of purpose and dataset.
DatasetPairs: TypeAlias = "Sequence[tuple[str, AbstractDataset]]"


def details_of(
    workspace: Workspace,
    *,
    sample_input: AbstractDataset | None,
    sample_output: AbstractDataset | None,
    resources: ResourceConfiguration | None,
    datasets: DatasetPairs | None = None,
) -> dict[str, Json]:
    """Return what was given; datasets are saved and kept by their ids."""
    details: dict[str, Json] = {}
    for name, dataset in (("sample_input_dataset", sample_input), ("sample_output_dataset", sample_output)):
        if dataset is not None:
            details[name] = dataset.ensure_saved(workspace)
    if resources is not None:
        details["resource_configuration"] = resources.serialize()
    if datasets:
        details["datasets"] = pairs_of(workspace, datasets)
    return details


def pairs_of(workspace: Workspace, datasets: DatasetPairs) -> list[Json]:
    """Return purposes and ids of datasets, which are saved now if they were not."""
    return [[use, dataset.ensure_saved(workspace)] for use, dataset in datasets]
