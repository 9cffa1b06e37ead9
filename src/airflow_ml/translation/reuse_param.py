"""
The param by which a DAG run says how it uses the results of earlier ones: a field of the trigger form, a key of conf.

A DAG has one, whatever pipelines and operators it holds. It is called `reuse`, and `airflow_ml_reuse` where somebody
else's param or a parameter of a pipeline has that name. A run's conf may say the long name in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Param

from airflow_ml.exceptions import GraphError
from airflow_ml.graph import REUSE_MODES

if TYPE_CHECKING:
    from airflow.sdk.definitions.param import ParamsDict

__all__ = ["LONG_NAME", "add_reuse_param", "find_reuse_param"]

_SHORT_NAME = "reuse"
LONG_NAME = "airflow_ml_reuse"

#: Also what the param is known by.
_DESCRIPTION = (
    "Results of earlier runs: `normal` takes those that are there, `off` runs every step and offers nothing to later"
    " runs, `refresh` runs every step and offers its results."
)


def add_reuse_param(params: ParamsDict) -> None:
    """
    Give the DAG of these params the one for reuse, if it has none.

    Called when the tasks are there: Airflow copies a DAG's params into each task that is made, and a run looks at
    both.

    Raises:
        ValueError: both names are taken.
    """
    if find_reuse_param(params) is not None:
        return
    name = LONG_NAME if _SHORT_NAME in params else _SHORT_NAME
    if name in params:
        raise GraphError(f"the DAG has params {_SHORT_NAME!r} and {LONG_NAME!r} of its own; rename one of them")
    # A new one each time: Airflow keeps a value that was given in the object.
    params[name] = Param("normal", description=_DESCRIPTION, title=name, type="string", enum=list(REUSE_MODES))


def find_reuse_param(params: ParamsDict) -> str | None:
    """Return what the param for reuse is called among these; None if there is none."""
    for name in (_SHORT_NAME, LONG_NAME):
        if name in params and params.get_param(name).description == _DESCRIPTION:
            return name
    return None
