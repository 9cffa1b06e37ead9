"""What a registry in an SQLite file keeps when its process forks."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.registry.database import Database


def in_child(work: Callable[[], object]) -> int:
    """Run something in a forked child and return its exit code: 0 if it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - a forked test process must not go on as pytest
            print(repr(error), flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_what_a_child_writes_outlives_the_parents_connections(sqlite_registry):
    """A child holds locks of its own: the parent's last close does not remove the log that the child writes to."""
    sqlite_registry.runs.create("digits", "before", kind="script")
    file = sqlite_registry.home.registry_path
    (closed, closes), (written, writes) = os.pipe(), os.pipe()

    def work() -> None:
        sqlite_registry.runs.create("digits", "first", kind="script")
        os.write(writes, b"x")
        os.read(closed, 1)
        sqlite_registry.runs.create("digits", "second", kind="script")

    ended = threading.Thread(target=lambda: codes.append(in_child(work)))
    codes: list[int] = []
    ended.start()
    os.read(written, 1)
    sqlite_registry.close()
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT count(*) FROM aml_runs").fetchone() == (2,)
    os.write(closes, b"x")
    ended.join()

    assert codes == [0]
    assert {run.name for run in sqlite_registry.runs.list()} == {"before", "first", "second"}


def test_nothing_is_open_in_a_child(sqlite_registry):
    """Idle connections are closed before a fork, those that only read too."""
    sqlite_registry.runs.create("digits", "before", kind="script")
    sqlite_registry.datastores.default()
    name = str(sqlite_registry.home.registry_path)

    def work() -> None:
        for place in [*Path("/proc/self/fd").iterdir()]:
            with suppress(FileNotFoundError):  # the folder that was read is one of them
                assert not str(place.readlink()).startswith(name)

    assert in_child(work) == 0


def test_a_fork_waits_for_other_threads(sqlite_registry):
    """A transaction of another thread ends before the process is copied, and the child can work."""
    inside, go_on = threading.Event(), threading.Event()
    order = []

    def write() -> None:
        with sqlite_registry._scope.database.write():
            inside.set()
            go_on.wait()
            order.append("transaction")

    thread = threading.Thread(target=write)
    thread.start()
    inside.wait()
    threading.Timer(0.1, go_on.set).start()

    code = in_child(lambda: order == ["transaction"] or os._exit(3))
    thread.join()

    assert code == 0
    assert in_child(lambda: sqlite_registry.runs.create("digits", "child", kind="script")) == 0


def test_a_child_of_a_transaction_cannot_use_the_file(sqlite_registry):
    """Where the forking thread itself is in a transaction, the child is told so instead of losing what it writes."""
    database: Database = sqlite_registry._scope.database

    def work() -> None:
        with pytest.raises(ServiceException, match="forked while a transaction"):
            sqlite_registry.datastores.default()

    with database.read():
        assert in_child(work) == 0
    assert sqlite_registry.datastores.default().is_default
