"""
The meeting of a distributed step's nodes: each is a task of its own, and they find each other in the registry.

The first node's task is the step's: it decides that the step runs, and commits the outputs. The meeting is called by
the id of its step run. All nodes begin together, and all end when one of them fails or is not heard of any more. Where
one machine has all processes (one node, or an embedded run), nobody is waited for.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException, StepFailedError, StepLostError
from airflow_ml.execution.rank_plans import Place, free_ports
from airflow_ml.execution.stopping import StepStopped

if TYPE_CHECKING:
    from airflow_ml.execution.distributed import Layout
    from airflow_ml.execution.services import Services
    from airflow_ml.execution.stopping import StopWatch
    from airflow_ml.registry.meetings import NodeRecord, NodeState

__all__ = ["ADDRESS_VARIABLE", "LIMIT_VARIABLE", "LOST_SECONDS", "Meeting", "attending"]

#: How many seconds nodes wait for each other to come.
LIMIT_VARIABLE = "AIRFLOW_ML_MEETING_SECONDS"
_DEFAULT_LIMIT = 600.0

#: The name or address by which other machines reach this one; found out if it is not set.
ADDRESS_VARIABLE = "AIRFLOW_ML_NODE_ADDRESS"

#: Seconds between two signs of life: while scripts run, and while a node waits for others.
_SIGN_SECONDS, _WAITING_SECONDS = 1.5, 0.3

#: A node is lost when it was not heard of for so many seconds.
LOST_SECONDS = 60.0


class Meeting:
    """
    One node's part in a meeting; a thread tells the others that it lives, and notes what they tell.

    Without other nodes there is no thread, nothing is waited for, and nothing goes wrong.

    Attributes:
        layout: the step's processes; None for a step of one process.
        node: which node this is; None if this machine has all processes.
    """

    def __init__(self, services: Services, run_id: str, layout: Layout | None, node: int | None, where: str) -> None:
        self.layout = layout
        self.node = node
        self._meetings = services.registry.meetings if node is not None else None
        self._run_id = run_id
        self._where = where
        address = "127.0.0.1" if node is None else _own_address()
        self._own = None if layout is None else Place(address, free_ports(len(layout.on(node))))
        self._nodes: Sequence[NodeRecord] = ()
        self._heard = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._give_signs, name="meeting", daemon=True)

    def begin(self) -> None:
        """Say that this node is there, and go on saying it."""
        if self._meetings is not None and self._own is not None:
            self._meetings.join(self._run_id, self.node or 0, address=self._own.address, ports=self._own.ports)
            self._thread.start()

    def end(self, state: NodeState, message: str | None = None) -> None:
        """Say how this node has ended, and fall silent."""
        if self._meetings is None:
            return
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(ServiceException):  # its silence says the same, later
            self._tell(state, message)

    @property
    def places(self) -> list[Place]:
        """Where the nodes are, in their order; this machine alone if it has all processes."""
        if self._meetings is None:
            return [] if self._own is None else [self._own]
        return [Place(item.address, item.ports) for item in self._nodes]

    def assemble(self, watch: StopWatch) -> None:
        """
        Wait until all nodes have come; none has taken a device yet.

        Raises:
            StepLostError: some have not come in time.
        """
        limit = float(os.environ.get(LIMIT_VARIABLE) or _DEFAULT_LIMIT)
        self._wait(watch, ("coming", "ready", "done"), deadline=time.monotonic() + limit, limit=limit)

    @property
    def neighbours(self) -> int:
        """How many of the nodes share this one's machine, itself included; known when they have come."""
        return 1 if self._own is None else max(1, sum(item.address == self._own.address for item in self._nodes))

    def wait_for_turn(self, watch: StopWatch) -> None:
        """
        Wait until the nodes that take devices before this one have theirs.

        All steps take machines in the same order, by address. So no step holds a machine that another one waits for
        while it waits for that one's itself.
        """
        if self._own is None:
            return
        mine = (self._own.address, self.node or 0)
        before = [item.node for item in self._nodes if (item.address, item.node) < mine]
        if before:
            self._wait(watch, ("ready", "done"), of=before)

    def begin_together(self, watch: StopWatch) -> None:
        """Say that everything is ready for this node's processes, and wait for the others to say so."""
        self._wait(watch, ("ready", "done"), own="ready")

    def end_together(self, watch: StopWatch) -> None:
        """Say that this node's processes have done their part, and wait for the others to say so."""
        self._wait(watch, ("done", "over"), own="done")

    def wait_for_end(self, watch: StopWatch) -> None:
        """Wait until the first node has committed what all have done."""
        self._wait(watch, ["over"], of=(0,))

    @property
    def is_broken(self) -> bool:
        """Whether something went wrong with another node: this one's script is of no use then."""
        return self.trouble() is not None

    def trouble(self) -> str | None:
        """Return what went wrong with another node, if something did."""
        if self._meetings is None:
            return None
        for item in self._nodes:
            if item.node == self.node or item.state == "over":
                continue
            if item.state == "failed":
                return item.message or f"its task on node {item.node} was ended or has failed"
            if item.silent_for > LOST_SECONDS:
                return f"its node {item.node} was not heard of for {item.silent_for:.0f} seconds"
        silence = time.monotonic() - self._heard
        return f"the registry did not answer for {silence:.0f} seconds" if silence > LOST_SECONDS else None

    def refuse_trouble(self) -> None:
        """
        Raise if something went wrong with another node.

        Raises:
            StepFailedError: its script has failed.
            StepLostError: it is lost, and a retry can help.
        """
        trouble = self.trouble()
        if trouble is None:
            return
        is_script = any(item.state == "failed" and item.message for item in self._nodes)
        # What a node says of its script names the step already.
        text = trouble if self._where in trouble else f"{self._where}: {trouble}"
        raise (StepFailedError if is_script else StepLostError)(text)

    def _wait(
        self,
        watch: StopWatch,
        states: Collection[NodeState],
        *,
        own: NodeState | None = None,
        of: Collection[int] | None = None,
        deadline: float | None = None,
        limit: float = 0.0,
    ) -> None:
        """Wait until all nodes, or those, have said one of these states; this node says its own at first."""
        if self._meetings is None or self.layout is None:
            return
        wanted = {*range(self.layout.nodes)} if of is None else {*of}
        self._tell(own)
        while absent := wanted - {item.node for item in self._nodes if item.state in states}:
            self.refuse_trouble()
            watch.start_clock()  # the time limit is the script's
            reason = watch.reason()
            if reason is not None:
                raise StepStopped(f"{self._where} was stopped while its nodes waited for each other: {reason}")
            if deadline is not None and time.monotonic() > deadline:
                self._refuse_absent(absent, limit)
            self._end.wait(_WAITING_SECONDS)
            with suppress(ServiceException):  # a registry that is silent for long is noticed by `trouble`
                self._tell()

    def _refuse_absent(self, absent: Collection[int], limit: float) -> None:
        assert self.layout is not None
        raise StepLostError(
            f"{self._where}: of its {self.layout.nodes} nodes these have not come within {limit:g} seconds:"
            f" {', '.join(str(node) for node in sorted(absent))}; start as many workers of the compute target, give"
            " Airflow's executor room for as many tasks, clear the tasks of those nodes too if they have ended before,"
            f" or set {LIMIT_VARIABLE} to wait longer"
        )

    def _tell(self, state: NodeState | None = None, message: str | None = None) -> None:
        assert self._meetings is not None
        self._nodes = self._meetings.tell(self._run_id, self.node or 0, state, message)
        self._heard = time.monotonic()

    def _give_signs(self) -> None:
        while not self._end.wait(_SIGN_SECONDS):
            with suppress(ServiceException):  # as above
                self._tell()


@contextmanager
def attending(meeting: Meeting) -> Iterator[Meeting]:
    """
    Take part in a meeting inside the block; at its end the others are told what became of this node.

    A script's failure is told in words, so that every node's task says which process failed.
    """
    meeting.begin()
    try:
        yield meeting
    except BaseException as error:
        meeting.end("failed", str(error) if isinstance(error, StepFailedError) else None)
        raise
    meeting.end("over")


def _own_address() -> str:
    """Return the address of this machine on the way to others."""
    given = os.environ.get(ADDRESS_VARIABLE)
    if given:
        return given
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        # Nothing is sent: the kernel only says from where it would be. The address is one for documentation.
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()
