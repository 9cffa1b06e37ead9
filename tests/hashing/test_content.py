"""Digests of files' bytes."""

import errno
import itertools
import os
import subprocess
import sys

import pytest
from blake3 import blake3

from airflow_ml.hashing import content
from airflow_ml.hashing.content import LARGE, hash_file


def test_a_digest_names_its_algorithm(tmp_path):
    """The digest is blake3's, here its published one of no bytes at all."""
    (tmp_path / "empty").touch()

    _, digest = hash_file(str(tmp_path / "empty"))

    assert digest == (0, "b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")


@pytest.mark.parametrize("size", [1, LARGE, LARGE + 1, 2 * LARGE, 5 * LARGE + 7])
def test_however_a_file_is_read_its_digest_is_that_of_all_bytes(tmp_path, size):
    """Small files are read at once and large ones in blocks ahead of the hashing."""
    data = os.urandom(1 << 20) * (size // (1 << 20)) + bytes(size % (1 << 20))
    (tmp_path / "data").write_bytes(data)

    _, digest = hash_file(str(tmp_path / "data"))

    assert digest == (size, f"b3:{blake3(data).hexdigest()}")


@pytest.mark.parametrize("change", ["grows", "is cut short"])
def test_a_file_that_keeps_changing_is_refused(tmp_path, monkeypatch, change):
    """No digest is given for bytes that never were a file together, and a file cut short does not kill the process."""
    place, numbers, read_block = tmp_path / "data", itertools.count(1), content._read_block
    place.write_bytes(bytes(4 * LARGE))

    def change_and_read(*block):
        number = next(numbers)
        os.truncate(place, 4 * LARGE + (number if change == "grows" else -number))
        return read_block(*block)

    monkeypatch.setattr(content, "_read_block", change_and_read)
    with pytest.raises(OSError, match="was changed while it was read") as error:
        hash_file(str(place))

    assert error.value.errno == errno.EBUSY


def test_what_is_no_file_is_refused_at_once(tmp_path):
    """A pipe without a writer would keep its reader waiting for ever."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="pipe, socket or device"):
        hash_file(str(tmp_path / "pipe"))
    with pytest.raises(IsADirectoryError):
        hash_file(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        hash_file(str(tmp_path / "missing"))


FORK = """
import os, signal, sys
from airflow_ml.hashing.content import hash_file
first = hash_file(sys.argv[1])
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(hash_file(sys.argv[1]) != first)
sys.exit(os.waitpid(child, 0)[1])
"""


def test_large_files_are_hashed_in_forked_processes_too(tmp_path):
    """Airflow forks its task processes, and threads of a parent that has hashed before are not in the child."""
    (tmp_path / "data").write_bytes(bytes(LARGE + 1))

    subprocess.run([sys.executable, "-c", FORK, tmp_path / "data"], check=True)
