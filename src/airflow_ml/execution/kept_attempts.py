"""
What the next try of a task needs of an attempt whose container outlives its operator.

It lies in a folder beside the run directory, which the script can write: how the attempt was prepared, how many of its
events are recorded, and whether its script has asked its operator for anything. A kernel lock in it says whether the
operator is alive.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import ServiceException

if TYPE_CHECKING:
    from airflow_ml.compute.container import Container
    from airflow_ml.runtime.channel_server import Handler

__all__ = ["KEPT_SUFFIX", "KeptAttempt", "KeptFacts"]

#: Behind the name of the run directory.
KEPT_SUFFIX = ".kept"
#: Seconds for an operator that was replaced, or is committing in this moment, to come to its end.
_LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class KeptFacts:
    """
    How an attempt was prepared.

    Attributes:
        outputs: where the script writes each declared output.
        states: which files were staged as inputs, by the input's name.
        outside: places outside of the run directory that belong to the attempt.
        image: of the container.
        memory: its limit in bytes, or None.
        processes: its limit.
        devices: ids of those that it has.
        is_resumable: nothing of it dies with its operator.
    """

    outputs: Mapping[str, str]
    states: Mapping[str, str]
    outside: Sequence[str]
    image: str
    memory: int | None
    processes: int
    devices: Sequence[str]
    is_resumable: bool

    @classmethod
    def of_container(cls, container: Container, **facts: object) -> KeptFacts:
        """Return the facts of an attempt in this container."""
        limits = container.limits
        return cls(image=container.image, memory=limits.memory, processes=limits.processes, **facts)  # type: ignore[arg-type]


class KeptAttempt:
    """
    The folder of one attempt.

    Args:
        run_directory: of the attempt; the folder lies beside it.
    """

    def __init__(self, run_directory: Path) -> None:
        self._folder = run_directory.with_name(run_directory.name + KEPT_SUFFIX)
        self._lock: int | None = None
        self._is_ours = True

    @property
    def is_ours(self) -> bool:
        """Whether no other process has taken the attempt over."""
        return self._is_ours

    @property
    def exists(self) -> bool:
        """Whether the attempt is kept."""
        return self._folder.is_dir()

    def begin(self, facts: KeptFacts) -> None:
        """Keep an attempt that is about to be launched; its operator is this process."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._take_lock(seconds=0)
        self._write("facts.json", json.dumps(facts.__dict__))

    def claim(self) -> bool:
        """
        Become the operator of the attempt; whoever was it has to let go first. False if it is gone by then.

        Raises:
            ServiceException: the other one does not let go.
        """
        if not self.exists:
            return False
        self._take_lock(seconds=_LOCK_SECONDS)
        if self.exists:
            return True
        self.release()
        return False

    def facts(self) -> KeptFacts | None:
        """Return how the attempt was prepared; None if it died before that was known."""
        try:
            return KeptFacts(**json.loads((self._folder / "facts.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def events(self) -> int:
        """How many bytes of the script's events are recorded."""
        try:
            return int((self._folder / "events").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def note_events(self, offset: int) -> None:
        """Note that the script's events are recorded up to here."""
        self._write("events", str(offset))

    @property
    def has_answered(self) -> bool:
        """Whether the script has asked an earlier operator for something."""
        return (self._folder / "answered").exists()

    def noting(self, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
        """Return the handlers of the script's requests; each call of one is noted before it is answered."""
        return {name: self._noted(handler) for name, handler in handlers.items()}

    def _noted(self, handler: Handler) -> Handler:
        def answer(params: Mapping[str, Any]) -> Any:
            (self._folder / "answered").touch()
            return handler(params)

        return answer

    def give_over(self) -> None:
        """Leave the attempt to another process: it is not this one's to forget."""
        self._is_ours = False

    def release(self) -> None:
        """Be the operator no longer."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def remove(self) -> None:
        """Forget the attempt: nobody has to know anything of it any more."""
        if self._is_ours:
            shutil.rmtree(self._folder, ignore_errors=True)
        self.release()

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        part = path.with_name(f"{name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)

    def _take_lock(self, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        try:
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                os.close(lock)
                raise ServiceException(
                    f"attempt {self._folder.stem!r}: the process that was its operator is alive and does not let go;"
                    " end it, or wait until it is done"
                ) from None
            self._lock = lock
            return
