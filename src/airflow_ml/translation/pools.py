"""
Compute targets as Airflow pools: what a step's task says of the pool that admits it.

A pool that does not exist would keep its tasks waiting for ever, so the tasks carry what is needed to make it, and the
plugin makes it (`airflow_ml.plugins.pool_sync`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late

if TYPE_CHECKING:
    from airflow_ml.compute import vm_sizes
    from airflow_ml.graph import Graph, Json, Step
else:
    vm_sizes = late("airflow_ml.compute.vm_sizes")

__all__ = ["POOL_MARK", "pool_arguments", "pool_text", "slots_of"]

#: How descriptions of pools begin that are made here.
POOL_MARK = "airflow-ml: "


def pool_arguments(graph: Graph, step: Step) -> dict[str, Any]:
    """
    Return the operator's arguments `pool`, `pool_slots` and `compute_pool`; none for a step without a compute target.

    `compute_pool` is JSON text, because Airflow keeps plain values of an operator in the serialized DAG as they are:
    `{"target": name, "slots": number or null, "workspace": {"name": ..., "registry_url": ...}}`.

    A step of a GPU size takes all GPUs of its node, one slot each (v1 gives a step the whole node). Where the DAG file
    only names the target, its size is not known here, and the step takes one slot.
    """
    if step.compute is None:
        return {}
    declared = next((item for item in graph.compute_declarations if item.name == step.compute), None)
    workspace = {"name": graph.workspace.name, "registry_url": graph.workspace.registry_url}
    slots = None if declared is None else slots_of(declared.settings)
    return {
        "pool": step.compute,
        "pool_slots": 1 if declared is None else _devices(declared.settings),
        "compute_pool": json.dumps({"target": step.compute, "slots": slots, "workspace": workspace}),
    }


def slots_of(settings: Mapping[str, Json]) -> int:
    """
    Return the slots of a target's pool from its settings: its nodes, or their GPUs if its size has any.

    Targets without a number of nodes are one machine.
    """
    nodes = settings.get("max_nodes")
    return (nodes if isinstance(nodes, int) else 1) * _devices(settings)


def pool_text(target: str, workspace: str, slots: int) -> str:
    """
    Return the description of a pool that is made here.

    It names the slots too: a pool whose slots are others was changed by somebody, and belongs to them.
    """
    return f"{POOL_MARK}compute target {target!r} of workspace {workspace!r}, slots: {slots}"


def _devices(settings: Mapping[str, Json]) -> int:
    """Return the GPUs of a node, and 1 for a node without any: slots count nodes then."""
    size = settings.get("vm_size")
    return max(1, vm_sizes.find(str(size)).gpu_devices) if size else 1
