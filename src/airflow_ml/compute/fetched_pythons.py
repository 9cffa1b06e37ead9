"""Interpreters that uv fetches for environments whose Python the machine does not have."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.built_folders import BuiltFolder, Waiting
from airflow_ml.compute.installing import Installation
from airflow_ml.compute.interpreters import find_fetched, find_uv
from airflow_ml.compute.package_indexes import installer_environment
from airflow_ml.exceptions import RunEnvironmentException

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json

__all__ = ["FetchedPythons"]

#: uv's own words for not doing so.
_REFUSALS = ("never", "manual", "false", "0")


@dataclass(frozen=True)
class FetchedPythons:
    """
    Fetches interpreters, each once per machine.

    Args:
        root: the folder of environments.
        where: names the environment in logs.
    """

    root: Path
    where: str
    waiting: Waiting

    def fetch(self, minor: str) -> str | None:
        """Return an interpreter of a version such as `3.12`; None if it cannot be fetched or must not be."""
        uv = find_uv()
        if uv is None or os.environ.get("UV_PYTHON_DOWNLOADS", "").lower() in _REFUSALS:
            return None
        environment = installer_environment(self.root)
        # Somebody waits for it, who can do something else about it.
        environment.setdefault("UV_HTTP_RETRIES", "1")
        folder = Path(environment["UV_PYTHON_INSTALL_DIR"])

        def make(_folder: Path, lock: int) -> Mapping[str, Json]:
            self.waiting.log(f"{self.where}: Python {minor} is not on this machine; uv fetches it")
            with Installation(self.root, f"python-{minor}", lock, environment, self.waiting) as run:
                outcome = run.run([*uv, "python", "install", "--no-bin", minor])
                if not outcome.succeeded or find_fetched(folder, minor) is None:
                    raise RunEnvironmentException(f"{self.where}: Python {minor} could not be fetched: {run.text}")
            _folder.mkdir(exist_ok=True)
            return {"kind": "interpreter", "python": minor}

        built = BuiltFolder(
            self.root, f"python-{minor}", where=self.where, is_sound=lambda _folder: bool(find_fetched(folder, minor))
        )
        try:
            hold, _ = built.hold(make, self.waiting)
        except RunEnvironmentException as error:
            self.waiting.log(str(error))
            return None
        hold.close()
        return find_fetched(folder, minor)
