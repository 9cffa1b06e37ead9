"""What the parts of a run configuration share: a misspelt attribute is an error, as in v1."""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, TypeAlias, TypeVar

    Held: TypeAlias = Mapping[str, type[Any]]
    Element = TypeVar("Element", bound="ConfigElement")

__all__ = ["ConfigElement", "checked_variables"]


class ConfigElement:
    """
    A bag of settings whose names are fixed by its constructor.

    Setting another name raises AttributeError: a typo would otherwise change nothing and nobody would know. How an
    element looks in v1's files is written in `airflow_ml.core._file_form`; the three names below are for it.
    """

    #: Names in files that are not the attribute's own in camel case.
    _file_names: ClassVar[Mapping[str, str]] = {}
    #: Attributes that files do not have.
    _not_in_files: ClassVar[frozenset[str]] = frozenset({"_is_sealed"})
    #: What an attribute holds, or its items do, where the default is None or empty.
    _holds: ClassVar[Held] = {}

    _is_sealed = False

    def __init__(self) -> None:
        self._is_sealed = True

    def _refuse_arguments(self, arguments: Mapping[str, object]) -> None:
        """Raise for arguments of a constructor that v1 takes by any name and ignores."""
        if arguments:
            raise UserErrorException(
                f"{type(self).__name__}: unknown arguments {', '.join(sorted(arguments))}; set attributes instead"
            )

    def __setattr__(self, name: str, value: object) -> None:
        if self._is_sealed and not hasattr(self, name):
            known = ", ".join(sorted(key.lstrip("_") for key in vars(self) if key not in self._not_in_files))
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; it has {known}")
        super().__setattr__(name, value)

    def _held(self, name: str) -> type[Any] | None:
        """Return the class of an attribute's value or items, where the default cannot tell."""
        return self._holds.get(name)

    def _copied(self: Element) -> Element:
        """Return a copy that shares no element, list or mapping with this one; other objects are shared."""
        copied = type(self).__new__(type(self))
        vars(copied).update({name: _copy(value) for name, value in vars(self).items()})
        return copied

    def _values(self) -> dict[str, object]:
        return {
            name: value._values() if isinstance(value, ConfigElement) else value
            for name, value in vars(self).items()
            if name not in self._not_in_files
        }

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name.lstrip('_')}={value!r}" for name, value in vars(self).items() if name not in self._not_in_files
        )
        return f"{type(self).__name__}({shown})"


def checked_variables(variables: Mapping[str, str] | None, *, where: str) -> dict[str, str]:
    """Return environment variables as a mapping of its own; raises UserErrorException for something else."""
    if variables is not None and not hasattr(variables, "keys"):
        raise UserErrorException(
            f"{where}: environment_variables {variables!r} are no mapping; write {{'NAME': 'value'}}"
        )
    return dict(variables or {})


def _copy(value: object) -> object:
    if isinstance(value, list):
        return [_copy(item) for item in value]
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return value._copied() if hasattr(value, "_copied") else value
