"""
Classes of v1 for serving models and for networks: they can be imported and named, and every use says what to do.

Code imports them at its top, beside what it needs; so the import must not fail.
"""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["SERVING", "NeverUsed"]

#: What to do instead of serving.
SERVING = "serve the files of Model.download or Model.get_model_path with a tool of your choice"


class _RefusedUse(NotSupportedError, AttributeError):
    """An AttributeError too, so that `hasattr` is False instead of an error."""


class NeverUsed(type):
    """
    The class of such classes: calling one, or asking it for a name, raises NotSupportedError.

    Each has `_instead`, what to do instead. `isinstance` and annotations work, and so does deriving from one.
    """

    _instead: str

    def __call__(cls, *args: object, **kwargs: object) -> NoReturn:
        """Raise: no object of this kind can be made."""
        del args, kwargs
        raise NotSupportedError(f"{cls.__name__} is not supported; {cls._instead}")

    def __getattr__(cls, name: str) -> NoReturn:
        """Raise: the class has nothing that could be called."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise _RefusedUse(f"{cls.__name__}.{name} is not supported; {cls._instead}")
