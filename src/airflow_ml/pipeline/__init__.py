"""Pipelines: `airflow_ml.pipeline.core` and `airflow_ml.pipeline.steps`, as in the v1 SDK."""
