"""How many GPUs a step may ask for: no more than one node of its compute target has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.compute.targets import TargetSettings
from airflow_ml.exceptions import GraphError

if TYPE_CHECKING:
    from airflow_ml.graph import ComputeDeclaration, Json
    from airflow_ml.registry import ComputeTargetRecord

__all__ = ["refuse_too_many_gpus"]


def refuse_too_many_gpus(where: str, gpus: Json, found: ComputeDeclaration | ComputeTargetRecord) -> None:
    """
    Refuse a step that no machine of its target can ever run; a target that says nothing of its nodes refuses none.

    Args:
        gpus: what the step says of it; None for a step that takes what a node has.

    Raises:
        ValueError: the step asks for more GPUs than a node has.
    """
    if not isinstance(gpus, int) or gpus < 1:
        return
    target = TargetSettings.read(found.name, found.type, found.settings)
    has = target.gpus_per_node
    if gpus <= has or (target.node is None and not has):
        return
    size = "" if target.node is None else f" ({target.node.name})"
    fits = f"at most {has}" if has else "leave it out, or choose a target whose size has GPUs"
    raise GraphError(f"{where}: gpus={gpus}, but a node of compute target {target.name!r}{size} has {has}; {fits}")
