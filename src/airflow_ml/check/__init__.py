"""
What v1 code would find here: each call of the Azure ML SDK v1 that a script or notebook makes, and whether it works.

The code is read, never run. What works is asked of airflow-ml's own modules (`faces`, `members`, `refusals`), how a
call differs of the tables in docs/compatibility.md (`differences`).
"""

from airflow_ml.check.findings import Finding, State
from airflow_ml.check.reports import Report, check_paths

__all__ = ["Finding", "Report", "State", "check_paths"]
