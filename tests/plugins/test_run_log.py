"""The end of a run's log."""

from pathlib import Path

import pytest

from airflow_ml.plugins.run_log import LogTail, read_log_tail
from airflow_ml.registry import ArtifactRecord, Registry


@pytest.fixture
def live_log(registry: Registry) -> Path:
    """Give the place of the log of run `r1` while it is written."""
    place = registry.home.runs / "r1" / "user_logs" / "std_log.txt"
    place.parent.mkdir(parents=True)
    return place


def test_a_short_log_is_whole(registry: Registry, live_log: Path) -> None:
    """A log that is shorter than the limit is shown from its first line."""
    live_log.write_text("one\ntwo\n")

    assert read_log_tail(registry, "r1") == LogTail("one\ntwo\n", is_cut=False)


def test_a_long_log_is_cut_at_a_line(registry: Registry, live_log: Path) -> None:
    """Of a longer log the last whole lines are shown, and that there is more."""
    live_log.write_text("".join(f"line {number}\n" for number in range(1000)))

    assert read_log_tail(registry, "r1", limit=20) == LogTail("line 998\nline 999\n", is_cut=True)


def test_a_letter_is_not_cut(registry: Registry, live_log: Path) -> None:
    """Bytes that are no text, and a limit inside a letter of a single long line, do no harm."""
    live_log.write_bytes("ż".encode() * 50 + b"\xff")

    tail = read_log_tail(registry, "r1", limit=10)

    assert tail is not None
    assert tail.text.endswith("żżżż\ufffd")


def test_the_stored_log_is_read_when_the_run_directory_is_gone(registry: Registry) -> None:
    """After the run, and on other machines, the log comes from the artifact store."""
    run = registry.runs.create("exp", "step", kind="script")
    place = registry.home.store("workspaceartifactstore") / "logs" / "a.txt"
    place.parent.mkdir(parents=True)
    place.write_text("stored\n")
    record = ArtifactRecord(run.id, "user_logs/std_log.txt", "workspaceartifactstore", "logs/a.txt", 7)
    registry.artifacts.add(run.id, [record])

    assert read_log_tail(registry, run.id) == LogTail("stored\n", is_cut=False)


def test_a_run_without_a_log(registry: Registry) -> None:
    """A run that printed nothing, or has no script, has no log."""
    assert read_log_tail(registry, registry.runs.create("exp", "run", kind="script").id) is None
