"""The threads that files travel on: bounded, fair to large files, and ended by the first failure."""

import threading

import pytest

from airflow_ml.storage.transfer import pool
from airflow_ml.storage.transfer.pool import run_jobs
from airflow_ml.storage.transfer.progress import Progress


class Counted:
    """A job whose pieces note how many of them run at once."""

    running, most = 0, 0
    lock = threading.Lock()

    def __init__(self, name="job", *, pieces=3, weight=0, fails_at=None):
        self.name, self.weight, self.ends = name, weight, []
        self._pieces, self._fails_at = pieces, fails_at

    def start(self):
        """Give the pieces."""
        return 0, [(self.weight, lambda number=number: self._work(number)) for number in range(self._pieces)]

    def _work(self, number):
        cls = type(self)
        with cls.lock:
            cls.running += 1
            cls.most = max(cls.most, cls.running)
        threading.Event().wait(0.001)
        with cls.lock:
            cls.running -= 1
        if number == self._fails_at:
            raise ValueError(self.name)
        return 1

    def finish(self):
        """Note the end."""
        self.ends.append("finished")

    def abandon(self):
        """Note the end."""
        self.ends.append("abandoned")


@pytest.fixture
def counted():
    """The class of jobs that count, with nothing counted."""
    return type("Fresh", (Counted,), {"running": 0, "most": 0})


def test_each_job_is_finished_once_when_its_pieces_have_ended(counted):
    """Also those without pieces; the progress has all bytes and files."""
    jobs, progress = [counted(pieces=number % 5) for number in range(50)], Progress("test")

    assert run_jobs(jobs, progress, threads=4) is None
    assert [job.ends for job in jobs] == [["finished"]] * 50
    assert (progress.files, progress.size) == (50, sum(number % 5 for number in range(50)))


def test_threads_and_bytes_are_bounded(counted):
    """Whichever limit comes first."""
    run_jobs([counted(pieces=20)], Progress("test"), threads=3)
    assert counted.most <= 3
    counted.most = 0
    run_jobs([counted(pieces=20, weight=10)], Progress("test"), threads=8, memory=25)
    assert counted.most <= 2


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_few_threads_are_never_waited_for_in_vain(counted, monkeypatch, threads):
    """Whoever offers jobs is told of room at once, also where the system gives no more threads."""
    monkeypatch.setattr(pool, "_LOOK", 3600)
    jobs = [counted(pieces=number % 2) for number in range(20)]

    assert run_jobs(jobs, Progress("test"), threads=threads) is None
    assert [job.ends for job in jobs] == [["finished"]] * 20


def test_a_piece_larger_than_the_limit_goes_alone(counted):
    """It would wait for ever otherwise."""
    job = counted(weight=100)

    assert run_jobs([job], Progress("test"), memory=10) is None
    assert (job.ends, counted.most) == (["finished"], 1)


def test_the_first_failure_ends_all_others(counted):
    """No job is asked for any more; begun ones are abandoned once, unless they were complete."""
    asked = []

    def jobs():
        for number in range(1000):
            asked.append(counted(f"job {number}", fails_at=1 if number == 5 else None))
            yield asked[-1]

    failure = run_jobs(jobs(), Progress("test"), threads=4)

    assert (failure.name, str(failure.error)) == ("job 5", "job 5")
    assert len(asked) < 100
    assert asked[5].ends == ["abandoned"]
    assert all(len(job.ends) <= 1 for job in asked)


def test_what_the_caller_is_stopped_by_ends_the_threads(counted):
    """Ctrl-C raises where the jobs come from, or where they are waited for."""

    def jobs():
        yield from [counted() for _ in range(10)]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs(), Progress("test"))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("transfer-")]


def test_threads_that_the_system_refuses_are_done_without(counted, monkeypatch):
    """Where memory or threads are limited, those that could be started do all of the work."""
    start, started = threading.Thread.start, []

    def limited(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    jobs = [counted(pieces=3) for _ in range(40)]

    assert run_jobs(jobs, Progress("test"), threads=8) is None
    assert [job.ends for job in jobs] == [["finished"]] * 40
    assert len(started) == 2
