r"""
The keeper: a small process between an operator and a step's script, so that no process of a step is ever left over.

It starts the script, waits for it, writes down how it ended, and ends everything that the script has started. It
outlives the operator's process just long enough for that: a socket to the operator (its standard input) is its life
line, and a life line that breaks (`kill -9` of the operator included) is a request to stop.

    operator -> keeper   <length>\n, then the fields of `encode_request` joined by NUL, once
                         stop <grace seconds>\n, any number of times
    keeper -> operator   started <pid>\n  or  failed <stage> <errno>\n
                         ended <wait status> <pid> <started> <ended> <stopped> <cut>\n
    attempt directory    exit.json, written whole or not at all, for the attempt that comes after a lost operator

Stopping is a ladder: SIGTERM to the script's process group, the grace, SIGKILL to every descendant. As child
subreaper the keeper inherits what double-forks, so leaving the session or the parent does not hide a process. The
kernel kills the script if the keeper itself is killed (PDEATHSIG); `airflow_ml.compute.orphans` finds the rest.

Standard library alone and Python 3.8 syntax. It is started for every step, so it imports what the interpreter has
loaded already and little else: `_signal` and `_ctypes` cost 2 ms, `signal`, `ctypes` and `json` would cost 25. For the
same reason it is one file past the house's 400 lines.
"""

# pathlib and contextlib would add a third to the time that every step waits for its keeper.
# ruff: noqa: PERF203, PTH104, PTH118, PTH208, S606, SIM105

import _signal  # type: ignore[import-not-found]  # type checkers know `signal` alone
import os
import select
import sys
import time

__all__ = ["EXIT_FILE", "LOST_OPERATOR_GRACE", "MARKER_VARIABLE", "ROLE_VARIABLE", "encode_request", "main"]

#: Name of the result's file in the attempt directory.
EXIT_FILE = "exit.json"
#: Environment variable of keeper and script that says which attempt they belong to.
MARKER_VARIABLE = "AIRFLOW_ML_ATTEMPT"
#: Environment variable that only the keeper has, by which it is told from the script.
ROLE_VARIABLE = "AIRFLOW_ML_KEEPER"
#: Seconds of grace when nobody waits for the result any more.
LOST_OPERATOR_GRACE = 0.4

LIFE_LINE = 0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
SIGKILL = int(_signal.SIGKILL)
SIGTERM = int(_signal.SIGTERM)

#: What background processes of an ended script get, and for how many seconds: time to leave by themselves (the
#: resource tracker of multiprocessing does, and unlinks shared memory on its way; a Java machine takes longer), a
#: polite request, the end. With the request their work is cut.
BACKGROUND_LADDER = ((0, 1.0), (SIGTERM, 0.3), (SIGKILL, 5.0))


def encode_request(
    argv: "list[bytes]",
    environment: "dict[bytes, bytes]",
    *,
    program: bytes,
    cwd: bytes,
    directory: bytes,
    binds: "list[bytes]",
) -> bytes:
    """Return the message that tells a keeper what to start; the process that calls this is its operator."""
    fields = [program, cwd, directory, b"%d" % os.getpid(), b"%d" % len(binds), b"%d" % len(argv)]
    fields += binds + argv
    fields += [name + b"=" + value for name, value in environment.items()]
    body = b"\0".join(fields)
    return b"%d\n" % len(body) + body


class Request:
    """What to start, as read from the life line."""

    def __init__(self, body: bytes) -> None:
        self.program, self.cwd, self.directory, operator, places, count, *rest = body.split(b"\0")
        self.operator = int(operator)
        self.binds, rest = rest[: int(places)], rest[int(places) :]
        self.argv = rest[: int(count)]
        self.environment = dict(variable.split(b"=", 1) for variable in rest[int(count) :])


class Watch:
    """
    Everything the keeper waits for: signals (children that end, SIGTERM), the life line, the operator's death.

    Attributes:
        kill_at: monotonic time at which a stopping script is killed; None while nobody has asked to stop.
    """

    def __init__(self, operator: int) -> None:
        self.kill_at: float | None = None
        self.is_new_request = False
        self._unread = b""
        self._signals, write_end = os.pipe()
        os.set_blocking(write_end, False)
        os.set_blocking(self._signals, False)
        _signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for number in (_signal.SIGCHLD, _signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
            _signal.signal(number, lambda *_: None)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
        self._poll = select.poll()
        for descriptor in (self._signals, LIFE_LINE, open_pidfd(operator)):
            if descriptor >= 0:
                self._poll.register(descriptor, select.POLLIN)

    def pause(self, seconds: "float | None") -> None:
        """Sleep until something happens, at most for so long; note requests to stop."""
        for descriptor, _ in self._poll.poll(None if seconds is None else max(0.0, seconds) * 1000):
            if descriptor == self._signals:
                if any(number != _signal.SIGCHLD for number in os.read(descriptor, 4096)):
                    self._ask_to_stop(LOST_OPERATOR_GRACE)
            elif descriptor == LIFE_LINE:
                self._read_life_line()
            else:  # a process that forked from the operator may still hold the life line open
                self._poll.unregister(descriptor)
                self._ask_to_stop(LOST_OPERATOR_GRACE)

    def _read_life_line(self) -> None:
        try:
            data = os.read(LIFE_LINE, 4096)
        except OSError:
            data = b""
        if not data:
            self._poll.unregister(LIFE_LINE)
            self._ask_to_stop(LOST_OPERATOR_GRACE)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._ask_to_stop(float(line.split()[1]))

    def _ask_to_stop(self, grace: float) -> None:
        # A later request can only shorten the time: a second stop must never prolong the first.
        kill_at = time.monotonic() + grace
        self.kill_at = kill_at if self.kill_at is None else min(kill_at, self.kill_at)
        self.is_new_request = True


def main() -> None:
    """Run one script to its end and leave without the interpreter's own clean-up, which costs 3 ms."""
    status = 1
    try:
        status = keep()
    finally:
        if status:
            sys.excepthook(*sys.exc_info())  # the log is our standard error
        os._exit(status)


def keep() -> int:
    """Start the script, wait for it, clean up behind it, report; the return value is the keeper's own exit status."""
    request = Request(receive_request())
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    watch = Watch(request.operator)
    started = time.time()
    script, failure = start_script(request)
    if failure:
        tell(b"failed " + failure)
        return 0
    tell(b"started %d" % script)
    status = wait_for_script(script, watch)
    is_cut = end_background(script, watch)
    report(request.directory, script, status, started, watch.kill_at is not None, is_cut)
    return 0


def receive_request() -> bytes:
    """Read the one request; the operator dying in the middle of it ends the keeper."""
    data = b""
    while b"\n" not in data:
        data += read_or_leave()
    length, _, body = data.partition(b"\n")
    pieces = [body]
    missing = int(length) - len(body)
    while missing > 0:
        pieces.append(read_or_leave())
        missing -= len(pieces[-1])
    return b"".join(pieces)


def read_or_leave() -> bytes:
    """Read what there is; nothing has been started yet, so a broken life line simply ends the keeper."""
    data = os.read(LIFE_LINE, 1 << 16)
    if not data:
        os._exit(0)
    return data


def prctl(option: int, value: int) -> int:
    """Call Linux' process control; elsewhere do nothing: the life line alone guards the script."""
    return call_system("prctl", option, value, 0, 0, 0)


def call_system(name: str, *arguments: "int | bytes | None") -> int:
    """Call a function of the C library; -1 if it failed or is not there."""
    try:
        import _ctypes  # a private module, but a twentieth of ctypes' cost, and the same from 3.8 to 3.14

        address = _ctypes.dlsym(_ctypes.dlopen(None, 0), name)  # type: ignore[arg-type]  # None: this program
        return int(_ctypes.call_function(address, arguments))
    except (ImportError, OSError, AttributeError):
        return -1


def bind_read_only(places: "list[bytes]") -> bool:
    """
    Give this process, and those that it starts, a view of the files in which sources appear read-only at their targets.

    The mounts are in a namespace of its own: nobody else sees them, and the kernel drops them with its last process.

    Args:
        places: sources and targets in turn.
    """
    if call_system("unshare", CLONE_NEWNS) or call_system("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        return False
    for number in range(0, len(places), 2):
        source, target = places[number : number + 2]
        if call_system("mount", source, target, None, MS_BIND, None):
            return False
        if call_system("mount", b"none", target, None, MS_BIND | MS_REMOUNT | MS_RDONLY, None):
            return False
    return True


def open_pidfd(pid: int) -> int:
    """Return a descriptor that becomes readable when the process dies, or -1 where the system has none."""
    try:
        return int(os.pidfd_open(pid))
    except (AttributeError, OSError):
        return -1


def start_script(request: Request) -> "tuple[int, bytes]":
    """Fork and execute the script; returns its process id and, if it could not start, `<stage> <errno>`."""
    keeper = os.getpid()
    read_end, write_end = os.pipe()
    try:
        script = os.fork()
    except OSError as exc:
        return 0, b"fork %d" % (exc.errno or 0)
    if script == 0:
        become_script(request, keeper, write_end)
    os.close(write_end)
    failure = os.read(read_end, 64)  # ends without data when the program has taken over
    os.close(read_end)
    if failure:
        os.waitpid(script, 0)
    return script, failure


def become_script(request: Request, keeper: int, write_end: int) -> None:
    """Turn this forked process into the script; never returns."""
    stage = b"session"
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != keeper:  # it died before the kernel knew that we want to follow
            os._exit(1)
        # Ignored signals survive exec: Python itself ignores two, and who started the worker (`nohup`, a shell's `&`,
        # a service manager) may ignore others.
        for number in range(1, _signal.NSIG):
            if _signal.getsignal(number) == _signal.SIG_IGN:
                _signal.signal(number, _signal.SIG_DFL)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        stage = b"mount"
        if request.binds and not bind_read_only(request.binds):
            raise PermissionError(1, "mount")
        stage = b"directory"
        os.chdir(request.cwd)
        stage = b"program"
        os.execve(request.program, request.argv, request.environment)
    except OSError as exc:
        os.write(write_end, b"%s %d" % (stage, exc.errno or 0))
    finally:
        os._exit(127)


def wait_for_script(script: int, watch: Watch) -> int:
    """Wait until the script ends, by itself or by the stop ladder; returns its wait status."""
    while True:
        status, _ = reap(script)
        if status is not None:
            return status
        if watch.kill_at is None:
            watch.pause(None)
        elif time.monotonic() >= watch.kill_at:
            kill_group(script, SIGKILL)
            send_to_descendants(SIGKILL)
            watch.pause(0.02)
        else:
            if watch.is_new_request:
                watch.is_new_request = False
                kill_group(script, SIGTERM)
            watch.pause(watch.kill_at - time.monotonic())


def reap(script: int) -> "tuple[int | None, bool]":
    """Collect ended children; returns the script's wait status if it was among them, and whether any child is left."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status, False
        if pid == 0:
            return status, True
        if pid == script:
            status = ended


def end_background(script: int, watch: Watch) -> bool:
    """End what the script left running, politely unless the time for that is over; returns whether something was."""
    for number, seconds in BACKGROUND_LADDER:
        if watch.kill_at is not None and number != SIGKILL:
            seconds = min(seconds, watch.kill_at - time.monotonic())
            if seconds <= 0:
                continue
        deadline = time.monotonic() + seconds
        send_to_descendants(number)
        while reap(script)[1]:
            if time.monotonic() >= deadline:
                break
            if number == SIGKILL:  # a process may have forked between the look and the signal
                send_to_descendants(number)
            watch.pause(min(deadline - time.monotonic(), 0.02 if number == SIGKILL else seconds))
        else:
            return number != 0
    return True


def send_to_descendants(number: int) -> None:
    """Send a signal to every process below the keeper; 0 sends nothing."""
    for pid in find_descendants() if number else ():
        try:
            os.kill(pid, number)
        except OSError:
            pass


def kill_group(script: int, number: int) -> None:
    """Send a signal to the script's process group, and to the script if it has left that."""
    for kill in (os.killpg, os.kill):
        try:
            return kill(script, number)
        except OSError:
            pass
    return None


def find_descendants() -> "list[int]":
    """Return the ids of all processes below the keeper, zombies included; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            children.setdefault(read_parent(name), []).append(int(name))
    found: list[int] = []
    below = [os.getpid()]
    while below:
        direct = children.get(below.pop(), [])
        found += direct
        below += direct
    return found


def read_parent(name: str) -> int:
    """Return the parent's id of a process; -1 if it is gone."""
    try:
        descriptor = os.open("/proc/" + name + "/stat", os.O_RDONLY)
    except OSError:
        return -1
    try:
        # The program's name stands in parentheses and may hold any character, parentheses too.
        return int(os.read(descriptor, 1024).rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return -1
    finally:
        os.close(descriptor)


def report(directory: bytes, script: int, status: int, started: float, is_stopped: bool, is_cut: bool) -> None:
    """Write the result for the next attempt, then tell the operator; a full disk must not lose the second."""
    ended = time.time()
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    code = None if number else os.WEXITSTATUS(status)
    flags = ["true" if flag else "false" for flag in (is_stopped, is_cut)]
    text = '{{"code": {}, "signal": {}, "stopped": {}, "cut": {}, '.format(
        "null" if code is None else code, number or "null", *flags
    )
    text += f'"started": {started:.6f}, "ended": {ended:.6f}, "pid": {script}}}\n'
    path = os.path.join(directory, EXIT_FILE.encode())
    try:
        descriptor = os.open(path + b".part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(descriptor, text.encode())
        os.close(descriptor)
        os.rename(path + b".part", path)
    except OSError as exc:
        complain(f"airflow-ml: could not write {path!r}: {exc}\n")
    tell(b"ended %d %d %.6f %.6f %d %d" % (status, script, started, ended, is_stopped, is_cut))


def complain(text: str) -> None:
    """Write a line to the log; the disk that is full is often the log's as well."""
    try:
        os.write(2, text.encode("utf-8", "backslashreplace"))
    except OSError:
        pass


def tell(line: bytes) -> None:
    """Send a line to the operator, if there still is one."""
    try:
        os.write(LIFE_LINE, line + b"\n")
    except OSError:
        pass
