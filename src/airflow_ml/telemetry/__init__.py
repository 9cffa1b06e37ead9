"""What v1 sent about its use (`azureml.telemetry`); airflow-ml sends nothing to anybody."""

from __future__ import annotations

__all__ = ["set_diagnostics_collection"]


def set_diagnostics_collection(
    send_diagnostics: bool = True, verbosity: int = 20, reason: str = "", path: str | None = None
) -> None:
    """Do nothing, whatever is asked: v1's notebooks turn the collection on or off in a cell of their own."""
