"""Where airflow-ml keeps things on this machine: paths only, nothing is made or read here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from airflow_ml.exceptions import WorkspaceException

__all__ = ["Home", "WorkspaceHome"]

#: Folders of the whole machine; they lie beside the workspaces, so no workspace may be called like one.
#: Of a folder's name, in bytes.
_LONGEST_NAME = 255

_SHARED_FOLDERS = frozenset(
    {"airflow", "cache", "digests", "environments", "fernet.key", "library", "locks", "service"}
)


@dataclass(frozen=True)
class WorkspaceHome:
    """The folder of one workspace on this machine."""

    root: Path

    @property
    def registry_path(self) -> Path:
        """The SQLite file of the registry, where no other database is named."""
        return self.root / "registry.db"

    @property
    def runs(self) -> Path:
        """Run directories lie in here, each called by its run id."""
        return self.root / "runs"

    @property
    def drivers(self) -> Path:
        """Folders of the processes that drive embedded runs lie in here, each called by its run id."""
        return self.root / "drivers"

    def store(self, name: str) -> Path:
        """Return the folder of a local datastore whose settings give no root."""
        return self.root / "stores" / name


@dataclass(frozen=True)
class Home:
    """The folder of everything on this machine that belongs to no checkout."""

    root: Path

    @classmethod
    def default(cls) -> Home:
        """Return the home that `AIRFLOW_ML_HOME` names, or `~/.airflow_ml`."""
        named = os.environ.get("AIRFLOW_ML_HOME")
        return cls(Path(named).expanduser().absolute() if named else Path.home() / ".airflow_ml")

    @property
    def airflow(self) -> Path:
        """The Airflow home of embedded runs."""
        return self.root / "airflow"

    @property
    def cache(self) -> Path:
        """Content-addressed copies of staged data."""
        return self.root / "cache"

    @property
    def digests(self) -> Path:
        """What is remembered of files' contents, so that they need not be read again."""
        return self.root / "digests"

    @property
    def environments(self) -> Path:
        """Virtual environments, one per environment definition."""
        return self.root / "environments"

    @property
    def fernet_key(self) -> Path:
        """The key that secrets are encrypted with, where Airflow has none."""
        return self.root / "fernet.key"

    @property
    def library(self) -> Path:
        """Copies of the in-step library."""
        return self.root / "library"

    @property
    def locks(self) -> Path:
        """Lock files that every process of the machine agrees on."""
        return self.root / "locks"

    def workspace(self, name: str) -> WorkspaceHome:
        """
        Return the folder of the workspace of that name.

        Raises:
            WorkspaceException: the name cannot be a folder's, or is the name of a folder that workspaces share.
        """
        if not name or name in {".", ".."} or any(character in name for character in "/\\\0"):
            raise WorkspaceException(
                f"workspace {name!r}: the name is also a folder's; use letters, digits, '-' and '_'"
            )
        if len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
            raise WorkspaceException(
                f"workspace {name[:40]!r}...: the name is also a folder's, which has at most {_LONGEST_NAME} bytes"
            )
        if name in _SHARED_FOLDERS:
            raise WorkspaceException(
                f"workspace {name!r}: the name is taken by a folder that all workspaces share; choose another name"
            )
        return WorkspaceHome(self.root / name)
