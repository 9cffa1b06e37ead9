"""The errors of data that cannot be read, where v1 has them (`azureml.data.dataset_error_handling`)."""

from __future__ import annotations

from airflow_ml.exceptions import DatasetExecutionError, DatasetValidationError

__all__ = ["DatasetExecutionError", "DatasetValidationError"]
