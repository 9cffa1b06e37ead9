"""Errors of search descriptions (`azureml.train.hyperdrive.exceptions`)."""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException

__all__ = ["HyperDriveConfigException", "HyperDriveException"]


class HyperDriveException(UserErrorException):
    """Root of the errors of hyperparameter searches."""


class HyperDriveConfigException(HyperDriveException):
    """A search space, sampling or policy that cannot be."""
