"""
What the processes of a distributed step are told, and how this node starts them.

They are started by `airflow_ml.runtime.ranks`, in the step's own environment or container, or by MPI's own starter
where that environment has one.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.runtime.ranks import FAILURE, PLAN

if TYPE_CHECKING:
    from airflow_ml.execution.distributed import Layout, Rank
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Place", "describe_failure", "free_ports", "log_name", "variables_of", "write_plan"]

#: The file in the step library, from its root.
_STARTER = Path("airflow_ml", "runtime", "ranks.py")


@dataclass(frozen=True)
class Place:
    """Where the processes of a node are reached: a port for each, and the first node's first port is the meeting's."""

    address: str
    ports: tuple[int, ...]


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports of this machine on which nobody listens now."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.socket()) for _ in range(count)]
        for item in sockets:
            item.bind(("", 0))
        return tuple(item.getsockname()[1] for item in sockets)


def log_name(layout: Layout, rank: int) -> str:
    """Return v1's name of the log of one process: numbers have as many digits as the last one."""
    return f"user_logs/std_log_process_{rank:0{len(str(len(layout.ranks) - 1))}d}.txt"


def write_plan(
    layout: Layout,
    node: int | None,
    places: Sequence[Place],
    *,
    directory: RunDirectory,
    argv: Sequence[str],
    python: Path,
    library: Path,
) -> tuple[str, ...]:
    """
    Write down what this node starts, and return the argv that starts it.

    Args:
        node: which one it is; None for all of them on one machine.
        places: of the nodes, in their order; of one machine with all of them, its only one.
        argv: of one process.
        python: of the step's environment, which runs the starter too.
    """
    processes = [
        {
            "rank": item.rank,
            "variables": variables_of(layout, item, places, is_one_host=node is None),
            "log": log_name(layout, item.rank),
        }
        for item in layout.on(node)
    ]
    plan = {
        "command": list(argv),
        "processes": processes,
        "servers": [item.rank for item in layout.on(node) if item.role == "ps"],
        "is_mpi": layout.kind == "mpi",
        "nodes": 1 if node is None else layout.nodes,
    }
    Path(directory.root, PLAN).write_text(json.dumps(plan), encoding="utf-8")
    return (str(python), "-I", str(library / _STARTER))


def variables_of(layout: Layout, rank: Rank, places: Sequence[Place], *, is_one_host: bool = False) -> dict[str, str]:
    """
    Return what a process finds in its environment: torch.distributed's names, Open MPI's, Azure's, TensorFlow's.

    Args:
        is_one_host: all nodes are one machine, and a process's local rank is its rank.
    """
    node, local = (0, rank.rank) if is_one_host else (rank.node, rank.local_rank)
    beside = len(layout.on(None if is_one_host else rank.node))
    master, port = places[0].address, str(places[0].ports[0])
    variables = {
        "RANK": str(rank.rank),
        "LOCAL_RANK": str(local),
        "WORLD_SIZE": str(len(layout.ranks)),
        "LOCAL_WORLD_SIZE": str(beside),
        "NODE_RANK": str(node),
        "MASTER_ADDR": master,
        "MASTER_PORT": port,
        "AZUREML_NODE_COUNT": str(layout.nodes),
        "AZ_BATCH_MASTER_NODE": f"{master}:{port}",
        "AZ_BATCHAI_MPI_MASTER_NODE": master,
    }
    if layout.kind == "mpi":
        variables |= {
            "OMPI_COMM_WORLD_RANK": str(rank.rank),
            "OMPI_COMM_WORLD_LOCAL_RANK": str(local),
            "OMPI_COMM_WORLD_SIZE": str(len(layout.ranks)),
            "OMPI_COMM_WORLD_LOCAL_SIZE": str(beside),
            # Open MPI's word for the number among the processes of the node, not for the node's.
            "OMPI_COMM_WORLD_NODE_RANK": str(local),
        }
    if layout.kind == "tensorflow":
        variables["TF_CONFIG"] = json.dumps(_tensorflow_cluster(layout, rank, places))
    return variables


def _tensorflow_cluster(layout: Layout, rank: Rank, places: Sequence[Place]) -> dict[str, object]:
    cluster: dict[str, list[str]] = {}
    for item in layout.ranks:
        if len(places) == 1:
            address, port = places[0].address, places[0].ports[item.rank]
        else:
            address, port = places[item.node].address, places[item.node].ports[item.local_rank]
        cluster.setdefault(item.role, []).append(f"{address}:{port}")
    return {"cluster": cluster, "task": {"type": rank.role, "index": rank.index}}


def describe_failure(layout: Layout, directory: RunDirectory) -> str | None:
    """Return which process of this node failed first and how, for the step's error; None if no process did."""
    try:
        found = json.loads(Path(directory.root, FAILURE).read_bytes())
        rank, code = int(found["rank"]), int(found["code"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    how = f"ended with exit code {code}" if code > 0 else f"was killed by signal {-code}"
    where = f" on node {layout.ranks[rank].node}" if layout.nodes > 1 else ""
    return (
        f"rank {rank} of {len(layout.ranks)}{where} {how}, and the other processes were ended; its output is in"
        f" {log_name(layout, rank)} of the run"
    )
