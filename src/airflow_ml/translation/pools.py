"""
Compute targets in Airflow's terms: what a step's task says of its pool, its queue, its executor and its pod.

A pool that does not exist would keep its tasks waiting for ever, so the tasks carry what is needed to make it, and the
plugin makes it (`airflow_ml.plugins.pool_sync`). The same text tells `airflow_ml.translation.task_mutation` in the
scheduler what a DAG file that only names its target could not say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.translation.node_tasks import nodes_of

if TYPE_CHECKING:
    from airflow_ml.compute import targets
    from airflow_ml.compute.targets import TargetSettings
    from airflow_ml.graph import ComputeDeclaration, Graph, Step
    from airflow_ml.translation import pods
else:
    pods = late("airflow_ml.translation.pods")
    targets = late("airflow_ml.compute.targets")

__all__ = ["POOL_MARK", "pool_arguments", "pool_key", "pool_text"]

#: How descriptions of pools begin that are made here.
POOL_MARK = "airflow-ml: "


def pool_key(step: Step) -> tuple[object, ...]:
    """Return what `pool_arguments` of a step hang on: steps with the same key have the same arguments."""
    return (step.compute, step.run_settings.get("node_count", 1), step.settings.get("gpus"))


def pool_arguments(graph: Graph, step: Step) -> dict[str, Any]:
    """
    Return the operator's arguments that follow from the step's compute target; none for a step without one.

    These are `pool`, `pool_slots` and `queue`, for a target with an executor or pods of its own also `executor` and
    `executor_config`, and `compute_pool`: JSON text, because Airflow keeps plain values of an operator in the
    serialized DAG as they are. It is `{"target": name, "slots": number or null, "workspace": {"name": ...,
    "registry_url": ...}}`, and says `nodes` and `gpus` where a step has others than one node and all of its GPUs.

    A step takes a slot for each of its nodes, or for each of their GPUs (v1 gives a step the whole node). Where the
    DAG file only names the target, its size is not known here, and the step takes a slot for each GPU that it names.
    """
    if step.compute is None:
        return {}
    target = _declared(graph, step.compute)
    nodes, gpus = nodes_of(graph, step), step.settings.get("gpus")
    described = {
        "target": step.compute,
        "slots": None if target is None else target.slots,
        "workspace": {"name": graph.workspace.name, "registry_url": graph.workspace.registry_url},
        **({} if nodes == 1 else {"nodes": nodes}),
        **({} if gpus is None else {"gpus": gpus}),
    }
    known = 1 if target is None else target.slots_per_node
    per_node = max(1, gpus) if isinstance(gpus, int) else known
    arguments: dict[str, Any] = {
        "pool": step.compute,
        "pool_slots": nodes * per_node,
        "queue": step.compute,
        "compute_pool": json.dumps(described),
    }
    return arguments if target is None else {**arguments, **_placed(target, gpus)}


def pool_text(target: str, workspace: str, slots: int) -> str:
    """
    Return the description of a pool that is made here.

    It names the slots too: a pool whose slots are others was changed by somebody, and belongs to them.
    """
    return f"{POOL_MARK}compute target {target!r} of workspace {workspace!r}, slots: {slots}"


def _declared(graph: Graph, name: str) -> TargetSettings | None:
    found: ComputeDeclaration | None = next((item for item in graph.compute_declarations if item.name == name), None)
    return None if found is None else targets.TargetSettings.read(found.name, found.type, found.settings)


def _placed(target: TargetSettings, gpus: object) -> dict[str, Any]:
    """Return what makes Airflow run the task where the target is, if that is not where all tasks run."""
    placed: dict[str, Any] = {} if target.executor is None else {"executor": target.executor}
    if target.launcher == "kubernetes":
        placed["executor_config"] = pods.executor_config(target, gpus if isinstance(gpus, int) else None)
    return placed
