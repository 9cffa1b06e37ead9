"""Where the calling code lies and whether Airflow is parsing it; see `airflow_ml.data._caller`."""

from __future__ import annotations

from airflow_ml.data._caller import base_directory, is_parsing_dag

__all__ = ["base_directory", "is_parsing_dag"]
