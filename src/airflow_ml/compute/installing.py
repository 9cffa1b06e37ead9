"""
Running an installer: to its end or until nobody wants it any more, with its words kept and its credentials masked.

It runs under a keeper like a step's script: when the process that builds dies, however it dies, the installer and all
that it started end, and only then is the lock free that it inherited.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.masking import Masking
from airflow_ml.compute.orphans import kill_orphans
from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.compute.request import ProcessRequest

if TYPE_CHECKING:
    from airflow_ml.compute.built_folders import Waiting
    from airflow_ml.compute.request import Outcome

__all__ = ["Installation"]

#: Seconds between two looks at what the installer wrote, and at whether it is still wanted.
_LOOK_SECONDS = 0.1


@dataclass
class Installation:
    """
    The installers of one build, one after the other.

    Args:
        root: the folder of everything that is built.
        name: what is built; unique in the folder.
        lock: descriptor that the installers inherit.
        environment: what they see; values that are secrets in there are masked in all that is kept.

    Attributes:
        text: what all of them wrote, masked.
    """

    root: Path
    name: str
    lock: int
    environment: Mapping[str, str] = field(repr=False)
    waiting: Waiting
    text: str = ""

    def __post_init__(self) -> None:
        self._masking = Masking.of_environment(self.environment)
        self._marker = f"build-{hashlib.sha256(str(self.root).encode()).hexdigest()[:12]}-{self.name}"
        kill_orphans(self._marker)
        self.folder = self.root / ".building" / self.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *_exception: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)  # it may hold credentials

    def run(self, command: Sequence[str], *, cwd: Path | None = None) -> Outcome:
        """
        Run a program to its end and return how that was.

        Raises:
            RunEnvironmentException: the program cannot be started.
            ServiceException: the machine could not start it, or its keeper was lost.
        """
        raw = self.folder / "output.txt"
        raw.touch(mode=0o600)
        request = ProcessRequest(
            argv=tuple(command),
            cwd=cwd or self.root,
            environment=self.environment,
            log_path=raw,
            attempt_directory=self.folder,
            marker=self._marker,
            held=(self.lock,),
        )
        with raw.open("rb") as output, ProcessLauncher().launch(request) as running:
            reader = _Lines(output.fileno())
            while (outcome := running.wait(_LOOK_SECONDS)) is None:
                self._keep(reader.read())
                self.waiting.check()
            self._keep(reader.read(is_end=True))
        raw.unlink()
        return outcome

    def add(self, text: str) -> None:
        """Keep a text of our own among the installers'."""
        self._keep(f"{text}\n")

    def _keep(self, text: str) -> None:
        masked = self._masking.mask(text)
        self.text += masked
        self.waiting.keep(masked)


class _Lines:
    """Reads what was added to a file, in whole lines: half of a credential could not be told."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def read(self, *, is_end: bool = False) -> str:
        while data := os.read(self._descriptor, 1 << 16):
            self._rest += self._decoder.decode(data)
        whole, newline, rest = self._rest.rpartition("\n")
        if is_end:
            whole, newline, rest = self._rest, "", ""
        self._rest = rest
        return whole + newline
