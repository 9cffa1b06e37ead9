"""The reuse policy where pipelines are written; workspaces have one too, so it lives in `airflow_ml.core`."""

from __future__ import annotations

from airflow_ml.core.reuse_policy import ReusePolicy

__all__ = ["ReusePolicy"]
