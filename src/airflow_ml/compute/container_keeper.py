r"""
The keeper of a container: a small process that outlives the operator's, so that no container is ever left over.

The container is the engine's child and not the operator's: when a worker dies, the script computes on. The keeper
waits beside it. It holds what belongs to the container for exactly as long as the container runs (the kernel locks of
devices), stops it when it is asked to, keeps an ended one until its result is recorded, and removes one that nobody
has come back for.

    operator -> keeper   <length>\n and the fields of `encode_request`, joined by NUL, once
                         watch\n            the container was started
                         stop <grace>\n     any number of times
                         done\n             remove the container, however it is, and leave
    keeper -> operator   ended\n            the container does not run any more, or is gone
                         unreachable\n      the engine has not answered for a long time
                         replaced\n         another operator has taken over
                         removed\n          the answer to done

The operator is at standard input. One that comes later, the next try of the task, connects to an abstract Unix socket
that is called by the attempt; the newest one is obeyed, the earlier one is told so. A file system is not needed for
that, and a script in a container cannot reach it.

Success is never decided here: who is told `ended` asks the engine.

Standard library alone and few imports, because every step waits for it; for the same reason it speaks HTTP itself, and
is one file past the house's 400 lines.
"""

# ruff: noqa: SIM105  # contextlib would double the time that the keeper takes to start

import _socket  # `socket` costs as much as the rest of the interpreter
import os
import select
import sys
import time

__all__ = ["KEEPER_VARIABLE", "address_of", "encode_request", "main"]

#: Environment variable of the keeper with the attempt that it is the keeper of.
KEEPER_VARIABLE = "AIRFLOW_ML_CONTAINER_KEEPER"

#: Seconds for the engine's answer to anything but waiting for the container's end.
ANSWER_SECONDS = 30.0
#: Seconds without the engine after which the operator is told; a restart takes a few.
ENGINE_SECONDS = 60.0
#: The same for an engine that has not made the container, as far as is known.
UNKNOWN_SECONDS = 3.0
#: Seconds between two attempts to reach an engine.
RETRY_SECONDS = 0.2
#: Seconds between SIGTERM and SIGKILL where nobody says how many.
GRACE_SECONDS = 3.0

LIFE_LINE = 0
SO_PEERCRED = 17
NEVER = float("inf")


def encode_request(*, name: str, engine: str, marker: str, keep_seconds: float, held: "list[int]") -> bytes:
    """
    Return the message that tells a keeper what to keep; the process that calls this is its operator.

    Args:
        name: of the container, which need not exist yet.
        engine: path of the engine's Unix socket.
        marker: name of the attempt, by which a later operator finds the keeper.
        keep_seconds: how long the container is kept when the operator is gone.
        held: descriptors that the keeper inherits and closes when the container has ended.
    """
    numbers = ",".join(map(str, held))
    body = "\0".join([name, engine, marker, str(keep_seconds), str(os.getpid()), numbers]).encode()
    return b"%d\n" % len(body) + body


def address_of(marker: str) -> str:
    """Return the abstract socket address at which the keeper of an attempt listens."""
    return "\0airflow-ml.keeper." + marker[:80]


class Engine:
    """The few requests that a keeper makes."""

    def __init__(self, path: str, name: str) -> None:
        self._path = path
        self._container = "/containers/" + name

    def ask_for_end(self) -> "_socket.socket":
        """Ask to be told when the container does not run any more; the answer comes on the returned connection."""
        connection = self._connect()
        connection.sendall(_head("POST", self._container + "/wait?condition=not-running"))
        return connection

    def state(self) -> str:
        """Return `running`, `created`, `ended`, or `gone`; raises OSError if the engine does not answer."""
        status, body = self._ask("GET", self._container + "/json")
        if status == 404:
            return "gone"
        # Quotation marks inside of values have a backslash before them, so that no label can say this.
        if b'"Running":true' in body:
            return "running"
        return "created" if b'"Status":"created"' in body else "ended"

    def signal(self, name: str) -> None:
        """Send a signal to the container's first process; one that has ended is no error."""
        self._ask("POST", self._container + "/kill?signal=" + name)

    def remove(self) -> bool:
        """Remove the container however it is; returns whether it is gone."""
        status, _ = self._ask("DELETE", self._container + "?force=1&v=1")
        return status in (204, 404)

    def _ask(self, method: str, path: str) -> "tuple[int, bytes]":
        connection = self._connect()
        try:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(_head(method, path))
            pieces = []
            while True:
                data = connection.recv(1 << 16)
                if not data:
                    break
                pieces.append(data)
        finally:
            connection.close()
        answer = b"".join(pieces)
        words = answer.split(b" ", 2)
        if len(words) < 3 or not words[1].isdigit() or int(words[1]) >= 500:
            raise OSError("the engine gave no answer: " + repr(answer[:200]))
        return int(words[1]), answer

    def _connect(self) -> "_socket.socket":
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        return connection


def _head(method: str, path: str) -> bytes:
    lines = [method + " " + path + " HTTP/1.1", "Host: docker", "Content-Length: 0", "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


class Operator:
    """The process that is obeyed at the moment, and its end of a socket."""

    def __init__(self, connection: "_socket.socket", pid: int) -> None:
        self.connection = connection
        self.unread = b""
        # A process that forked from the operator may hold its end of the socket open, so its death is watched as well.
        try:
            self.process = os.pidfd_open(pid)
        except (AttributeError, OSError):
            self.process = -1

    def tell(self, line: bytes) -> None:
        """Send a line; one who is gone does not hear it."""
        try:
            self.connection.sendall(line + b"\n")
        except OSError:
            pass

    def read(self) -> "list[bytes] | None":
        """Return the lines that have arrived; None if the operator is gone."""
        try:
            data = self.connection.recv(4096)
        except OSError:
            data = b""
        if not data:
            return None
        *lines, self.unread = (self.unread + data).split(b"\n")
        return lines

    def close(self) -> None:
        """Let go of the operator."""
        self.connection.close()
        if self.process >= 0:
            os.close(self.process)


class Keeper:
    """
    What the keeper knows, and what it does about what happens.

    Attributes:
        leaves_at: when the container is removed because nobody has come back for it.
        kill_at: when a container that was asked to end is killed.
        is_ended: the container does not run any more.
    """

    def __init__(self, body: bytes) -> None:
        name, engine, marker, seconds, pid, held = body.decode().split("\0")
        self._engine = Engine(engine, name)
        self._keep_seconds = float(seconds)
        self._held = [int(number) for number in held.split(",") if number]
        self._listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._listener.bind(address_of(marker))
        self._listener.listen(4)
        self._operator: Operator | None = Operator(_socket.socket(fileno=os.dup(LIFE_LINE)), int(pid))
        self._end: _socket.socket | None = None
        self._answer = b""
        self._retry_at = NEVER
        self._lost_since = self._refused_since = 0.0
        self._was_watched = self._is_done = False
        self.leaves_at = self.kill_at = NEVER
        self.is_ended = self.is_over = False

    def run(self) -> None:
        """Keep the container until it is removed."""
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, LIFE_LINE)
        os.close(null)
        while not self.is_over:
            for source in self._pause():
                source()
            self._keep_time()

    def _pause(self) -> "list":  # type: ignore[type-arg]  # of methods; `typing` would cost 10 ms
        """Sleep until something happens, and return what has to be done about it."""
        waiting = select.poll()
        actions = {self._listener.fileno(): self._accept}
        operator = self._operator
        if operator is not None:
            actions[operator.connection.fileno()] = self._listen
            if operator.process >= 0:
                actions[operator.process] = self._lose_operator
        if self._end is not None:
            actions[self._end.fileno()] = self._read_end
        for descriptor in actions:
            waiting.register(descriptor, select.POLLIN)
        until = min(self.leaves_at, self.kill_at, self._retry_at)
        seconds = None if until == NEVER else max(0.0, until - time.monotonic()) * 1000 + 1
        ready = [actions[descriptor] for descriptor, _ in waiting.poll(seconds)]
        # An operator's last words count before its death.
        return sorted(ready, key=lambda action: action == self._lose_operator)

    def _accept(self) -> None:
        connection = _socket.socket(fileno=self._listener._accept()[0])  # type: ignore[attr-defined]  # of the C class alone
        credentials = connection.getsockopt(_socket.SOL_SOCKET, SO_PEERCRED, 12)
        pid, user = (int.from_bytes(credentials[at : at + 4], sys.byteorder) for at in (0, 4))
        if user not in (0, os.geteuid()):
            connection.close()
            return
        if self._operator is not None:
            self._operator.tell(b"replaced")
            self._operator.close()
        self._operator = Operator(connection, pid)
        self.leaves_at = NEVER
        if self.is_ended:
            self._operator.tell(b"ended")
        elif self._end is None and self._retry_at == NEVER:
            self._watch()

    def _listen(self) -> None:
        if self._operator is None:
            return
        lines = self._operator.read()
        if lines is None:
            self._lose_operator()
            return
        for line in lines:
            word, *values = line.split()
            if word == b"watch":
                self._was_watched = True
                self._watch()
            elif word == b"stop":
                self._stop(float(values[0]))
            elif word == b"done":
                self._finish()

    def _lose_operator(self) -> None:
        if self._operator is None:
            return
        self._operator.close()
        self._operator = None
        if self._is_done:
            return
        self.leaves_at = time.monotonic() + self._keep_seconds
        if self._end is None and not self.is_ended:
            self._watch()

    def _watch(self) -> None:
        """Wait for the container's end; one that was never started is worth nothing to anybody."""
        self._retry_at = NEVER
        try:
            state = self._engine.state()
            if state == "running":
                self._end, self._answer = self._engine.ask_for_end(), b""
        except OSError:
            self._miss_engine()
            return
        self._lost_since = 0.0
        if state == "ended" or state == "gone":
            self._note_end()
        if state == "gone" or (state == "created" and self._operator is None):
            self.leaves_at = 0.0 if self._operator is None else self.leaves_at

    def _read_end(self) -> None:
        if self._end is None:
            return
        try:
            data = self._end.recv(4096)
        except OSError:
            data = b""
        self._answer += data
        if b'"StatusCode"' in self._answer or not data:
            self._end.close()
            self._end = None
            # The engine may have ended, and not the container: it is asked again.
            self._watch()

    def _miss_engine(self) -> None:
        now = time.monotonic()
        self._retry_at = now + RETRY_SECONDS
        self._lost_since = self._lost_since or now
        if now - self._lost_since > ENGINE_SECONDS and self._operator is not None:
            self._operator.tell(b"unreachable")
            self._lost_since = now

    def _note_end(self) -> None:
        if self.is_ended:
            return
        self.is_ended = True
        self.kill_at = NEVER
        for descriptor in self._held:
            os.close(descriptor)
        self._held = []
        if self._operator is not None:
            self._operator.tell(b"ended")

    def _stop(self, grace: float) -> None:
        # A later request can only shorten the time: a second stop must never prolong the first.
        is_first = self.kill_at == NEVER
        self.kill_at = min(self.kill_at, time.monotonic() + grace)
        if is_first and not self.is_ended:
            self._send("SIGTERM")

    def _send(self, signal: str) -> None:
        try:
            self._engine.signal(signal)
        except OSError:  # an engine that comes back is asked again
            pass

    def _finish(self) -> None:
        self._is_done = True
        self._remove()
        if self._operator is not None:
            self._operator.tell(b"removed" if self.is_over else b"unreachable")

    def _remove(self) -> None:
        """Remove the container; where the engine does not answer, try again until it does."""
        try:
            self.is_over = self._engine.remove()
        except OSError:
            self.is_over = False
        if self.is_over:
            return
        now = time.monotonic()
        self.leaves_at = now + RETRY_SECONDS
        self._refused_since = self._refused_since or now
        # Where an engine has gone for good there is nothing to remove; one that was never reached has nothing of ours.
        patience = ENGINE_SECONDS if self._was_watched else UNKNOWN_SECONDS
        self.is_over = now - self._refused_since > patience

    def _keep_time(self) -> None:
        now = time.monotonic()
        if now >= self._retry_at:
            self._watch()
        if now >= self.kill_at and not self.is_ended:
            self.kill_at = now + 1.0
            self._send("SIGKILL")
        if now >= self.leaves_at and not self.is_over:
            if self.is_ended or self.kill_at != NEVER or self._end is None:
                self._remove()
            else:
                self._stop(GRACE_SECONDS)
                self.leaves_at = now + GRACE_SECONDS + 1.0


def main() -> None:
    """Keep one container and leave without the interpreter's own clean-up, which costs 3 ms."""
    status = 1
    try:
        Keeper(receive_request()).run()
        status = 0
    finally:
        if status:
            sys.excepthook(*sys.exc_info())  # the log is our standard error
        os._exit(status)


def receive_request() -> bytes:
    """Read the one request; the operator dying in the middle of it ends the keeper, for nothing was started."""
    data = b""
    while b"\n" not in data:
        data += read_or_leave(1)
    missing = int(data)
    pieces = []
    while missing > 0:
        pieces.append(read_or_leave(missing))
        missing -= len(pieces[-1])
    return b"".join(pieces)


def read_or_leave(count: int) -> bytes:
    """Read at most so many bytes of the request, and none of what follows it."""
    data = os.read(LIFE_LINE, count)
    if not data:
        os._exit(0)
    return data
