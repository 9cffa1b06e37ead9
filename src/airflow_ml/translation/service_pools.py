"""
Compute targets as Airflow pools: a pool of the target's name admits as many steps as the target has room for.

Two workspaces of one Airflow that have a target of the same name share its pool; the last one that is synchronised
says how many slots it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from airflow_ml.registry import open_registry
from airflow_ml.translation.pools import pool_text, slots_of
from airflow_ml.translation.service_client import AirflowError

if TYPE_CHECKING:
    from airflow_ml.graph import Json, WorkspaceRef
    from airflow_ml.translation.service_client import AirflowClient

__all__ = ["sync_pools"]

_HTTP_NOT_FOUND = 404
_HTTP_CONFLICT = 409


def sync_pools(workspace: WorkspaceRef, airflow: AirflowClient) -> dict[str, int]:
    """
    Create or change the pools of a workspace's compute targets; return the slots by pool.

    Pools of targets that were deleted stay: tasks of old DAG runs may name them.

    Raises:
        ServiceException: Airflow does not do it.
        WorkspaceException: there is no such workspace.
    """
    with open_registry(workspace, create=False) as registry:
        targets = {target.name: slots_of(target.settings) for target in registry.compute_targets.list()}
    for name, slots in targets.items():
        _put_pool(airflow, name, slots, pool_text(name, workspace.name, slots))
    return targets


def _put_pool(airflow: AirflowClient, name: str, slots: int, description: str) -> None:
    path = f"/api/v2/pools/{quote(name, safe='')}"
    body: Json = {"name": name, "slots": slots, "description": description, "include_deferred": False}
    try:
        known = cast("dict[str, Json]", airflow.ask("GET", path))
    except AirflowError as error:
        if error.status != _HTTP_NOT_FOUND:
            raise
        try:
            airflow.ask("POST", "/api/v2/pools", body)
        except AirflowError as second:
            if second.status != _HTTP_CONFLICT:  # another process has made it meanwhile, from the same record
                raise
        return
    if (known["slots"], known["description"]) != (slots, description):
        patch: Json = {"pool": name, "slots": slots, "description": description, "include_deferred": False}
        airflow.ask("PATCH", path, patch)
