"""Importing this module makes `azureml` another name of airflow-ml; see `airflow_ml.compat`."""

from __future__ import annotations

from airflow_ml.compat.alias import enable

__all__: list[str] = []

enable()
