"""Watching runs (`azureml.widgets`)."""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.widgets.run_details import RunDetails

__all__ = ["RunDetails"]

__getattr__, __dir__ = lazy_exports(__name__, {"RunDetails": "run_details"}, ("run_details",))
