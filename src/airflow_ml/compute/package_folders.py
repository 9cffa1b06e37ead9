"""
Packages for containers: a folder that is mounted read-only, made once per machine for a Python and a platform.

uv installs it from the worker, for the image's Python and platform, from wheels alone; so nothing of the worker's
configuration comes near the image. Where there is no wheel, the image's own pip installs in a container. Images with
the same Python and C library share a folder.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.built_folders import BUILD_LOG, BuiltFolder, Hold, Waiting
from airflow_ml.compute.image_installation import install_in_image
from airflow_ml.compute.installing import Installation
from airflow_ml.compute.interpreters import find_uv
from airflow_ml.compute.masking import mask_credentials
from airflow_ml.compute.package_indexes import installer_environment, pip_settings
from airflow_ml.compute.package_installation import check_outcome, may_pass, uv_command, write_requirements
from airflow_ml.compute.virtual_environment import BUILDER_VERSION, describe_packages, digest_of

if TYPE_CHECKING:
    from airflow_ml.compute.image_facts import ImagePython
    from airflow_ml.compute.image_programs import ImagePrograms
    from airflow_ml.compute.requirements import Requirements
    from airflow_ml.graph.model import Json

__all__ = ["PackageFolder"]

logger = logging.getLogger(__name__)


@dataclass
class PackageFolder:
    """
    The packages of certain requirements for the Python of an image.

    Args:
        root: the folder of environments.
        image: id of the image.
        where: names the environment in errors and logs.

    Attributes:
        has_built: this object has built it, and did not find it.
    """

    root: Path
    requirements: Requirements
    image: str
    python: ImagePython
    programs: ImagePrograms
    where: str
    has_built: bool = False

    @property
    def digest(self) -> str:
        """Its name."""
        return digest_of(
            {
                "builder": BUILDER_VERSION,
                "packages for": [self.python.minor, self.python.platform],
                **describe_packages(self.requirements),
            }
        )

    @property
    def path(self) -> Path:
        """Where it is; containers see it at the same path."""
        return self.root / self.digest

    def hold(self, waiting: Waiting) -> tuple[Hold, str]:
        """
        Make the folder unless it is there; return a hold on it and what was done.

        Raises:
            RunEnvironmentException: installing failed.
            ServiceException: engine, index or disk failed; trying again can help.
        """
        text = ""

        def make(folder: Path, lock: int) -> Mapping[str, Json]:
            nonlocal text
            packages = mask_credentials(", ".join(self.requirements.packages))
            waiting.log(f"{self.where}: installs {packages} for Python {self.python.minor} on {self.python.platform}")
            with Installation(self.root, self.digest, lock, installer_environment(self.root), waiting) as run:
                self._install(folder, run)
                text = run.text
            self._finish(folder)
            (folder / BUILD_LOG).write_text(text, encoding="utf-8")
            self.has_built = True
            return self._marker()

        hold, done = BuiltFolder(self.root, self.digest, where=self.where).hold(make, waiting)
        if done is None:
            return hold, f"{self.where}: uses {self.path}, which was there"
        logger.info("%s", done)
        waiting.log(done)
        return hold, f"{done}\n{text}"

    def _install(self, folder: Path, run: Installation) -> None:
        file = write_requirements(run.folder, self.requirements)
        uv = find_uv()
        if uv is not None:
            target = ["--target", str(folder), "--python-version", self.python.version]
            platform = ["--python-platform", self.python.platform, "--only-binary", ":all:"]
            command = uv_command(uv, self.requirements, file, pip_settings(run.environment), *target, *platform)
            outcome = run.run(command)
            if outcome.succeeded or may_pass(run.text):
                check_outcome(outcome, run, self.requirements, where=self.where)
                return
            run.add("there are no wheels for all of it, or uv failed: the image's own pip installs now")
        install_in_image(self, folder, file, run)

    def _finish(self, folder: Path) -> None:
        """Point programs at the image's Python, and compile what containers, which cannot write, would compile anew."""
        folder.mkdir(exist_ok=True)
        for program in (folder / "bin").iterdir() if (folder / "bin").is_dir() else ():
            _point(program, self.python.path)
        self.programs.run(
            self.image,
            [self.python.path, "-m", "compileall", "-q", "-j", "0", str(folder)],
            "compile",
            writable=[folder],
        )

    def _marker(self) -> dict[str, Json]:
        return {
            "kind": "packages",
            "builder": BUILDER_VERSION,
            "python": self.python.minor,
            "platform": self.python.platform,
            "packages": [mask_credentials(package) for package in self.requirements.packages],
            "pip_options": [mask_credentials(option) for option in self.requirements.pip_options],
        }


def _point(program: Path, python: str) -> None:
    """Write the image's interpreter into the first line of a script that uv wrote for its own."""
    data = program.read_bytes() if program.is_file() and not program.is_symlink() else b""
    line, newline, rest = data.partition(b"\n")
    if line.startswith(b"#!") and b"python" in line:
        part = program.with_name(f"{program.name}.part")
        part.write_bytes(b"#!" + os.fsencode(python) + newline + rest)
        part.chmod(0o755)
        part.replace(program)
