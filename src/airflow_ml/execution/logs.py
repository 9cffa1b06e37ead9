"""Reading a step run's log, while it is written and afterwards."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.execution.artifacts import LOG_NAME
from airflow_ml.execution.stores import Stores
from airflow_ml.runtime.protocol import RunDirectory

if TYPE_CHECKING:
    from airflow_ml.registry import Registry

__all__ = ["RunLog"]


class RunLog:
    """
    The script's output of one step run.

    On the machine that runs the step it is read live from the run directory, elsewhere and later from the artifact
    store, where it is put when the script has ended.
    """

    def __init__(self, registry: Registry, run_id: str) -> None:
        self._registry = registry
        self._run_id = run_id
        self._offset = 0
        # A character may be written in two pieces.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read_new(self) -> str:
        """Return what was written since the last call."""
        data = self._read_live()
        if data is None:
            data = self._read_stored()
        self._offset += len(data)
        return self._decoder.decode(data)

    def _read_live(self) -> bytes | None:
        place = Path(RunDirectory(self._registry.home.runs / self._run_id).log)
        try:
            with place.open("rb") as file:
                file.seek(self._offset)
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _read_stored(self) -> bytes:
        record = self._registry.artifacts.find(self._run_id, LOG_NAME)
        if record is None:
            return b""
        with Stores(self._registry)(record.datastore).open_read(record.path) as file:
            file.seek(self._offset)
            return file.read()
