"""
Registered datasets as Airflow assets.

An asset stands for a dataset's name, not for one of its versions: DAGs that are scheduled on it start whenever a step
registers a new version (`register_on_complete`). Name and URI follow from workspace and name alone, so that a DAG file
gets them without a look at the registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import Asset

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Step

__all__ = ["assets_of", "dataset_asset"]

#: Airflow's limit for names and URIs of assets.
_LONGEST = 1500


def dataset_asset(workspace: str, name: str) -> Asset:
    """
    Return the asset of a registered dataset: `datastore://WORKSPACE/datasets/NAME`.

    Characters that have a meaning in addresses, or that MySQL's column for assets cannot hold, are percent-encoded:
    Airflow would cut an address at its `#` and sort what stands behind `?`.

    Raises:
        UserErrorException: the name is too long for Airflow.
    """
    uri = f"datastore://{quote(workspace, safe='')}/datasets/{quote(name, safe='')}"
    if len(uri) > _LONGEST:
        raise UserErrorException(
            f"dataset {name[:40]!r}...: its asset's address has {len(uri)} characters, Airflow takes {_LONGEST};"
            " register it under a shorter name"
        )
    return Asset(name=uri.removeprefix("datastore://"), uri=uri)


def assets_of(graph: Graph, step: Step) -> list[Asset]:
    """Return the assets of the datasets that a step's outputs become when it completes."""
    names = dict.fromkeys(port.registration.name for port in step.outputs if port.registration is not None)
    return [dataset_asset(graph.workspace.name, name) for name in names]
