"""
Finding the Python that a step's environment asks for: on this machine, else fetched by uv, else an error.

Only the minor version counts, since no machine has every patch release.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from airflow_ml.compute.known_pythons import KnownPythons
from airflow_ml.exceptions import RunEnvironmentException

__all__ = [
    "FoundPython",
    "check_interpreter",
    "find_conda_environment",
    "find_fetched",
    "find_python",
    "find_uv",
    "read_version",
]

#: The step library runs on these.
_OLDEST_MINOR = 8
_NEWEST_MINOR = 14
#: What is done about a version that cannot be had: `worker` takes the worker's own Python, with a warning.
_MISSING_VARIABLE = "AIRFLOW_ML_MISSING_PYTHON"
_NOTHING_KNOWN = KnownPythons()
_PRINT_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


@dataclass(frozen=True)
class FoundPython:
    """
    An interpreter to build an environment with.

    Attributes:
        version: all three numbers, for instance `3.11.7`.
        warning: why it is not the version that was asked for, or None.
    """

    path: str
    version: str
    warning: str | None = None


def read_version(python: str, known: KnownPythons = _NOTHING_KNOWN) -> str | None:
    """Return an interpreter's version, or None for what does not answer like Python 3 (a stale shim for instance)."""
    if python == sys.executable:
        return "{}.{}.{}".format(*sys.version_info)
    version = known.version(python)
    if version is None:
        version = _ask_version(python)
        if version is not None:
            known.keep(python, version)
    return version


def find_python(
    specification: str | None,
    *,
    base_interpreter: str,
    where: str,
    known: KnownPythons = _NOTHING_KNOWN,
    fetch: Callable[[str], str | None] = lambda _minor: None,
) -> FoundPython:
    """
    Return the interpreter for a version specification such as `==3.8.13` or `>=3.9`.

    Without a specification it is the base interpreter. So it is, with a warning, for versions that the step library
    does not run on: code that was written for Python 3.6 can only be run with a newer one.

    Args:
        fetch: gets an interpreter of a minor version from elsewhere; None if it cannot.

    Raises:
        RunEnvironmentException: the base interpreter does not run, or there is no such Python and none can be fetched.
    """
    base_version = read_version(base_interpreter, known)
    if base_version is None:
        raise RunEnvironmentException(f"{where}: the worker's interpreter {base_interpreter!r} does not run")
    base = FoundPython(base_interpreter, base_version)
    if specification is None:
        return base
    minors = _list_minors(specification, where)
    if int(base_version.split(".")[1]) in minors:
        return base
    found = _find_minor(minors, known) or _fetch_minor(minors, known, fetch)
    if found is not None:
        return found
    wanted = specification.removeprefix("==")
    if minors and os.environ.get(_MISSING_VARIABLE) != "worker":
        raise RunEnvironmentException(
            f"{where}: asks for Python {wanted}, which is not found on this machine, whose own is {base_version}, and"
            f" could not be fetched by uv; install it there (uv python install 3.{minors[0]}), name another version in"
            f" the environment or none, take an image that has it, or set {_MISSING_VARIABLE}=worker on the worker to"
            " run on its own Python"
        )
    why = "which is not found on this machine" if minors else "which is too old for the step library"
    warning = f"{where}: asks for Python {wanted}, {why}; the worker's Python {base_version} is used"
    return FoundPython(base_interpreter, base_version, warning)


def _find_minor(minors: Sequence[int], known: KnownPythons) -> FoundPython | None:
    for minor in minors:
        name = f"3.{minor}"
        path = known.path(name)
        if path is not None and (version := known.version(path)) is not None:
            return FoundPython(path, version)
    for minor in minors:
        for path in _list_candidates(f"3.{minor}"):
            found = _take(path, minor, known)
            if found is not None:
                return found
    return None


def _fetch_minor(minors: Sequence[int], known: KnownPythons, fetch: Callable[[str], str | None]) -> FoundPython | None:
    """Fetch the newest minor version that fits; one that is not released yet is passed over."""
    for minor in [minor for minor in minors if minor < _NEWEST_MINOR] or minors:
        path = fetch(f"3.{minor}")
        if path is not None:
            return _take(path, minor, known)
        break  # without the network the older ones cannot be had either
    return None


def _take(path: str, minor: int, known: KnownPythons) -> FoundPython | None:
    version = _ask_version(path)
    if version is None or not version.startswith(f"3.{minor}."):
        return None
    known.keep(path, version, minor=f"3.{minor}")
    return FoundPython(path, version)


@cache
def _ask_version(python: str) -> str | None:
    try:
        done = subprocess.run([python, "-I", "-S", "-c", _PRINT_VERSION], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = done.stdout.strip()
    return version if done.returncode == 0 and re.fullmatch(r"3\.\d+\.\d+", version) else None


def check_interpreter(
    interpreter: str, *, base_interpreter: str, where: str, known: KnownPythons = _NOTHING_KNOWN
) -> str:
    """
    Return the path of the interpreter that a user-managed environment names; `python` means the worker's.

    Raises:
        RunEnvironmentException: it is not there, does not run, or is too old for the step library.
    """
    if interpreter in ("", "python", "python3"):
        return base_interpreter
    path = shutil.which(Path(interpreter).expanduser())
    if path is None:
        raise RunEnvironmentException(
            f"{where}: interpreter_path {interpreter!r} is not an executable file on this machine; give the absolute"
            " path of a Python, or 'python' for the worker's own"
        )
    path = str(Path(path).absolute())  # not resolved: a virtual environment is told by the link's own place
    version = read_version(path, known)
    if version is None or int(version.split(".")[1]) < _OLDEST_MINOR:
        found = "does not answer like Python 3" if version is None else f"is Python {version}"
        raise RunEnvironmentException(
            f"{where}: interpreter_path {interpreter!r} {found}; steps need Python 3.{_OLDEST_MINOR} or newer"
        )
    return path


def find_conda_environment(name: str, *, where: str, known: KnownPythons = _NOTHING_KNOWN) -> str:
    """
    Return the interpreter of an existing conda environment, given its name or its folder.

    Raises:
        RunEnvironmentException: conda knows no environment of that name on this machine.
    """
    folders = [Path(name)] if os.sep in name else []
    listing = Path.home() / ".conda" / "environments.txt"
    if listing.is_file():
        folders += [Path(line) for line in listing.read_text().splitlines() if Path(line).name == name]
    if conda := os.environ.get("CONDA_EXE") or shutil.which("conda"):
        folders.append(Path(conda).resolve().parent.parent / "envs" / name)
    for folder in folders:
        if read_version(str(folder / "bin" / "python"), known):
            return str(folder / "bin" / "python")
    raise RunEnvironmentException(
        f"{where}: conda environment {name!r} is not found on this machine; create it there, or name its packages in"
        " conda_dependencies"
    )


def find_uv() -> tuple[str, ...] | None:
    """Return the command that runs uv: from PATH, or installed beside this interpreter; None if there is none."""
    found = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    return (found,) if found else None


def find_fetched(folder: Path, minor: str) -> str | None:
    """Return an interpreter of this minor version among those that uv has fetched into the folder."""
    found = sorted(folder.glob(f"cpython-{minor}.*/bin/python{minor}"), reverse=True)
    return str(found[0]) if found else None


def _list_minors(specification: str, where: str) -> list[int]:
    """Return the minor versions of Python 3 that fit, newest first."""
    exact = re.fullmatch(r"==3\.(\d+)(\..*)?", specification)
    if exact:
        return [minor for minor in (int(exact[1]),) if minor >= _OLDEST_MINOR]
    try:
        wanted = SpecifierSet(specification)
    except InvalidSpecifier as exc:
        raise RunEnvironmentException(
            f"{where}: Python version {specification!r} cannot be read; write 'python=3.11'"
        ) from exc
    minors = range(_NEWEST_MINOR, _OLDEST_MINOR - 1, -1)
    return [minor for minor in minors if any(wanted.contains(f"3.{minor}.{patch}") for patch in (0, 9, 99))]


def _list_candidates(version: str) -> list[str]:
    """Return paths that may be an interpreter of this minor version, likeliest first."""
    paths = [shutil.which(f"python{version}")]
    uv = find_uv()
    if uv:
        command = [*uv, "python", "find", "--no-python-downloads", "--no-project", "--system", version]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        paths.append(done.stdout.strip() if done.returncode == 0 else None)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    paths += [str(path) for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)]
    return [path for path in paths if path]
