"""Importing this module makes `azureml` another name of airflow-ml; see `airflow_ml.compat`."""

from __future__ import annotations

import warnings

from airflow_ml.compat.alias import enable

if not enable():
    warnings.warn(
        "airflow_ml.compat: the real Azure ML SDK is installed and stays `azureml`; set AIRFLOW_ML_COMPAT=force to "
        "use airflow-ml under that name",
        stacklevel=2,
    )
