"""The end of a run's log, from the run directory while it is written, from the artifact store later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow_ml.execution.artifacts import LOG_NAME
from airflow_ml.execution.stores import Stores
from airflow_ml.runtime.protocol import RunDirectory

if TYPE_CHECKING:
    from airflow_ml.registry import Registry

__all__ = ["LogTail", "read_log_tail"]

#: As much as a page shows, in bytes.
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class LogTail:
    """The last lines of a log; `is_cut` if there is more before them."""

    text: str
    is_cut: bool


def read_log_tail(registry: Registry, run_id: str, limit: int = _TAIL_BYTES) -> LogTail | None:
    """
    Return the last whole lines of what the run's script printed, or None if there is no log.

    Args:
        limit: length in bytes; reading costs the same however long the log is.
    """
    live = Path(RunDirectory(registry.home.runs / run_id).log)
    try:
        with live.open("rb") as file:
            return _tail(file, live.stat().st_size, limit)
    except (FileNotFoundError, NotADirectoryError):
        pass
    record = registry.artifacts.find(run_id, LOG_NAME)
    if record is None:
        return None
    with Stores(registry)(record.datastore).open_read(record.path) as file:
        return _tail(file, record.size, limit)


def _tail(file: IO[bytes], size: int, limit: int) -> LogTail:
    start = max(0, size - limit)
    file.seek(start)
    data = file.read(limit)
    if start:
        # The first line is most likely the rest of one, and may begin in the middle of a letter.
        data = data.partition(b"\n")[2] or data
    return LogTail(data.decode("utf-8", "replace"), is_cut=start > 0)
