"""Files whose times lie behind the file clock, without waiting for the two seconds of the coarsest one."""

import time
from pathlib import Path

import pytest

from airflow_ml.hashing import stat_cache

GRANULARITY_NS = 20_000_000


@pytest.fixture
def settle(tmp_path, monkeypatch):
    """Set the granularity to that of this machine's files; a function that lets the file clock pass a file's times."""
    monkeypatch.setattr(stat_cache, "GRANULARITY_NS", GRANULARITY_NS)
    clock = tmp_path / "clock"

    def pass_by(place: Path) -> None:
        until = place.stat().st_ctime_ns + GRANULARITY_NS
        clock.touch()
        while min(clock.stat().st_ctime_ns, time.time_ns()) <= until:
            clock.touch()

    return pass_by
