"""What a served model would need (`azureml.core.resource_configuration`); kept with a model and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.graph.model import Json

__all__ = ["ResourceConfiguration"]


class ResourceConfiguration:
    """Numbers of processors and GPUs, and gigabytes of memory."""

    def __init__(self, cpu: float | None = None, memory_in_gb: float | None = None, gpu: int | None = None) -> None:
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu

    def serialize(self) -> dict[str, Json]:
        """Return v1's JSON."""
        return {"cpu": self.cpu, "memoryInGB": self.memory_in_gb, "gpu": self.gpu}

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Json] | None) -> ResourceConfiguration | None:
        """Return what `serialize` was called on; None for nothing, as in v1."""
        if not payload_obj:
            return None
        cpu, memory, gpu = (payload_obj.get(key) for key in ("cpu", "memoryInGB", "gpu"))
        return ResourceConfiguration(
            cpu if isinstance(cpu, (int, float)) else None,
            memory if isinstance(memory, (int, float)) else None,
            gpu if isinstance(gpu, int) else None,
        )

    def __repr__(self) -> str:
        return f"ResourceConfiguration(cpu={self.cpu!r}, memory_in_gb={self.memory_in_gb!r}, gpu={self.gpu!r})"
