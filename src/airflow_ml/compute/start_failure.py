"""Why a script could not be started, in words: from the system's error number to the thing that is wrong."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from airflow_ml.compute.request import ProcessRequest
from airflow_ml.exceptions import AzureMLException, RunEnvironmentException, ServiceException, UserErrorException

__all__ = ["explain_start_failure"]

#: Linux' limit for one argument or variable (MAX_ARG_STRLEN); the sum is limited as well, by the stack's size.
_LONGEST_ARGUMENT = 128 * 1024


def explain_start_failure(request: ProcessRequest, stage: str, number: int) -> AzureMLException:
    """
    Return the error for a script that did not start.

    Args:
        request: what should have been started.
        stage: where it failed: `fork`, `session`, `mount`, `directory` or `program`.
        number: the system's errno.
    """
    reason = os.strerror(number)
    if stage == "directory":
        return UserErrorException(
            f"step process: the working directory {str(request.cwd)!r} cannot be entered: {reason.lower()}"
        )
    if stage == "program" and number == errno.E2BIG:
        return UserErrorException(f"step process: {_explain_length(request)}; hand long values over in a file")
    if stage == "program" and number not in (errno.ENOMEM, errno.EAGAIN, errno.EIO):
        return RunEnvironmentException(f"step process: {_explain_program(request, number)}")
    return ServiceException(f"step process: the machine could not start another process ({stage}): {reason.lower()}")


def _explain_length(request: ProcessRequest) -> str:
    sizes = {f"argument {position}": len(os.fsencode(text)) for position, text in enumerate(request.argv)}
    for name, value in request.environment.items():
        sizes[f"environment variable {name!r}"] = len(os.fsencode(name)) + 1 + len(os.fsencode(value))
    what, size = max(sizes.items(), key=lambda item: item[1])
    if size >= _LONGEST_ARGUMENT:
        return f"{what} has {size:,} bytes, and Linux allows {_LONGEST_ARGUMENT - 1:,} in one"
    limit = os.sysconf("SC_ARG_MAX")
    return (
        f"its {len(request.argv):,} arguments and {len(request.environment)} environment variables have"
        f" {sum(sizes.values()):,} bytes together, and this machine allows about {limit:,}; the largest is {what}"
    )


def _explain_program(request: ProcessRequest, number: int) -> str:
    name = request.argv[0]
    if os.sep not in name:
        search_path = request.environment.get("PATH", os.defpath)
        found = shutil.which(name, path=search_path)
        if found is None:
            return f"program {name!r} is not found on the step's PATH {search_path!r}; name it by its whole path"
        name = found
    path = request.cwd / name
    if path.is_dir():
        return f"program {name!r} is a folder; expected an executable file"
    if not path.exists():
        return f"program {name!r} does not exist; is its environment built on this machine?"
    if number == errno.ENOEXEC:
        return f"program {name!r} is not executable code: it is no binary of this machine and has no '#!' line"
    if number == errno.ENOENT:
        return f"program {name!r} needs {_read_interpreter(path)!r}, which does not exist on this machine"
    if not os.access(path, os.X_OK):
        return f"program {name!r} is not executable; chmod +x it, or run it by its interpreter"
    return f"program {name!r} could not be started: {os.strerror(number).lower()}"


def _read_interpreter(path: Path) -> str:
    with path.open("rb") as file:
        line = file.readline(256)
    return os.fsdecode(line[2:].strip()) if line.startswith(b"#!") else "the loader or a library of the binary"
