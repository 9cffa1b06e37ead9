"""Measurements of served models (`azureml.core.profile`), which are not supported."""

from __future__ import annotations

from airflow_ml.core._never_served import SERVING, NeverUsed

__all__ = [
    "ModelProfile",
]


class ModelProfile(metaclass=NeverUsed):
    """How much a served model needs."""

    _instead = SERVING
