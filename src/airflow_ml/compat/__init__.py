"""
Code that says `azureml` runs on airflow-ml without being edited.

    python -m airflow_ml.compat script.py --its --arguments
    import airflow_ml.compat.enable        # as the first line of a DAG file or notebook

`airflow_ml.compat.alias.enable()` does the same as the import. Afterwards `azureml.core` *is* `airflow_ml.core`, and so
on for every module of the face. A real Azure ML SDK that is installed is never shadowed, unless
`AIRFLOW_ML_COMPAT=force` is set or `--force` is given.
"""

from __future__ import annotations

__all__: list[str] = []
