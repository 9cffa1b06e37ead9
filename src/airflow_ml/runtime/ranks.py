"""
Starts the processes of a distributed step on one node, and ends them all when one of them fails.

It is the step's script in the launcher's eyes: it runs under the step's interpreter, in its container if there is one,
as `python -I ranks.py`, so it imports nothing but the standard library. `ranks.json` in the run directory says what to
start (`airflow_ml.execution.distributed` writes it). The output of each process goes to a log of its own, and line by
line, with its rank in front, to the step's log. What went wrong first is written to `ranks_failure.json`.

Where MPI's own starter is to be used, it starts this file once for each rank, which then looks after one process.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import Any

__all__ = ["FAILURE", "PLAN", "Processes", "main"]

PLAN = "ranks.json"
FAILURE = "ranks_failure.json"

#: Seconds between SIGTERM and SIGKILL for the processes that are left when one has failed.
GRACE_SECONDS = 3.0
#: A line that is longer is passed on in pieces.
LONGEST_LINE = 8192
#: How MPI's starters tell a process its rank: Open MPI; MPICH, Intel MPI and others of its kind.
RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")


class Process:
    """One rank: its process, its log and what it has written of a line."""

    def __init__(self, rank: int, command: list[str], variables: dict[str, str], log: str) -> None:
        self.rank = rank
        self.code: int | None = None
        self._log = open(log, "ab", buffering=0)  # noqa: SIM115 - closed by finish
        self._line = b""
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, which can be ended as a whole
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout
        os.set_blocking(self.output.fileno(), False)

    def pass_on(self, prefix: bytes) -> bool:
        """Pass on what there is; returns whether more may come."""
        while True:
            try:
                data = os.read(self.output.fileno(), 1 << 16)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._log.write(data)
            *lines, self._line = (self._line + data).split(b"\n")
            if len(self._line) > LONGEST_LINE:
                lines.append(self._line)
                self._line = b""
            say(b"".join(prefix + line + b"\n" for line in lines))

    def finish(self, prefix: bytes) -> None:
        """Pass on the rest; what the process has left running may hold its output open, and is not waited for."""
        self.pass_on(prefix)
        if self._line:
            say(prefix + self._line + b"\n")
        self._line = b""
        self._log.close()

    def send(self, number: int) -> None:
        """Send a signal to the process and to what it has started in its group."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, number)


class Processes:
    """All ranks that this process looks after."""

    def __init__(self, plan: dict[str, Any], directory: str) -> None:
        self._plan = plan
        self._directory = directory
        self._all: list[Process] = []
        self._selector = selectors.DefaultSelector()
        self._kill_at: float | None = None
        self._failed: Process | None = None
        self._is_stopped = False
        self._wake, wake_end = os.pipe()
        for end in (self._wake, wake_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._selector.register(self._wake, selectors.EVENT_READ, None)

    def run(self, ranks: list[int]) -> int:
        """Start these ranks and return the exit code of them all: 0, or that of the first that failed."""
        chosen = [item for item in self._plan["processes"] if item["rank"] in ranks]
        try:
            for item in chosen:
                self._start(item)
            while any(item.code is None for item in self._all):
                self._look()
        except OSError as error:
            say(f"airflow-ml: rank {len(self._all)} could not be started: {error}\n".encode())
            return 127
        finally:
            # What the others have left running in the background is for the launcher to end, as of any script.
            for item in self._all:
                if item.code is None:
                    item.send(signal.SIGKILL)
                item.finish(self._prefix(item))
        if self._failed is None:
            return 128 + signal.SIGTERM if self._is_stopped else 0
        code = self._failed.code or 0
        return code if code > 0 else 128 - code

    def _start(self, item: dict[str, Any]) -> None:
        log = os.path.join(self._directory, str(item["log"]))
        made = Process(item["rank"], self._plan["command"], item["variables"], log)
        self._all.append(made)
        self._selector.register(made.output, selectors.EVENT_READ, made)

    def _look(self) -> None:
        """Wait until something happens, and see to it."""
        left = None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())
        for key, _ in self._selector.select(left):
            item = key.data
            if item is None:
                while read_some(self._wake):
                    pass
            elif not item.pass_on(self._prefix(item)):
                self._selector.unregister(item.output)
        for item in self._all:
            if item.code is None:
                item.code = item.process.poll()
                if item.code:
                    self._note_failure(item)
        self._end_servers()
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill_at = time.monotonic() + 0.2
            self._send_to_rest(signal.SIGKILL)

    def _note_failure(self, item: Process) -> None:
        if self._kill_at is not None:  # it was asked to end
            return
        self._failed = item
        # The first of the node writes it; with MPI's own starter several processes look after one rank each.
        path = os.path.join(self._directory, FAILURE)
        text = json.dumps({"rank": item.rank, "code": item.code})
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.write(descriptor, text.encode())
            os.close(descriptor)
        except OSError:
            pass
        self._end()

    def _end_servers(self) -> None:
        """End the parameter servers when all others have: they wait for workers for ever."""
        servers = self._plan.get("servers") or []
        rest = [item for item in self._all if item.code is None]
        if self._kill_at is None and rest and all(item.rank in servers for item in rest):
            self._end()

    def _end(self) -> None:
        self._send_to_rest(signal.SIGTERM)
        self._kill_at = time.monotonic() + GRACE_SECONDS

    def _send_to_rest(self, number: int) -> None:
        for item in self._all:
            if item.code is None:
                item.send(number)

    def _stop(self, *_: object) -> None:
        """End everything, because the step is stopped; who has asked for that kills what takes longer."""
        if self._kill_at is None:
            self._is_stopped = True
            self._end()

    def _prefix(self, item: Process) -> bytes:
        return b"[%d] " % item.rank if len(self._plan["processes"]) > 1 else b""


def read_some(descriptor: int) -> bytes:
    """Read what there is without waiting; nothing if there is nothing."""
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""


def say(data: bytes) -> None:
    """Write to the step's log; a full disk must not end the step."""
    with contextlib.suppress(OSError):
        os.write(1, data)


def run_mpi(plan: dict[str, Any], starter: str) -> None:
    """Become MPI's own starter, which starts this file for each rank; never returns."""
    if plan["nodes"] > 1:
        raise SystemExit(
            "airflow-ml: an MPI job on %d nodes would have to be started by %s, which reaches other machines by SSH,"
            " which steps lack; use one node with more processes, or a PyTorchConfiguration" % (plan["nodes"], starter)
        )
    count = len(plan["processes"])
    # Open MPI refuses the account root and more processes than cores, unless it is told that both are meant.
    os.environ.update(
        OMPI_ALLOW_RUN_AS_ROOT="1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        OMPI_MCA_rmaps_base_oversubscribe="1",
        PRTE_ALLOW_RUN_AS_ROOT="1",
        PRTE_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        PRTE_MCA_rmaps_default_mapping_policy=":oversubscribe",
    )
    command = [starter, "-n", str(count), sys.executable, "-I", os.path.abspath(__file__), "--one"]
    os.execv(starter, command)  # noqa: S606 - becomes it, so that signals reach it


def find_program(name: str) -> str:
    """Return where a program lies on the PATH; nothing if it is not there."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or os.curdir, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return ""


def own_rank() -> int:
    """Return the rank that MPI's starter has given this process."""
    for name in RANK_VARIABLES:
        if name in os.environ:
            return int(os.environ[name])
    raise SystemExit("airflow-ml: mpirun has told its process no rank; expected " + " or ".join(RANK_VARIABLES))


def main() -> None:
    """Do what the plan says, and leave with the exit code of the first that failed."""
    directory = os.environ["AIRFLOW_ML_RUN_DIRECTORY"]
    with open(os.path.join(directory, PLAN), encoding="utf-8") as file:
        plan = json.load(file)
    if sys.argv[1:] == ["--one"]:
        ranks = [own_rank()]
    elif plan["is_mpi"] and find_program("mpirun"):
        run_mpi(plan, find_program("mpirun"))
    else:
        ranks = [item["rank"] for item in plan["processes"]]
    sys.exit(Processes(plan, directory).run(ranks))


if __name__ == "__main__":
    main()
