"""An environment of which only the name is known. Imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.environment import Environment
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.graph.model import Json

__all__ = ["EnvironmentByName"]


class EnvironmentByName(Environment):
    """A registered environment that is looked up in the run."""

    def __init__(self, name: str, version: str | None) -> None:
        self.name = name
        self.version = version
        self._is_sealed = True

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UserErrorException(
            f"environment {self.__dict__.get('name')!r}: while Airflow parses the DAG file only its name is known, not "
            f"{name!r}; define it in the file with Environment(...), or take it as it is"
        )

    def to_definition(self) -> dict[str, Json]:
        """Return name and version."""
        return {"name": self.name, "version": self.version, "by_reference": True}

    def __repr__(self) -> str:
        return f"<environment {self.name!r}, version {self.version!r}: looked up in the run>"

    def clone(self, new_name: str) -> NoReturn:
        """Raise: the content is not known."""
        raise UserErrorException(
            f"environment {self.name!r}: cannot be cloned as {new_name!r} while Airflow parses the DAG file, which "
            "knows only its name; define it in the file with Environment(...)"
        )
