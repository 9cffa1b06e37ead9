"""Very large files are hashed by a process that may die."""

import os
import subprocess
from pathlib import Path

import pytest
from blake3 import blake3

from airflow_ml.hashing import content, mapped
from airflow_ml.hashing.content import LARGE, hash_file
from airflow_ml.hashing.mapped import hash_mapped


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Write a file that is large enough for threads."""
    place = tmp_path / "data"
    place.write_bytes(os.urandom(2 * LARGE + 5))
    return place


def test_a_mapping_gives_the_digest_that_reading_gives(place, monkeypatch):
    """Which way a file is read, nobody sees: the digest is blake3's of all bytes."""
    read = hash_file(str(place))
    asked = []
    monkeypatch.setattr(content, "VERY_LARGE", LARGE)
    monkeypatch.setattr(content, "hash_mapped", lambda *given: asked.append(given) or hash_mapped(*given))

    assert hash_file(str(place)) == read
    assert read[1].digest == "b3:" + blake3(place.read_bytes()).hexdigest()
    assert len(asked) == 1
    with place.open("rb") as stream:
        assert hash_mapped(stream.fileno(), place.stat().st_size) is not None


@pytest.mark.parametrize("size", [0, 7, 3 * LARGE])
def test_another_size_is_no_digest(place, size):
    """A file that has fewer bytes by now, or more, has no digest of the size that was asked for."""
    with place.open("rb") as stream:
        assert hash_mapped(stream.fileno(), size) is None


def test_a_process_that_dies_costs_nothing_but_time(place, monkeypatch):
    """Where the mapping's process is killed, as by a file that is cut short, the file is read."""
    monkeypatch.setattr(content, "VERY_LARGE", LARGE)
    monkeypatch.setattr(mapped, "_CODE", "import os, signal; os.kill(os.getpid(), signal.SIGBUS)")

    assert hash_file(str(place))[1].digest == "b3:" + blake3(place.read_bytes()).hexdigest()


def test_a_process_that_cannot_start_costs_nothing(place, monkeypatch):
    """Where no process can be made, the file is read."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no processes left")

    monkeypatch.setattr(content, "VERY_LARGE", LARGE)
    monkeypatch.setattr(subprocess, "run", refuse)

    assert hash_file(str(place))[1].size == place.stat().st_size
