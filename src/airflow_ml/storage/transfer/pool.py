"""
The threads that files travel on: a bounded number, over whole files and parts of files alike.

Two limits hold at once: of threads, and of the bytes that all of them have in memory. Parts of files that were begun go
before files that were not, so few are under way. The first failure, or Ctrl-C, ends the rest: nothing new is begun,
and what a thread is in the middle of ends by itself without being waited for long.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias

from airflow_ml.storage.transfer.progress import Progress

__all__ = ["MEMORY", "THREADS", "Failure", "Job", "Piece", "run_jobs"]

#: Measured against Azurite: small files gain up to 16, large ones have as many parts on their way as memory allows.
THREADS = 16

#: Bytes of files that are held at once.
MEMORY = 64 << 20

#: How long a pool that has to end waits for its threads, in seconds; they change nothing that is seen afterwards.
_GRACE = 2.0

#: How often progress is told, in seconds.
_LOOK = 0.25

#: Of a job: does some of its work, and returns how many bytes of the file have arrived by that.
Piece: TypeAlias = "Callable[[], int]"


class Job(Protocol):
    """One file on its way. Methods are called by any thread, one after the other, pieces side by side."""

    @property
    def name(self) -> str:
        """What the file is called in errors."""
        ...

    @property
    def weight(self) -> int:
        """Bytes that `start` holds in memory."""
        ...

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Begin, and return how many bytes have arrived, and the pieces that are left with the bytes they hold."""
        ...

    def finish(self) -> None:
        """Complete the file; called once, when all pieces have ended."""
        ...

    def abandon(self) -> None:
        """Let go of what is open; called instead of `finish`, when nothing of this job runs any more."""
        ...


@dataclass(frozen=True)
class Failure:
    """A file that did not arrive, and why."""

    name: str
    error: BaseException


class _Begun:
    """A job that was begun, with the number of its pieces that have not ended."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.left = 1
        self.running = 0


@dataclass(frozen=True)
class _Task:
    """What a thread does next, for which file, and how many bytes that holds."""

    begun: _Begun
    weight: int
    piece: Piece | None = None


def run_jobs(
    jobs: Iterable[Job], progress: Progress, *, threads: int = THREADS, memory: int = MEMORY
) -> Failure | None:
    """
    Do all jobs, begun in their order, and return the first failure; files that were begun before it may be complete.

    Args:
        jobs: asked for one by one, while others are under way.
        progress: told of every piece.
        threads: at most.
        memory: bytes of files that are held at once; a single piece may hold more.
    """
    run = _Run(progress, threads, memory)
    try:
        for job in jobs:
            if not run.offer(job):
                break
        run.wait()
    finally:
        run.end()
    return run.failure


class _Run:
    """The state of one call, guarded by one lock."""

    def __init__(self, progress: Progress, threads: int, memory: int) -> None:
        self.failure: Failure | None = None
        self._progress = progress
        self._most_threads, self._memory = threads, memory
        self._lock = threading.Lock()
        self._has_tasks = threading.Condition(self._lock)
        # Whoever offers jobs waits here for room, or for the end. Ctrl-C in a wait for a condition may leave its lock
        # free where it must be held; a queue has no such moment.
        self._signals: SimpleQueue[None] = SimpleQueue()
        self._is_watched = False
        self._waiting: deque[_Task] = deque()
        self._begun: set[_Begun] = set()
        self._threads: list[threading.Thread] = []
        self._held = self._running = self._idle = 0
        self._is_ending = False

    def offer(self, job: Job) -> bool:
        """Hand a job over when there is room; False if it is of no use any more."""
        while True:
            with self._lock:
                if self._is_ending:
                    return False
                if len(self._waiting) < self._most_threads:
                    self._waiting.append(_Task(_Begun(job), job.weight))
                    if self._fitting() == len(self._waiting):
                        self._call(1)
                    return True
                self._is_watched = True
            self._pause()

    def wait(self) -> None:
        """Return when all that was handed over has ended, or something has failed."""
        while True:
            with self._lock:
                if self._is_ending or not (self._waiting or self._running):
                    return
                self._is_watched = True
            self._pause()

    def _pause(self) -> None:
        with suppress(Empty):
            self._signals.get(timeout=_LOOK)
        self._progress.tell()

    def end(self) -> None:
        """Begin nothing new, and wait a moment for the threads."""
        with self._lock:
            self._is_ending = True
            self._waiting.clear()
            left = [begun for begun in self._begun if begun.running == 0]
            self._begun.difference_update(left)
            self._has_tasks.notify_all()
        for begun in left:
            begun.job.abandon()
        until = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _fitting(self) -> int:
        """Return how many of the next tasks there is memory for."""
        held, count = self._held, 0
        for task in self._waiting:
            if count == self._most_threads or (held and held + task.weight > self._memory):
                break
            held, count = held + task.weight, count + 1
        return count

    def _call(self, count: int) -> None:
        """Wake threads, or start more; never without need: each keeps memory of the largest part that it had."""
        for number in range(count):
            if number < self._idle:
                self._has_tasks.notify()
            elif len(self._threads) < self._most_threads:
                # A daemon: a request that never ends must not keep the process from ending.
                thread = threading.Thread(target=self._work, name=f"transfer-{len(self._threads)}", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # No room for another stack, where the system limits memory or threads: those that are there do.
                    if not self._threads:
                        raise
                    self._most_threads = len(self._threads)
                    return
                self._threads.append(thread)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            arrived, error = 0, None
            pieces: Sequence[tuple[int, Piece]] = ()
            try:
                arrived, pieces = self._do(task)
            except BaseException as exc:  # noqa: BLE001 - whatever it is, the caller's thread raises it
                error = exc
            self._leave(task, arrived, pieces, error)

    def _do(self, task: _Task) -> tuple[int, Sequence[tuple[int, Piece]]]:
        if task.piece is not None:
            return task.piece(), ()
        arrived, pieces = task.begun.job.start()
        if not pieces:
            task.begun.job.finish()
        return arrived, pieces

    def _next(self) -> _Task | None:
        """Return the next task that there is memory for; None when this thread is not needed any more."""
        with self._lock:
            while not self._is_ending:
                if self._waiting and (not self._held or self._held + self._waiting[0].weight <= self._memory):
                    task = self._waiting.popleft()
                    self._held += task.weight
                    self._running += 1
                    task.begun.running += 1
                    self._begun.add(task.begun)
                    return task
                self._idle += 1
                self._has_tasks.wait()
                self._idle -= 1
            return None

    def _leave(
        self, task: _Task, arrived: int, pieces: Sequence[tuple[int, Piece]], error: BaseException | None
    ) -> None:
        """Note what a task has come to; the one that ends a file's last piece finishes the file."""
        begun, is_first = task.begun, task.piece is None
        with self._lock:
            self._held -= task.weight
            begun.left += len(pieces) - 1
            is_last = error is None and begun.left == 0 and not is_first and not self._is_ending
            if not is_last:
                begun.running -= 1
                self._running -= 1
            if error is None and not self._is_ending:
                self._waiting.extendleft(_Task(begun, weight, piece) for weight, piece in reversed(pieces))
            self._note(begun, arrived, error, is_complete=is_first and not pieces)
            self._wake(len(pieces), is_free=not is_last)
        if is_last:
            self._finish(begun)
        elif self._is_left(begun):
            begun.job.abandon()

    def _finish(self, begun: _Begun) -> None:
        error: BaseException | None = None
        try:
            begun.job.finish()
        except BaseException as exc:  # noqa: BLE001 - whatever it is, the caller's thread raises it
            error = exc
        with self._lock:
            begun.running -= 1
            self._running -= 1
            self._note(begun, 0, error, is_complete=True)
            self._wake(0, is_free=True)
        if self._is_left(begun):
            begun.job.abandon()

    def _wake(self, added: int, *, is_free: bool) -> None:
        """Wake those for whom what has changed matters; a thread that is free takes the next task itself."""
        others = self._fitting() - int(is_free)
        if added:
            self._call(min(others, added))
        elif others > 0 and self._idle:
            self._has_tasks.notify()
        has_room = len(self._waiting) < max(1, self._most_threads // 2)
        if self._is_watched and (has_room or self._is_ending):
            self._is_watched = False
            self._signals.put(None)

    def _note(self, begun: _Begun, arrived: int, error: BaseException | None, *, is_complete: bool) -> None:
        if error is not None:
            self.failure = self.failure or Failure(begun.job.name, error)
            self._is_ending = True
        elif is_complete:
            self._begun.discard(begun)
        self._progress.add(arrived, files=int(is_complete and error is None))

    def _is_left(self, begun: _Begun) -> bool:
        """Tell whether the pool ends while a job is half done and nothing of it runs; true once for each job."""
        with self._lock:
            if self._is_ending and begun in self._begun and begun.running == 0:
                self._begun.discard(begun)
                return True
        return False
