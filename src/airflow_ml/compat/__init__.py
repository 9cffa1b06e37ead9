"""
Code that says `azureml` runs on airflow-ml without being edited.

    python -m airflow_ml.compat script.py --its --arguments      # also -m module, -c code
    import airflow_ml.compat.enable                              # as the first line of a DAG file or notebook
    AIRFLOW_ML_COMPAT=1 python script.py                         # any Python process: Jupyter's kernels, Airflow's

The variable is read by a start-up file that is installed beside the package (`airflow_ml_compat.pth`) and costs a
process without it nothing. `airflow_ml.compat.alias.enable()` does the same as the import. Afterwards `azureml.core`
*is* `airflow_ml.core`, and so on for every module of the face. A real Azure ML SDK that is installed is never shadowed,
unless `AIRFLOW_ML_COMPAT=force` is set or `--force` is given.

Scripts that run as steps find `azureml` always: the step library has it, whatever is set here.
"""

from __future__ import annotations

__all__: list[str] = []
