"""
The curated environments that v1 offered in 2020 and later, by their packages.

The images behind them are Microsoft's; here each stands for the Python packages that its scripts rely on, without
the versions of that time, which no longer install on today's Python.
"""

from __future__ import annotations

import re

__all__ = ["packages_of"]

_TABLE = ("numpy", "pandas", "scikit-learn", "scipy")
_EXACT: dict[str, tuple[str, ...]] = {
    "azureml-minimal": (),
    "azureml-tutorial": ("pandas", "numpy", "tqdm", "scikit-learn", "matplotlib"),
}
#: First match wins. Names end in versions and in CPU or GPU, which pip's packages decide by themselves.
_FAMILIES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"azureml-(scikit-learn|sklearn)-"), (*_TABLE, "matplotlib")),
    (re.compile(r"azureml-pytorch-"), ("torch", "torchvision", "numpy", "pandas", "matplotlib")),
    (re.compile(r"azureml-tensorflow-"), ("tensorflow", "numpy", "pandas", "matplotlib")),
    (re.compile(r"azureml-lightgbm-"), ("lightgbm", *_TABLE)),
    (re.compile(r"azureml-xgboost-"), ("xgboost", *_TABLE)),
    (re.compile(r"azureml-dask-"), ("dask[complete]", "numpy", "pandas")),
    (re.compile(r"azureml-chainer-"), ("chainer", "numpy")),
)


def packages_of(name: str) -> tuple[str, ...] | None:
    """Return the pip packages of a curated environment (its name in any case), or None if that is not known."""
    key = name.lower()
    if key in _EXACT:
        return _EXACT[key]
    for pattern, packages in _FAMILIES:
        if pattern.match(key):
            return packages
    return None
