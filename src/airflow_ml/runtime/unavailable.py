"""What the workspace's side of the v1 surface answers to a script inside a step."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NotInAStepError", "WorkspaceSide"]


class NotInAStepError(NotSupportedError, AttributeError):
    """A member of v1 that a script cannot use inside a step; an AttributeError too, so that `hasattr` says no."""


class WorkspaceSide:
    """Base of classes some of whose v1 members work where the pipeline is built alone: `_elsewhere` names them."""

    _elsewhere: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name in type(self)._elsewhere:
            raise NotInAStepError(
                f"{type(self).__name__}.{name} is not available inside a step; use it where the pipeline is built, and "
                "pass what the script needs of it as an argument or input"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
