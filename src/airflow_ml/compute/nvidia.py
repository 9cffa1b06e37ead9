"""What `nvidia-smi` says of the GPUs of this machine, within a time limit."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from airflow_ml.exceptions import ServiceException

__all__ = ["Gpu", "ask"]

#: A driver that takes longer hangs. A stopped step must be gone within fifteen seconds.
_SECONDS = 10.0

_FIELDS = ("uuid", "name", "memory.total", "ecc.errors.uncorrected.volatile.total")
#: What stands in the place of a value that a healthy device of some kind does not have.
_WITHOUT = ("[n/a]", "n/a", "[not supported]")


@dataclass(frozen=True)
class Gpu:
    """
    A GPU, as the driver sees it.

    Attributes:
        fault: what is wrong with it, or None.
        users: the processes that compute on it.
    """

    uuid: str
    name: str
    fault: str | None
    users: tuple[str, ...]


def ask(program: str) -> tuple[Gpu, ...]:
    """
    Return the GPUs in the driver's order; one that the driver has lost is missing, or has a fault.

    Raises:
        ServiceException: it does not answer, or has nothing but an error to say.
    """
    with (
        _Call(program, f"--query-gpu={','.join(_FIELDS)}", _SECONDS) as listed,
        _Call(program, "--query-compute-apps=gpu_uuid,pid,process_name", _SECONDS) as used,
    ):
        (code, text, complaint), (_, users_text, _) = listed.answer(), used.answer()
    rows = [row for line in text.splitlines() if len(row := [cell.strip() for cell in line.split(",")]) == len(_FIELDS)]
    if not rows and code and "no devices" not in (text + complaint).lower():
        said = " ".join((complaint or text).split()) or f"exit code {code}"
        raise ServiceException(f"GPUs of this machine: {program!r} failed: {said}; look at the driver")
    users = _users(users_text)
    return tuple(Gpu(row[0], row[1], _fault(row), tuple(users.get(row[0], ()))) for row in rows)


def _fault(row: list[str]) -> str | None:
    _, _, memory, errors = row
    if not memory.isdecimal() and memory.lower() not in _WITHOUT:
        return f"the driver says {memory!r} of it"
    if errors.isdecimal() and int(errors):
        return f"{errors} uncorrectable memory errors since it was reset"
    return None


def _users(text: str) -> dict[str, list[str]]:
    """Return the processes by their GPU; where the driver does not tell, there are none."""
    users: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        uuid, _, rest = line.partition(",")
        pid, _, name = rest.strip().partition(",")
        if pid.isdecimal():
            users[uuid.strip()].append(f"{pid} ({name.strip()})")
    return users


class _Call:
    """A question to nvidia-smi; two of them run side by side."""

    def __init__(self, program: str, query: str, seconds: float) -> None:
        self._program, self._seconds = program, seconds
        command = [program, query, "--format=csv,noheader,nounits"]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise ServiceException(
                f"GPUs of this machine: {program!r} cannot be run: {error.strerror}", error
            ) from error

    def answer(self) -> tuple[int, str, str]:
        """Return exit code, output and complaints."""
        try:
            out, complaint = self._process.communicate(timeout=self._seconds)
        except subprocess.TimeoutExpired as error:
            raise ServiceException(
                f"GPUs of this machine: {self._program!r} does not answer within {self._seconds:g} seconds; its driver"
                " hangs: restart the machine if it stays so",
                error,
            ) from error
        return self._process.returncode, out.decode(errors="replace"), complaint.decode(errors="replace")

    def __enter__(self) -> _Call:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        with suppress(subprocess.TimeoutExpired):  # one that hangs in the driver dies when the driver lets it go
            self._process.wait(timeout=0.5)
