"""One virtual environment on disk: the packages of a definition on a certain Python, built once per machine."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from airflow_ml.compute.built_folders import BUILD_LOG, MARKER_FILE, BuiltFolder, no_waiting
from airflow_ml.compute.installing import Installation
from airflow_ml.compute.interpreters import FoundPython, find_uv
from airflow_ml.compute.masking import mask_credentials
from airflow_ml.compute.package_indexes import installer_environment, pip_settings
from airflow_ml.compute.package_installation import check_outcome, pip_command, uv_command, write_requirements
from airflow_ml.compute.requirements import local_file_of
from airflow_ml.exceptions import RunEnvironmentException

if TYPE_CHECKING:
    from airflow_ml.compute.built_folders import Hold, Waiting
    from airflow_ml.compute.requirements import Requirements
    from airflow_ml.graph.model import Json

__all__ = ["BUILDER_VERSION", "MARKER_FILE", "VirtualEnvironment", "describe_packages", "digest_of"]

logger = logging.getLogger(__name__)

#: Raise it when the same requirements would be built into something else.
BUILDER_VERSION = 1


class VirtualEnvironment:
    """
    The environment of certain requirements on a certain Python.

    Args:
        root: folder of all environments.
        where: names the environment definition in errors and logs.

    Attributes:
        has_built: this object has built it, and did not find it.
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
        self.has_built = False
        # The Python below it may have been removed from the machine.
        self._folder = BuiltFolder(root, self.digest, where=where, is_sound=lambda _folder: self.python.exists())

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self._root / self.digest / "bin" / "python"

    def hold(self, waiting: Waiting = no_waiting) -> tuple[Hold, str]:
        """
        Build the environment unless it is there; return a hold on it, and what was done, as text for a log.

        Raises:
            RunEnvironmentException: installing failed.
            ServiceException: the folder of environments cannot be written.
        """
        text = ""

        def make(folder: Path, lock: int) -> Mapping[str, Json]:
            nonlocal text
            packages = mask_credentials(", ".join(self._requirements.packages))
            waiting.log(f"{self._where}: is built on Python {self._base.version} with {packages}")
            with Installation(self._root, self.digest, lock, installer_environment(self._root), waiting) as run:
                self._install(folder, run)
                text = run.text
            self.has_built = True
            (folder / BUILD_LOG).write_text(text, encoding="utf-8")
            return self._marker()

        hold, done = self._folder.hold(make, waiting)
        if done is None:
            return hold, f"{self._where}: uses {self._folder.path}, which was there"
        logger.info("%s", done)
        waiting.log(done)
        return hold, f"{done}\n{text}"

    def _install(self, folder: Path, run: Installation) -> None:
        file = write_requirements(run.folder, self._requirements)
        python = str(self.python)
        settings = pip_settings(run.environment)
        if self._uv:
            make = [*self._uv, "venv", "--no-project", "--python", self._base.path, str(folder)]
            install = uv_command(self._uv, self._requirements, file, settings, "--python", python)
        else:
            make = [self._base.path, "-m", "venv", str(folder)]
            install = pip_command(python, self._requirements, file)
        for command in (make, install):
            check_outcome(run.run(command), run, self._requirements, where=self._where)

    def _marker(self) -> dict[str, Json]:
        return {
            "kind": "virtual environment",
            "builder": BUILDER_VERSION,
            "python": self._base.version,
            "packages": [mask_credentials(package) for package in self._requirements.packages],
            "pip_options": [mask_credentials(option) for option in self._requirements.pip_options],
            "installer": "uv" if self._uv else "pip",
        }


def digest_of(description: Mapping[str, object]) -> str:
    """Return the name of an environment: 32 hexadecimal digits over its canonical description."""
    record = {"record": "environment", **description}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:32]


def describe_packages(requirements: Requirements) -> dict[str, object]:
    """Return what of requirements makes one environment differ from another."""
    texts = [*requirements.packages, *requirements.pip_options]
    return {
        "packages": sorted(requirements.packages),
        "pip_options": hashlib.sha256("\n".join(requirements.pip_options).encode()).hexdigest(),
        "files": {text: digest for text in texts if (digest := _digest_local_file(text))},
    }


def _describe(requirements: Requirements, base: FoundPython) -> dict[str, object]:
    return {
        "builder": BUILDER_VERSION,
        "platform": [sys.platform, platform.machine(), *_libc()],
        "python": base.version,
        **describe_packages(requirements),
    }


@cache
def _libc() -> tuple[str, str]:
    return platform.libc_ver()


def _digest_local_file(text: str) -> str | None:
    path = local_file_of(text)
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
