"""What the workspace's side of the v1 surface answers to a script inside a step."""

from __future__ import annotations

from abc import ABCMeta

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

__all__ = ["NotInAStepError", "WorkspaceSide", "refuse"]


class NotInAStepError(NotSupportedError, AttributeError):
    """A member of v1 that a script cannot use inside a step; an AttributeError too, so that `hasattr` says no."""


class _Sided(ABCMeta):
    """Answers for the class what WorkspaceSide answers for its objects, such as `Workspace.create`."""

    _elsewhere: tuple[str, ...]
    _instead: Mapping[str, str]
    _shown: str

    def __getattr__(cls, name: str) -> NoReturn:
        if not name.startswith("_"):
            _answer(cls, name)
        raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")


class WorkspaceSide(metaclass=_Sided):
    """
    Base of classes some of whose v1 members work where the pipeline is built alone.

    `_elsewhere` names them; `_instead` says of some what to do, where the usual advice does not help. `_shown` is the
    class's name in v1.
    """

    _elsewhere: tuple[str, ...] = ()
    _instead: Mapping[str, str] = {}
    _shown: str = ""

    def __getattr__(self, name: str) -> Any:
        _answer(type(self), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def refuse(where: str, **arguments: object) -> None:
    """Raise NotSupportedError for arguments of v1 that were given and have no meaning here."""
    given = sorted(name for name, value in arguments.items() if value is not None)
    if given:
        raise NotSupportedError(f"{where}: {', '.join(given)}: not supported; keep such facts as tags or properties")


def _answer(kind: _Sided, name: str) -> None:
    if name in kind._elsewhere:
        advice = kind._instead.get(
            name, "use it where the pipeline is built, and pass what the script needs of it as an argument or input"
        )
        raise NotInAStepError(f"{kind._shown or kind.__name__}.{name} is not available inside a step; {advice}")
