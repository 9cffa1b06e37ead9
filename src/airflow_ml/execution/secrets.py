"""Secrets that a script, or the code that builds pipelines, may ask for by name."""

from __future__ import annotations

import os
import re

from airflow_ml.exceptions import UserErrorException

__all__ = ["SECRET_PREFIX", "read_secret"]

#: Of the worker's environment variables that are secrets; a script's environment has none of them.
SECRET_PREFIX = "AIRFLOW_ML_SECRET_"  # noqa: S105 - the name of a variable

_NOT_IN_VARIABLES = re.compile(r"\W")


def read_secret(name: str, *, missing_ok: bool = False) -> str | None:
    """
    Return the secret of that name, from the environment of this process: the worker's where a step asks.

    Raises:
        UserErrorException: there is none, unless `missing_ok`.
    """
    variable = SECRET_PREFIX + _NOT_IN_VARIABLES.sub("_", name).upper()
    value = os.environ.get(variable)
    if value is None and not missing_ok:
        raise UserErrorException(
            f"secret {name!r}: the worker, or the process that asks, has no environment variable {variable}; set it "
            "there, as there is no key vault behind the workspace"
        )
    return value
