"""
Compute targets as Airflow pools: a pool of the target's name admits as many steps as the target has room for.

Two workspaces of one Airflow that have a target of the same name share its pool; the last one that is synchronised
says how many slots it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from airflow_ml.compute.targets import TargetSettings
from airflow_ml.registry import open_registry
from airflow_ml.translation.pools import pool_text
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
    written: dict[str, int] = {}
    # Who writes a pool has read its target before, and may be slower than one who has read it later. So each looks
    # again when it has written: whoever writes last has then seen the newest.
    while (wanted := _slots(workspace)) != written:
        for name, slots in wanted.items():
            if written.get(name) != slots:
                _put_pool(airflow, name, slots, pool_text(name, workspace.name, slots))
        written = wanted
    return written


def _slots(workspace: WorkspaceRef) -> dict[str, int]:
    with open_registry(workspace, create=False) as registry:
        records = registry.compute_targets.list()
    return {item.name: TargetSettings.read(item.name, item.type, item.settings).slots for item in records}


def _put_pool(airflow: AirflowClient, name: str, slots: int, description: str) -> None:
    path = f"/api/v2/pools/{quote(name, safe='')}"
    # A step that is deferred still uses its compute target.
    body: Json = {"name": name, "slots": slots, "description": description, "include_deferred": True}
    known = _find_pool(airflow, path)
    if known is None:
        try:
            airflow.ask("POST", "/api/v2/pools", body)
        except AirflowError as error:
            if error.status != _HTTP_CONFLICT:
                raise
            # Another process has made it meanwhile, perhaps from what the target was before.
            known = _find_pool(airflow, path)
    if known is not None and (known["slots"], known["description"]) != (slots, description):
        patch: Json = {"pool": name, "slots": slots, "description": description, "include_deferred": True}
        airflow.ask("PATCH", path, patch)


def _find_pool(airflow: AirflowClient, path: str) -> dict[str, Json] | None:
    try:
        return cast("dict[str, Json]", airflow.ask("GET", path))
    except AirflowError as error:
        if error.status != _HTTP_NOT_FOUND:
            raise
        return None
