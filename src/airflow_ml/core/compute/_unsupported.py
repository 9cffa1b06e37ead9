"""What the kinds of compute targets share that v1 knows and airflow-ml does not run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import NotSupportedError

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace

__all__ = ["UnsupportedCompute"]


class UnsupportedCompute(ComputeTarget):
    """A kind of compute target that can be imported; opening, making or attaching one says what to do instead."""

    _instead = "use AmlCompute"

    def __new__(cls, workspace: Workspace, name: str) -> UnsupportedCompute:
        """Raise: no such target can be there."""
        raise cls._refusal(f"(workspace, {name!r})", workspace)

    @classmethod
    def _refusal(cls, call: str, *_arguments: object) -> NotSupportedError:
        return NotSupportedError(f"{cls.__name__}{call} is not supported; {cls._instead}")
