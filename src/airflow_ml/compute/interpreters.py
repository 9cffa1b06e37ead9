"""Finding the Python that a step's environment asks for, on this machine and without downloading any."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from airflow_ml.exceptions import RunEnvironmentException

__all__ = ["FoundPython", "check_interpreter", "find_conda_environment", "find_python", "find_uv", "read_version"]

#: The step library runs on these.
_OLDEST_MINOR = 8
_NEWEST_MINOR = 14
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


@cache
def read_version(python: str) -> str | None:
    """Return an interpreter's version, or None for what does not answer like Python 3 (a stale shim for instance)."""
    if python == sys.executable:
        return "{}.{}.{}".format(*sys.version_info)
    try:
        done = subprocess.run([python, "-I", "-S", "-c", _PRINT_VERSION], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = done.stdout.strip()
    return version if done.returncode == 0 and re.fullmatch(r"3\.\d+\.\d+", version) else None


def find_python(specification: str | None, *, base_interpreter: str, where: str) -> FoundPython:
    """
    Return the interpreter for a version specification such as `==3.8.13` or `>=3.9`.

    Only the minor version counts, since no machine has every patch release. Without a specification, or when none
    fits, it is the base interpreter, in the second case with a warning.

    Raises:
        RunEnvironmentException: the base interpreter does not run.
    """
    base_version = read_version(base_interpreter)
    if base_version is None:
        raise RunEnvironmentException(f"{where}: the worker's interpreter {base_interpreter!r} does not run")
    base = FoundPython(base_interpreter, base_version)
    if specification is None:
        return base
    minors = _list_minors(specification, where)
    if int(base_version.split(".")[1]) in minors:
        return base
    for minor in minors:
        for path in _list_candidates(f"3.{minor}"):
            version = read_version(path)
            if version is not None and version.startswith(f"3.{minor}."):
                return FoundPython(path, version)
    warning = (
        f"{where}: asks for Python {specification.removeprefix('==')}, which is not found on this machine (or is too"
        f" old for the step library); the worker's Python {base_version} is used"
    )
    return FoundPython(base_interpreter, base_version, warning)


def check_interpreter(interpreter: str, *, base_interpreter: str, where: str) -> str:
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
    version = read_version(path)
    if version is None or int(version.split(".")[1]) < _OLDEST_MINOR:
        found = "does not answer like Python 3" if version is None else f"is Python {version}"
        raise RunEnvironmentException(
            f"{where}: interpreter_path {interpreter!r} {found}; steps need Python 3.{_OLDEST_MINOR} or newer"
        )
    return path


def find_conda_environment(name: str, *, where: str) -> str:
    """
    Return the interpreter of an existing conda environment, given its name or its folder.

    Raises:
        RunEnvironmentException: conda knows no environment of that name on this machine.
    """
    known = [Path(name)] if os.sep in name else []
    listing = Path.home() / ".conda" / "environments.txt"
    if listing.is_file():
        known += [Path(line) for line in listing.read_text().splitlines() if Path(line).name == name]
    if conda := os.environ.get("CONDA_EXE") or shutil.which("conda"):
        known.append(Path(conda).resolve().parent.parent / "envs" / name)
    for folder in known:
        if read_version(str(folder / "bin" / "python")):
            return str(folder / "bin" / "python")
    raise RunEnvironmentException(
        f"{where}: conda environment {name!r} is not found on this machine; create it there, or name its packages in"
        " conda_dependencies"
    )


def find_uv() -> tuple[str, ...] | None:
    """Return the command that runs uv: from PATH, or installed beside this interpreter; None if there is none."""
    found = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    return (found,) if found else None


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
