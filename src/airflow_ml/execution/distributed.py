"""
Distributed steps: which processes a step has, and on which nodes.

v1's three kinds are told apart by the communicator of the run configuration. What each process is told stands in
`airflow_ml.execution.rank_plans`; the nodes of a step meet before it starts (`airflow_ml.execution.meeting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph import ParameterRef

if TYPE_CHECKING:
    from airflow_ml.graph import Json, Step

__all__ = ["Kind", "Layout", "Rank", "layout_of"]

Kind: TypeAlias = Literal["mpi", "pytorch", "tensorflow"]

_KINDS: Mapping[str, Kind] = {
    "mpi": "mpi",
    "intelmpi": "mpi",
    "openmpi": "mpi",
    "nccl": "pytorch",
    "gloo": "pytorch",
    "parameterserver": "tensorflow",
}


@dataclass(frozen=True)
class Rank:
    """
    One process of a distributed step.

    Attributes:
        index: its number among those of its role.
        local_rank: its number among those of its node.
    """

    rank: int
    node: int
    local_rank: int
    role: Literal["worker", "ps"] = "worker"
    index: int = 0


@dataclass(frozen=True)
class Layout:
    """All processes of a distributed step, by rank."""

    kind: Kind
    nodes: int
    ranks: tuple[Rank, ...]

    def on(self, node: int | None) -> list[Rank]:
        """Return the processes of a node; those of all nodes for None, where one machine has them all."""
        return [item for item in self.ranks if node in (None, item.node)]


def layout_of(step: Step, parameters: Mapping[str, Json], where: str) -> Layout | None:
    """
    Return which processes the step has; None for a step of one process.

    Args:
        parameters: values of the pipeline's parameters, as values or as texts.

    Raises:
        NotSupportedError: several nodes without a communicator.
        UserErrorException: numbers that do not fit.
    """
    settings = {name: _value(given, parameters) for name, given in step.run_settings.items()}
    nodes = _count(settings, "node_count", 1, where)
    communicator = settings.get("communicator")
    if communicator is None:
        if nodes != 1:
            raise NotSupportedError(
                f"{where}: node_count {nodes} without a communicator: nothing would tell the nodes of each other; give"
                " an MpiConfiguration, a PyTorchConfiguration or a TensorflowConfiguration, or take one node"
            )
        return None
    kind = _KINDS.get(str(communicator).lower())
    if kind is None:
        raise NotSupportedError(
            f"{where}: communicator {communicator!r} is none of {', '.join(_KINDS)}; set one of them"
        )
    if kind == "tensorflow":
        workers, servers = (
            _count(settings, name, 1, where, least=least)
            for name, least in (("worker_count", 1), ("parameter_server_count", 0))
        )
        return Layout(kind, nodes, tuple(_in_turn(nodes, workers, servers)))
    count = _processes(kind, settings, nodes, where)
    per_node = count // nodes
    ranks = [Rank(rank, rank // per_node, rank % per_node, index=rank) for rank in range(count)]
    return Layout(kind, nodes, tuple(ranks))


def _processes(kind: Kind, settings: Mapping[str, Json], nodes: int, where: str) -> int:
    """Return the number of processes on all nodes."""
    if kind == "mpi":
        return nodes * _count(settings, "process_count_per_node", 1, where)
    # v1: without a process count there is one process per node.
    count = _count(settings, "process_count", nodes, where)
    if count % nodes:
        raise UserErrorException(
            f"{where}: process_count {count} is not a multiple of node_count {nodes}; each node runs as many processes"
        )
    return count


def _in_turn(nodes: int, workers: int, servers: int) -> list[Rank]:
    """Deal workers, then parameter servers to the nodes."""
    on_node = [0] * nodes
    ranks = []
    for rank in range(workers + servers):
        is_worker = rank < workers
        index = rank if is_worker else rank - workers
        node = index % nodes
        ranks.append(Rank(rank, node, on_node[node], "worker" if is_worker else "ps", index))
        on_node[node] += 1
    return ranks


def _value(given: Json | ParameterRef, parameters: Mapping[str, Json]) -> Json:
    return parameters.get(given.name) if isinstance(given, ParameterRef) else given


def _count(settings: Mapping[str, Json], name: str, default: int, where: str, *, least: int = 1) -> int:
    """Return a number of nodes or processes; parameters come as texts too."""
    given = settings.get(name)
    if given is None:
        return default
    try:
        number = int(given) if isinstance(given, (int, str)) and not isinstance(given, bool) else -1
    except ValueError:
        number = -1
    if number < least:
        raise UserErrorException(f"{where}: {name} is {given!r}, expected a whole number, {least} or more")
    return number
