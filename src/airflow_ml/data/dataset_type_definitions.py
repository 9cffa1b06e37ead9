"""Constants about how tables are read (`azureml.data.dataset_type_definitions`)."""

from __future__ import annotations

from airflow_ml.runtime.headers import PromoteHeadersBehavior

__all__ = ["PromoteHeadersBehavior"]
