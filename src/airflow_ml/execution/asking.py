"""What all answers to a running script work with: the workspace, the script's run and its run directory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from concurrent.futures import Future

    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json
    from airflow_ml.registry import DatasetRecord, RunRecord
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Asking", "Params", "dataset_json"]

Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Asking:
    """
    One running script that asks; safe for several threads.

    Attributes:
        root: for a script with mounts of its own (`airflow_ml.storage.in_place`), the root of the file system as it
            sees it, once it runs; None where it sees what everybody sees.
    """

    services: Services
    run: RunRecord
    directory: RunDirectory
    root: Future[Path] | None = None
    _counter: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def next_number(self) -> int:
        """Return a number that nothing else of this script was given."""
        return next(self._counter)

    def new_folder(self) -> Path:
        """Return a place inside the run directory for files that are handed in; it is not there yet."""
        return Path(self.directory.requests, str(self.next_number()))

    def own_file(self, place: str) -> Path:
        """
        Return where a file that the script names can be read.

        Paths outside the run directory are refused: a script must not make its operator read for it.
        """
        if not self.directory.contains(place):
            raise UserErrorException(f"path {place!r} lies outside of the step's run directory; copy it there first")
        if self.root is None:
            return Path(place)
        # Links are followed before: one that is absolute would lead out of the script's view again.
        seen = Path(place).parent.resolve() / Path(place).name
        return self.root.result() / seen.relative_to("/")

    def own_run(self, run_id: str | None) -> str:
        """Refuse runs outside of the script's pipeline run; its own is the default."""
        if run_id in (None, self.run.id):
            return self.run.id
        found = self.services.registry.runs.get(str(run_id))
        if found.root_id != self.run.root_id:
            raise UserErrorException(
                f"run {run_id!r} belongs to another pipeline run than step {self.run.name!r}; use run.parent, or this "
                "step's own run"
            )
        return found.id


def dataset_json(record: DatasetRecord) -> dict[str, Json]:
    """Return a dataset's record as scripts are given it."""
    return {
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "definition": dict(record.definition),
        "description": record.description,
        "tags": dict(record.tags),
    }
