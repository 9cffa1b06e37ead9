"""The state of a cluster, in v1's form."""

from __future__ import annotations

from airflow_ml._late import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from airflow_ml.graph.model import Json
else:
    re = late("re")

__all__ = ["AmlComputeStatus", "ScaleSettings"]

_NODE_STATES = ("preparing", "running", "idle", "unusable", "leaving", "preempted")


class ScaleSettings:
    """Numbers of nodes, and the seconds after which an idle one would be given back."""

    def __init__(
        self,
        minimum_node_count: int | None,
        maximum_node_count: int | None,
        idle_seconds_before_scaledown: int | None,
    ) -> None:
        self.minimum_node_count = minimum_node_count
        self.maximum_node_count = maximum_node_count
        self.idle_seconds_before_scaledown = idle_seconds_before_scaledown

    def serialize(self) -> dict[str, Json]:
        """Return v1's JSON; the time is an ISO 8601 duration."""
        idle = self.idle_seconds_before_scaledown
        return {
            "minNodeCount": self.minimum_node_count,
            "maxNodeCount": self.maximum_node_count,
            "nodeIdleTimeBeforeScaleDown": None if idle is None else f"PT{idle}S",
        }

    @staticmethod
    def deserialize(object_dict: Mapping[str, Json] | None) -> ScaleSettings | None:
        """Return what `serialize` was called on; None for nothing, as in v1."""
        if not object_dict:
            return None
        least, most = object_dict.get("minNodeCount"), object_dict.get("maxNodeCount")
        idle = object_dict.get("nodeIdleTimeBeforeScaleDown")
        return ScaleSettings(
            least if isinstance(least, int) else None,
            most if isinstance(most, int) else None,
            _seconds(idle) if isinstance(idle, str) else None,
        )


class AmlComputeStatus:
    """
    State of a cluster.

    Attributes:
        node_state_counts: v1's six states and how many nodes are in each.
    """

    def __init__(
        self,
        allocation_state: str | None,
        allocation_state_transition_time: str | None,
        creation_time: str | None,
        current_node_count: int,
        errors: list[Json] | None,
        modified_time: str | None,
        node_state_counts: Mapping[str, int],
        provisioning_state: str,
        provisioning_state_transition_time: str | None,
        scale_settings: ScaleSettings,
        target_node_count: int,
        vm_priority: str,
        vm_size: str,
    ) -> None:
        self.allocation_state = allocation_state
        self.allocation_state_transition_time = allocation_state_transition_time
        self.creation_time = creation_time
        self.current_node_count = current_node_count
        self.errors = errors
        self.modified_time = modified_time
        self.node_state_counts = node_state_counts
        self.provisioning_state = provisioning_state
        self.provisioning_state_transition_time = provisioning_state_transition_time
        self.scale_settings = scale_settings
        self.target_node_count = target_node_count
        self.vm_priority = vm_priority
        self.vm_size = vm_size

    @classmethod
    def at_rest(cls, vm_size: str, vm_priority: str, scale: ScaleSettings) -> AmlComputeStatus:
        """Return the state of a cluster of which only the settings are known."""
        nodes = scale.minimum_node_count or 0
        counts = {**dict.fromkeys((f"{state}NodeCount" for state in _NODE_STATES), 0), "idleNodeCount": nodes}
        return cls(
            allocation_state="Steady",
            allocation_state_transition_time=None,
            creation_time=None,
            current_node_count=nodes,
            errors=None,
            modified_time=None,
            node_state_counts=counts,
            provisioning_state="Succeeded",
            provisioning_state_transition_time=None,
            scale_settings=scale,
            target_node_count=nodes,
            vm_priority=vm_priority,
            vm_size=vm_size,
        )

    def with_nodes(self, states: Sequence[str]) -> AmlComputeStatus:
        """Return the state with nodes that work, each by v1's word for its state; what `min_nodes` leaves is idle."""
        idle = max(0, (self.scale_settings.minimum_node_count or 0) - len(states))
        counts = {f"{state}NodeCount": states.count(state) for state in _NODE_STATES}
        changed = AmlComputeStatus(**vars(self))
        changed.node_state_counts = {**counts, "idleNodeCount": idle}
        changed.current_node_count = changed.target_node_count = len(states) + idle
        return changed

    def serialize(self) -> dict[str, Json]:
        """Return v1's JSON."""
        return {
            "currentNodeCount": self.current_node_count,
            "targetNodeCount": self.target_node_count,
            "nodeStateCounts": dict(self.node_state_counts),
            "allocationState": self.allocation_state,
            "allocationStateTransitionTime": self.allocation_state_transition_time,
            "errors": self.errors,
            "creationTime": self.creation_time,
            "modifiedTime": self.modified_time,
            "provisioningState": self.provisioning_state,
            "provisioningStateTransitionTime": self.provisioning_state_transition_time,
            "scaleSettings": self.scale_settings.serialize(),
            "vmPriority": self.vm_priority,
            "vmSize": self.vm_size,
        }

    @staticmethod
    def deserialize(object_dict: Mapping[str, Json] | None) -> AmlComputeStatus | None:
        """Return what `serialize` was called on; None for nothing, as in v1."""
        if not object_dict:
            return None
        counts, scale, errors = (object_dict.get(key) for key in ("nodeStateCounts", "scaleSettings", "errors"))
        return AmlComputeStatus(
            allocation_state=_text(object_dict, "allocationState"),
            allocation_state_transition_time=_text(object_dict, "allocationStateTransitionTime"),
            creation_time=_text(object_dict, "creationTime"),
            current_node_count=_number(object_dict, "currentNodeCount"),
            errors=errors if isinstance(errors, list) else None,
            modified_time=_text(object_dict, "modifiedTime"),
            node_state_counts={key: _number(counts, key) for key in counts} if isinstance(counts, dict) else {},
            provisioning_state=_text(object_dict, "provisioningState") or "",
            provisioning_state_transition_time=_text(object_dict, "provisioningStateTransitionTime"),
            scale_settings=(ScaleSettings.deserialize(scale) if isinstance(scale, dict) else None)
            or ScaleSettings(None, None, None),
            target_node_count=_number(object_dict, "targetNodeCount"),
            vm_priority=_text(object_dict, "vmPriority") or "",
            vm_size=_text(object_dict, "vmSize") or "",
        )

    def __repr__(self) -> str:
        return f"AmlComputeStatus({self.serialize()!r})"


def _text(values: Mapping[str, Json], key: str) -> str | None:
    value = values.get(key)
    return None if value is None else str(value)


def _number(values: Mapping[str, Json], key: str) -> int:
    value = values.get(key)
    return value if isinstance(value, int) else 0


def _seconds(duration: str) -> int | None:
    """Return an ISO 8601 duration of hours, minutes and seconds as seconds; None for another text."""
    match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", duration)
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
