"""
The curated environments that v1 offered in 2020 and later, by their packages.

The images behind them are Microsoft's; here each stands for the Python packages that its scripts rely on, without
the versions of that time, which no longer install on today's Python. Imported at its first use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_curated", "packages_of"]

_TABLE = ("numpy", "pandas", "scikit-learn", "scipy")

#: Family of names (v1 spelt them in any case) and what its scripts rely on; first match wins. Names end in versions
#: and in CPU or GPU, which pip's packages decide by themselves.
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"minimal", ()),
    (r"tutorial", ("pandas", "numpy", "tqdm", "scikit-learn", "matplotlib")),
    (r"(scikit-learn|sklearn)-", (*_TABLE, "matplotlib")),
    (r"(acpt-)?pytorch-|acpt-", ("torch", "torchvision", "numpy", "pandas", "matplotlib")),
    (r"tensorflow-", ("tensorflow", "numpy", "pandas", "matplotlib")),
    (r"lightgbm-", ("lightgbm", *_TABLE)),
    (r"xgboost-", ("xgboost", *_TABLE)),
    (r"dask-", ("dask[complete]", "numpy", "pandas")),
)

#: Families that cannot be had, and why.
_GONE: tuple[tuple[str, str], ...] = (
    (r"automl", "automated machine learning is a service of Microsoft's"),
    (r"chainer-", "Chainer ended in 2019 and does not run on today's Python"),
    (r"hyperdrive-", "its forecasting packages are Microsoft's"),
    (r"(py)?spark-", "Spark does not run here"),
    (r"(triton|inference|designer|vowpalwabbit|rapids|responsibleai|ai-studio|mlflow)", "its image is Microsoft's"),
)
_PREFIX = re.compile("azureml-", re.IGNORECASE)


def is_curated(name: str) -> bool:
    """Tell whether the name is one that v1 keeps for its curated environments."""
    return _PREFIX.match(name) is not None


def packages_of(name: str) -> Sequence[str]:
    """
    Return the pip packages of a curated environment.

    Raises:
        NotSupportedError: v1 has it, and its packages cannot be had.
        RunEnvironmentException: no family is known that the name belongs to.
    """
    rest = _PREFIX.sub("", name, count=1)
    for pattern, packages in _FAMILIES:
        if re.match(pattern, rest, re.IGNORECASE):
            return packages
    instead = "name the packages that your script needs (Environment and CondaDependencies.create)"
    for pattern, reason in _GONE:
        if re.match(pattern, rest, re.IGNORECASE):
            raise NotSupportedError(f"curated environment {name!r} is not available: {reason}; {instead}")
    raise RunEnvironmentException(
        f"curated environment {name!r} is not known; the families are Minimal, Tutorial, Scikit-learn, PyTorch, "
        f"TensorFlow, LightGBM, XGBoost and Dask; {instead}"
    )
