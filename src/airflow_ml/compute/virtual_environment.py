"""
One virtual environment on disk: built under a lock, valid once its marker file is there, swept if it never got one.

    <root>/<digest>/                    the environment; scripts in it hold this path, so it is built in place
    <root>/<digest>/airflow-ml.json     the marker, written last; its time is that of the last use
    <root>/.locks/<digest>              the lock, held by the builder *and* by the installer that it started

A builder killed in the middle leaves a folder without a marker. Nobody uses such a folder; the next build of any
environment removes it, once the installer that may still write into it has let go of the lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from airflow_ml.compute.interpreters import FoundPython, find_uv
from airflow_ml.compute.request import inherited_environment
from airflow_ml.compute.requirements import Requirements, local_file_of, mask_credentials
from airflow_ml.exceptions import RunEnvironmentException, ServiceException

__all__ = ["BUILDER_VERSION", "MARKER_FILE", "VirtualEnvironment", "digest_of"]

logger = logging.getLogger(__name__)

#: Raise it when the same requirements would be built into something else.
BUILDER_VERSION = 1
MARKER_FILE = "airflow-ml.json"
_LAST_LINES = 15
#: Options that uv takes on its command line only. They hold no credentials; those with a URL go into the file, where
#: other users of the machine cannot read them.
_COMMAND_LINE_OPTIONS = ("--pre", "--trusted-host", "--no-deps", "--no-build-isolation")
#: uv does not read pip's settings; these mean the same to both.
_UV_NAMES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}


class VirtualEnvironment:
    """
    The environment of certain requirements on a certain Python.

    Args:
        root: folder of all environments.
        where: names the environment definition in errors and logs.
    """

    def __init__(
        self,
        root: Path,
        requirements: Requirements,
        base: FoundPython,
        *,
        where: str,
        installer: Literal["uv", "pip"] | None = None,
    ) -> None:
        self._root = root
        self._requirements = requirements
        self._base = base
        self._where = where
        self._uv = None if installer == "pip" else find_uv()
        if installer == "uv" and self._uv is None:
            raise RunEnvironmentException(f"{where}: installer 'uv' was asked for, but uv is not on PATH")
        self.digest = digest_of(_describe(requirements, base))

    @property
    def folder(self) -> Path:
        """Where the environment is."""
        return self._root / self.digest

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def is_built(self) -> bool:
        """Whether it is complete and the Python below it is still on the machine."""
        return (self.folder / MARKER_FILE).exists() and self.python.exists()

    def ensure(self) -> str:
        """
        Build the environment unless it is there, and return what was done, as text for a log.

        Raises:
            RunEnvironmentException: installing failed.
            ServiceException: the folder of environments cannot be written.
        """
        try:
            if not self.is_built:
                with _hold_lock(self._root, self.digest) as lock:
                    if not self.is_built:  # another process may have built it while this one waited
                        return self._build(lock)
            os.utime(self.folder / MARKER_FILE)
        except OSError as exc:
            raise ServiceException(
                f"{self._where}: the folder of environments {str(self._root)!r} cannot be used: {exc}",
                inner_exception=exc,
            ) from exc
        return f"{self._where}: uses {self.folder}, which was there"

    def _build(self, lock: int) -> str:
        _sweep(self._root)
        started = time.monotonic()
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            log = self._run_installer(lock)
        except BaseException:  # an interrupt too: half an environment must not be found later
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._write_marker()
        done = f"{self._where}: built {self.folder} in {time.monotonic() - started:.1f} s"
        logger.info("%s", done)
        return f"{done}\n{log}"

    def _run_installer(self, lock: int) -> str:
        requirements = self.folder / "requirements.txt"
        python = str(self.python)
        in_command = [line for line in self._requirements.pip_options if _is_for_command_line(line)]
        options = [word for line in in_command for word in line.split()]
        if self._uv:
            make = [*self._uv, "venv", "--no-project", "--python", self._base.path, str(self.folder)]
            install = [*self._uv, "pip", "install", "--python", python, *options, "--requirement", str(requirements)]
            if any("extra-index-url" in line for line in self._requirements.pip_options):
                install += ["--index-strategy", "unsafe-best-match"]  # what pip does, and what v1 did therefore
        else:
            make = [self._base.path, "-m", "venv", str(self.folder)]
            install = [python, "-m", "pip", "install", *options, "--requirement", str(requirements)]
        log = self._run(make, lock)
        lines = [line for line in self._requirements.pip_options if not _is_for_command_line(line)]
        with open(os.open(requirements, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
            file.write("\n".join([*lines, *self._requirements.packages]) + "\n")
        try:
            return log + self._run(install, lock)
        finally:
            requirements.unlink(missing_ok=True)  # it may hold credentials

    def _run(self, command: list[str], lock: int) -> str:
        # The installer inherits the lock: if this process is killed, the next builder waits for the installer's end
        # instead of removing the folder under it.
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=(lock,),
            env=_installer_environment(),
            cwd=self._root,
        )
        output = mask_credentials(done.stdout)
        if done.returncode:
            last = "\n".join(output.strip().splitlines()[-_LAST_LINES:])
            packages = mask_credentials(", ".join(self._requirements.packages))
            raise RunEnvironmentException(
                f"{self._where}: installing {packages} with {Path(command[0]).name} on Python {self._base.version}"
                f" failed (exit code {done.returncode}); correct the packages or the index:\n{last}"
            )
        return output

    def _write_marker(self) -> None:
        text = json.dumps(
            {
                "builder": BUILDER_VERSION,
                "python": self._base.version,
                "packages": [mask_credentials(package) for package in self._requirements.packages],
                "pip_options": [mask_credentials(option) for option in self._requirements.pip_options],
                "installer": "uv" if self._uv else "pip",
            },
            indent=1,
        )
        part = self.folder / f"{MARKER_FILE}.part"
        part.write_text(text)
        part.replace(self.folder / MARKER_FILE)


def digest_of(description: Mapping[str, object]) -> str:
    """Return the name of an environment: 32 hexadecimal digits over its canonical description."""
    record = {"record": "environment", **description}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:32]


def _describe(requirements: Requirements, base: FoundPython) -> dict[str, object]:
    texts = [*requirements.packages, *requirements.pip_options]
    return {
        "builder": BUILDER_VERSION,
        "platform": [sys.platform, platform.machine(), *platform.libc_ver()],
        "python": base.version,
        "packages": sorted(requirements.packages),
        "pip_options": hashlib.sha256("\n".join(requirements.pip_options).encode()).hexdigest(),
        "files": {text: digest for text in texts if (digest := _digest_local_file(text))},
    }


def _digest_local_file(text: str) -> str | None:
    path = local_file_of(text)
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _hold_lock(root: Path, digest: str, *, wait: bool = True) -> Iterator[int]:
    """Hold the lock of an environment; raises BlockingIOError if it is taken and must not be waited for."""
    path = root / ".locks" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file.fileno()


def _sweep(root: Path) -> None:
    """Remove environments without a marker that nobody is building."""
    for folder in root.iterdir():
        if folder.name.startswith(".") or not folder.is_dir() or (folder / MARKER_FILE).exists():
            continue
        try:
            with _hold_lock(root, folder.name, wait=False):
                if not (folder / MARKER_FILE).exists():
                    shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # being built, perhaps by this very process
            continue


def _is_for_command_line(option: str) -> bool:
    return option.split()[0].partition("=")[0] in _COMMAND_LINE_OPTIONS


def _installer_environment() -> dict[str, str]:
    environment = inherited_environment()
    environment.pop("PYTHONPATH", None)
    for pip_name, uv_name in _UV_NAMES.items():
        if pip_name in environment:
            environment.setdefault(uv_name, environment[pip_name])
    return environment
