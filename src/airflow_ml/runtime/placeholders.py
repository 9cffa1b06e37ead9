"""
Stand-ins for v1's names that take no part in a step.

Scripts import them beside what they use, annotate with them and ask `isinstance`; all of that works. Using one raises
the sentence that says what to do instead.
"""

from __future__ import annotations

from airflow_ml.runtime.unavailable import NotInAStepError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["placeholder"]

_made: dict[str, type] = {}


class _Absent(type):
    """Type of the placeholders: calling one and asking for an attribute raise NotInAStepError."""

    _v1_name: str

    def __call__(cls, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise NotInAStepError(_sentence(cls._v1_name))

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("_"):
            # Python's own machinery asks for such names and expects a no.
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        raise NotInAStepError(_sentence(f"{cls._v1_name}.{name}"))

    def __repr__(cls) -> str:
        return f"<{cls._v1_name}, which takes no part in a step>"


def placeholder(module: str, name: str) -> type:
    """Return the stand-in for a name of a module; one name has one, under `azureml` and `airflow_ml` alike."""
    below = f"{module.partition('.')[2]}.{name}"
    if below not in _made:
        _made[below] = _Absent(name, (), {"__module__": module, "_v1_name": f"{module}.{name}"})
    return _made[below]


def _sentence(what: str) -> str:
    return (
        f"{what} is not available inside a step; use it where the pipeline is built, and pass what the script needs of "
        "it as an argument or input"
    )
