"""The module that v1 code imports ComputeTargetException from (`azureml.core.compute_target`)."""

from __future__ import annotations

from airflow_ml.exceptions import ComputeTargetException

__all__ = ["ComputeTargetException"]
