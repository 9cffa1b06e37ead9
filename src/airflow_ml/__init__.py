"""
Azure ML SDK v1 pipelines on your own Apache Airflow.

The public names live in modules that mirror the v1 SDK: `airflow_ml.core`, `airflow_ml.data`,
`airflow_ml.pipeline.core`, `airflow_ml.pipeline.steps`, `airflow_ml.exceptions`. Importing this package costs
nothing, because every DAG file does it.
"""

from airflow_ml._version import __version__

__all__ = ["__version__"]
