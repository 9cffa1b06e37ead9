"""What a compute target's settings say, in types: the one place that knows how they are written in the registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ml.compute import vm_sizes
from airflow_ml.exceptions import ComputeTargetException

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.compute.vm_sizes import VmSize
    from airflow_ml.graph import Json

__all__ = ["LAUNCHERS", "LauncherName", "TargetSettings"]

LauncherName: TypeAlias = Literal["process", "docker", "kubernetes"]

#: How a target may start its steps' scripts; the first is the default.
LAUNCHERS: tuple[LauncherName, ...] = ("process", "docker", "kubernetes")


@dataclass(frozen=True)
class TargetSettings:
    """
    A compute target as the rest of the product needs it.

    Attributes:
        type: v1's word, such as `AmlCompute`.
        launcher: what starts the scripts of its steps.
        node: the size of one node; None if none was given: a node is the whole worker then.
        min_nodes: kept and shown, as no node is rented.
        max_nodes: how many nodes' worth of steps run at the same time; 1 for targets without a number.
        gpus_per_node: GPUs of one node, which a step takes unless it says how many; 0 without any.
        executor: name of the Airflow executor that runs its tasks; None means Airflow's default.
        priority: v1's `dedicated` or `lowpriority`, kept and shown.
        idle_seconds: kept and shown.
        namespace: Kubernetes' namespace of its pods; None means the executor's.
        node_selector: labels of the machines that its pods may run on.
    """

    name: str
    type: str
    launcher: LauncherName = "process"
    node: VmSize | None = None
    min_nodes: int = 0
    max_nodes: int = 1
    gpus_per_node: int = 0
    executor: str | None = None
    priority: str = "dedicated"
    idle_seconds: int | None = None
    namespace: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)

    @property
    def queue(self) -> str:
        """The queue of its tasks: a worker of the target is started with `-q NAME`."""
        return self.name

    @property
    def slots_per_node(self) -> int:
        """How many slots of the pool one node is: one per GPU, one for a node without any."""
        return max(1, self.gpus_per_node)

    @property
    def slots(self) -> int:
        """How many slots the target's pool has."""
        return self.max_nodes * self.slots_per_node

    @classmethod
    def read(cls, name: str, type: str, settings: Mapping[str, Json]) -> TargetSettings:  # noqa: A002 - the record's word
        """
        Return what the registry, or a DAG file's declaration, says of a target.

        Raises:
            ComputeTargetException: an unknown VM size or launcher; the text names the target.
        """
        size = settings.get("vm_size")
        try:
            node = vm_sizes.find(str(size)) if size else None
        except ComputeTargetException as error:
            raise ComputeTargetException(f"compute target {name!r}: {error}") from error
        gpus = _number(settings, "gpus", default=0 if node is None else node.gpu_devices)
        selector = settings.get("node_selector")
        return cls(
            name=name,
            type=type,
            launcher=_launcher(name, settings.get("launcher")),
            node=node,
            min_nodes=_number(settings, "min_nodes", default=0),
            max_nodes=_number(settings, "max_nodes", default=1),
            gpus_per_node=gpus,
            executor=_text(settings, "executor"),
            priority=str(settings.get("vm_priority") or "dedicated"),
            idle_seconds=_number(settings, "idle_seconds_before_scaledown", default=0) or None,
            namespace=_text(settings, "namespace"),
            node_selector={key: str(value) for key, value in selector.items()} if isinstance(selector, dict) else {},
        )


def _launcher(target: str, given: Json) -> LauncherName:
    """Return a launcher's name; a record without one is older than launchers."""
    if given is None:
        return LAUNCHERS[0]
    for name in LAUNCHERS:
        if name == given:
            return name
    raise ComputeTargetException(
        f"compute target {target!r}: launcher is {given!r}, expected one of {', '.join(LAUNCHERS)}"
    )


def _text(settings: Mapping[str, Json], key: str) -> str | None:
    value = settings.get(key)
    return str(value) if value else None


def _number(settings: Mapping[str, Json], key: str, *, default: int) -> int:
    value = settings.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default
