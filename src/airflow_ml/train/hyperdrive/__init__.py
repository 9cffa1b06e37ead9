"""
Hyperparameter searches (`azureml.train.hyperdrive`).

Search spaces, samplings and stopping policies are v1's plain data. HyperDriveConfig and its run come with a later
version.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.train.hyperdrive.parameter_expressions import (
        choice,
        lognormal,
        loguniform,
        normal,
        qlognormal,
        qloguniform,
        qnormal,
        quniform,
        randint,
        uniform,
    )
    from airflow_ml.train.hyperdrive.policy import (
        BanditPolicy,
        EarlyTerminationPolicy,
        MedianStoppingPolicy,
        NoTerminationPolicy,
        TruncationSelectionPolicy,
    )
    from airflow_ml.train.hyperdrive.run import HyperDriveRun
    from airflow_ml.train.hyperdrive.runconfig import HyperDriveConfig, HyperDriveRunConfig, PrimaryMetricGoal
    from airflow_ml.train.hyperdrive.sampling import (
        BayesianParameterSampling,
        GridParameterSampling,
        HyperParameterSampling,
        RandomParameterSampling,
    )

__all__ = [
    "BanditPolicy",
    "BayesianParameterSampling",
    "EarlyTerminationPolicy",
    "GridParameterSampling",
    "HyperDriveConfig",
    "HyperDriveRun",
    "HyperDriveRunConfig",
    "HyperParameterSampling",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "PrimaryMetricGoal",
    "RandomParameterSampling",
    "TruncationSelectionPolicy",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "BanditPolicy": "policy",
        "BayesianParameterSampling": "sampling",
        "EarlyTerminationPolicy": "policy",
        "GridParameterSampling": "sampling",
        "HyperDriveConfig": "runconfig",
        "HyperDriveRun": "run",
        "HyperDriveRunConfig": "runconfig",
        "HyperParameterSampling": "sampling",
        "MedianStoppingPolicy": "policy",
        "NoTerminationPolicy": "policy",
        "PrimaryMetricGoal": "runconfig",
        "RandomParameterSampling": "sampling",
        "TruncationSelectionPolicy": "policy",
        "choice": "parameter_expressions",
        "lognormal": "parameter_expressions",
        "loguniform": "parameter_expressions",
        "normal": "parameter_expressions",
        "qlognormal": "parameter_expressions",
        "qloguniform": "parameter_expressions",
        "qnormal": "parameter_expressions",
        "quniform": "parameter_expressions",
        "randint": "parameter_expressions",
        "uniform": "parameter_expressions",
    },
    ("exceptions", "parameter_expressions", "policy", "run", "runconfig", "sampling"),
)
