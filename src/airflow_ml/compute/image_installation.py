"""
Installing in a container of the image, by its own pip: for packages that have no wheel and must be built.

What pip must know of private indexes is handed in as files that the container alone sees for as long as it runs: an
image or a container's settings, which `docker inspect` and `docker history` show, hold none of it.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from airflow_ml.compute.package_indexes import pip_settings
from airflow_ml.compute.package_installation import may_pass, pip_command
from airflow_ml.exceptions import RunEnvironmentException, ServiceException

if TYPE_CHECKING:
    from airflow_ml.compute.installing import Installation
    from airflow_ml.compute.package_folders import PackageFolder

__all__ = ["install_in_image"]

_LAST_LINES = 15
#: Settings of pip that name files of the worker.
_FILES = ("cert", "client-cert")
#: Settings that mean something else in there.
_NOT_THERE = frozenset({"config-file", "cache-dir", "target", "user", "log", "keyring-provider", "python"})


def install_in_image(packages: PackageFolder, folder: Path, requirements: Path, run: Installation) -> None:
    """
    Install the requirements into a folder that containers of the image see at the same path.

    Raises:
        RunEnvironmentException: pip failed, or the image has none.
        ServiceException: the engine or the index does not answer, or the disk is full; trying again can help.
    """
    folder.mkdir(exist_ok=True)
    shutil.rmtree(run.folder / "home", ignore_errors=True)
    home = run.folder / "home"
    home.mkdir(mode=0o700)
    places = _write_settings(home, run)
    variables = {"HOME": str(home), "PIP_CONFIG_FILE": str(home / "pip.conf"), "PIP_NO_CACHE_DIR": "1"}
    if (home / "cert").exists():
        variables["SSL_CERT_FILE"] = str(home / "cert")
    command = pip_command(
        packages.python.path,
        packages.requirements,
        requirements,
        "--no-input",
        "--disable-pip-version-check",
        "--target",
        str(folder),
    )
    named = _local_places([*packages.requirements.packages, *packages.requirements.pip_options])
    ended = packages.programs.run(
        packages.image,
        command,
        "install",
        writable=[folder, run.folder],
        readable=[*places, *named],
        variables=variables,
        network="bridge",
    )
    run.add(ended.output)
    if ended.exit_code:
        last = "\n".join(run.text.strip().splitlines()[-_LAST_LINES:])
        names = ", ".join(packages.requirements.packages)
        text = (
            f"{packages.where}: installing {names} for Python {packages.python.version} of image"
            f" {packages.image[:19]} failed (exit code {ended.exit_code}); correct the packages or the index:\n{last}"
        )
        raise ServiceException(text) if may_pass(run.text) else RunEnvironmentException(text)


def _write_settings(home: Path, run: Installation) -> list[Path]:
    """Write pip's settings and credentials for the container; return the places of this machine that they name."""
    settings = {name: value for name, value in pip_settings(run.environment).items() if name not in _NOT_THERE}
    for name in _FILES:
        if settings.get(name) and Path(settings[name]).is_file():
            shutil.copyfile(settings[name], home / name)
            settings[name] = str(home / name)
    for number, place in enumerate(settings.get("constraint", "").split()):
        if Path(place).is_file():
            shutil.copyfile(place, home / f"constraint-{number}.txt")
            settings["constraint"] = settings["constraint"].replace(place, str(home / f"constraint-{number}.txt"))
    values = {name: "\n ".join(value.split()) for name, value in settings.items()}
    _write(home / "pip.conf", "[global]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))
    netrc = Path(run.environment.get("NETRC") or Path(run.environment.get("HOME") or Path.home()) / ".netrc")
    if netrc.is_file():
        _write(home / ".netrc", netrc.read_text(encoding="utf-8"))
    words = [word for name in ("find-links", "index-url", "extra-index-url") for word in values.get(name, "").split()]
    return _local_places(words)


def _local_places(lines: list[str]) -> list[Path]:
    """Return folders and files of this machine that options or requirements name."""
    found: dict[Path, None] = {}
    for word in (word for line in lines for word in re.split(r"[\s=]+", line)):
        path = Path(unquote(urlsplit(word).path) if word.startswith("file:") else word)
        if path.is_absolute() and path.exists():
            found[path] = None
    return [*found]


def _write(file: Path, text: str) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:  # noqa: PTH123
        stream.write(text)
