"""
Folders that are built once per machine, however many ask, and removed only while nobody uses them.

    <root>/<digest>/                    what was built; files in it may hold this path, so it is built in place
    <root>/<digest>/airflow-ml.json     the marker, written last; its time is that of the last use
    <root>/<digest>/airflow-ml-build.txt    what the installers wrote
    <root>/.locks/<digest>              held exclusively by who builds, and by the installer that it started
    <root>/.locks/<digest>.use          held shared by every step that runs from the folder, exclusively by who removes

A builder killed in the middle leaves a folder without a marker. Nobody uses such a folder; the next build of anything
removes it. Lock files stay: one that was removed would be two locks for those that had opened it before.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import RunEnvironmentException, ServiceException

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json

__all__ = [
    "BUILD_LOG",
    "MARKER_FILE",
    "BuiltFolder",
    "Hold",
    "Waiting",
    "is_in_use",
    "lock_file",
    "no_waiting",
    "remove_unused",
    "size_of",
    "sweep",
]

MARKER_FILE = "airflow-ml.json"
#: What the installers wrote, credentials masked; beside the marker.
BUILD_LOG = "airflow-ml-build.txt"
#: Seconds between two looks at what another process builds.
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Waiting:
    """
    What the one who needs something built wants to know, and to say, while it is built.

    Attributes:
        log: receives a sentence now and then.
        check: called several times a second; what it raises ends the waiting, and the build.
        log_file: gets what the installers write, credentials masked, while they write it.
    """

    log: Callable[[str], object] = lambda _line: None
    check: Callable[[], object] = lambda: None
    log_file: Path | None = None

    def keep(self, text: str) -> None:
        """Add text to the log file."""
        if text and self.log_file is not None:
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            with self.log_file.open("a", encoding="utf-8") as file:
                file.write(text)


#: Nobody listens, nobody interrupts.
no_waiting = Waiting()


class Hold:
    """
    A lock that keeps a folder from being removed; processes that inherit the descriptor hold it as well.

    Let go of by `close`, or when nobody has it any more.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def fileno(self) -> int:
        """Return the descriptor, for processes that shall hold it too."""
        if self._descriptor is None:
            raise ServiceException("a lock on an environment was let go of before it was used; try again")
        return self._descriptor

    def close(self) -> None:
        """Let go; twice is fine."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.close()


class BuiltFolder:
    """
    One folder, named by the digest of what it shall hold.

    Args:
        root: where all of them are.
        where: names what is built in logs and errors.
        is_sound: whether a complete folder can still be used.
    """

    def __init__(
        self, root: Path, digest: str, *, where: str, is_sound: Callable[[Path], bool] = lambda _folder: True
    ) -> None:
        self.digest = digest
        self.path = root / digest
        self._root = root
        self._where = where
        self._is_sound = is_sound

    @property
    def is_built(self) -> bool:
        """Whether it is complete and can be used."""
        return (self.path / MARKER_FILE).exists() and self._is_sound(self.path)

    def hold(
        self, make: Callable[[Path, int], Mapping[str, Json]], waiting: Waiting = no_waiting
    ) -> tuple[Hold, str | None]:
        """
        Return a hold on the folder, and what was done to have it, which is None where it was there.

        Args:
            make: fills the folder and returns what the marker says of it; it gets the folder, and the descriptor of
                the lock that its installers must inherit. Called in one process at a time.

        Raises:
            RunEnvironmentException: what `make` raises; also if another process has just failed to build the same.
            ServiceException: the folder above cannot be written.
        """
        done: str | None = None
        try:
            while True:
                use = self._hold_use(waiting)
                if self.is_built:
                    os.utime(self.path / MARKER_FILE)
                    return use, done
                use.close()
                done = self._build(make, waiting)
        except OSError as exc:
            raise ServiceException(
                f"{self._where}: the folder of environments {str(self._root)!r} cannot be used: {exc}",
                inner_exception=exc,
            ) from exc

    def _hold_use(self, waiting: Waiting) -> Hold:
        """Hold it for use; waits only while it is being removed."""
        descriptor = os.open(lock_file(self._root, f"{self.digest}.use"), os.O_RDWR | os.O_CREAT, 0o666)
        hold = Hold(descriptor)
        while not _try_lock(descriptor, fcntl.LOCK_SH):
            waiting.check()
            time.sleep(_LOOK_SECONDS)
        return hold

    def _build(self, make: Callable[[Path, int], Mapping[str, Json]], waiting: Waiting) -> str:
        """Build it, or wait for the one who does, and say which."""
        started, clock = time.monotonic(), time.time()
        with _locked(lock_file(self._root, self.digest), waiting, until=lambda: self.is_built) as lock:
            if lock is None or self.is_built:
                self._show_log(waiting)
                waited = time.monotonic() - started
                return f"{self._where}: uses {self.path}; waited {waited:.1f} s for another task to build it"
            self._refuse_failed_since(clock)
            sweep(self._root)
            shutil.rmtree(self.path, ignore_errors=True)
            try:
                said = make(self.path, lock)
                self._write_marker(said)
            except BaseException as error:  # an interrupt too: half a folder must not lie about
                shutil.rmtree(self.path, ignore_errors=True)
                if isinstance(error, RunEnvironmentException):
                    self._failure.write_text(json.dumps({"at": time.time(), "error": str(error.message)}))
                raise
            self._failure.unlink(missing_ok=True)
        return f"{self._where}: built {self.path} in {time.monotonic() - started:.1f} s"

    @property
    def _failure(self) -> Path:
        return lock_file(self._root, f"{self.digest}.failed")

    def _refuse_failed_since(self, clock: float) -> None:
        """Take the failure of a build that this process waited for: ten tasks need not fail one after the other."""
        try:
            failure = json.loads(self._failure.read_bytes())
        except (FileNotFoundError, ValueError):
            return
        if failure["at"] > clock:
            raise RunEnvironmentException(str(failure["error"]))

    def _show_log(self, waiting: Waiting) -> None:
        with suppress(FileNotFoundError):
            waiting.keep((self.path / BUILD_LOG).read_text(encoding="utf-8"))

    def _write_marker(self, said: Mapping[str, Json]) -> None:
        text = json.dumps({**said, "bytes": size_of(self.path), "built": time.time()}, indent=1)
        part = self.path / f"{MARKER_FILE}.part"
        part.write_text(text)
        part.replace(self.path / MARKER_FILE)


def lock_file(root: Path, name: str) -> Path:
    """Return the file of a lock; its folder is made."""
    folder = root / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def size_of(folder: Path) -> int:
    """Return how many bytes the files below a folder take on disk, each counted once however many names it has."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                facts = os.lstat(os.path.join(above, name))  # noqa: PTH118 - tens of thousands of files
                if (facts.st_dev, facts.st_ino) not in seen:
                    seen.add((facts.st_dev, facts.st_ino))
                    total += facts.st_blocks * 512
    return total


def remove_unused(root: Path, digest: str, *, unless: Callable[[Path], bool] = lambda _folder: False) -> bool:
    """
    Remove a folder that nobody uses or builds, and return whether it was removed.

    Args:
        unless: asked once nobody can begin to use it any more; True leaves it where it is.
    """
    folder = root / digest
    with _locked_now(root, digest) as is_ours:
        if not is_ours or unless(folder):
            return False
        # First the marker: what is left of a removal that was interrupted must not look complete.
        (folder / MARKER_FILE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    return True


def is_in_use(root: Path, digest: str) -> bool:
    """Whether a step runs from a folder at this moment, or it is being built."""
    with _locked_now(root, digest) as is_free:
        return not is_free


def sweep(root: Path) -> None:
    """Remove folders without a marker that nobody is building."""
    for folder in root.iterdir():
        if not folder.name.startswith(".") and folder.is_dir() and not (folder / MARKER_FILE).exists():
            remove_unused(root, folder.name, unless=lambda found: (found / MARKER_FILE).exists())


@contextmanager
def _locked(path: Path, waiting: Waiting, *, until: Callable[[], bool]) -> Iterator[int | None]:
    """Give the descriptor of an exclusive lock, or None once there is nothing left to wait for."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        is_told = False
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if until():
                yield None
                return
            if not is_told:
                is_told = True
                waiting.log(f"waits for another task that builds the same: {path.name}")
            waiting.check()
            time.sleep(_LOOK_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _locked_now(root: Path, digest: str) -> Iterator[bool]:
    """Hold both locks of a folder exclusively, if they can be had at once."""
    descriptors: list[int] = []
    try:
        for name in (digest, f"{digest}.use"):
            descriptors.append(os.open(lock_file(root, name), os.O_RDWR | os.O_CREAT, 0o666))
            if not _try_lock(descriptors[-1], fcntl.LOCK_EX):
                yield False
                return
        yield True
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _try_lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
