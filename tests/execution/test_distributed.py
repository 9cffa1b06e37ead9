"""Which processes a distributed step has, and what they are told."""

from __future__ import annotations

import json

import pytest

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.distributed import Layout, layout_of
from airflow_ml.execution.rank_plans import Place, log_name, variables_of
from airflow_ml.graph import ParameterRef, Step

ONE = [Place("127.0.0.1", (5000, 5001, 5002, 5003))]
TWO = [Place("10.0.0.1", (5000, 5001)), Place("10.0.0.2", (6000, 6001))]


def layout(**settings: object) -> Layout:
    """Return the layout of a step with these run settings."""
    found = layout_of(Step("s", "s", "python_script", run_settings=settings), {"n": 3}, "step 's'")
    assert found is not None
    return found


def test_a_step_without_a_communicator_is_one_process():
    """Nothing is distributed unless the step says how its processes find each other."""
    assert layout_of(Step("s", "s", "python_script", run_settings={"framework": "PyTorch"}), {}, "step 's'") is None


def test_mpi_runs_as_many_processes_on_each_node():
    """Ranks go through the nodes in order; v1's count is per node, and may be a pipeline parameter."""
    found = layout(communicator="IntelMpi", node_count=2, process_count_per_node=ParameterRef("n"))

    assert [(item.rank, item.node, item.local_rank) for item in found.ranks] == [
        *((0, 0, 0), (1, 0, 1), (2, 0, 2)),
        *((3, 1, 0), (4, 1, 1), (5, 1, 2)),
    ]


def test_pytorch_divides_its_processes_among_the_nodes():
    """v1's count is of all processes; without one each node has one."""
    assert [item.node for item in layout(communicator="nccl", process_count=4, node_count=2).ranks] == [0, 0, 1, 1]
    assert [item.node for item in layout(communicator="gloo", node_count=3).ranks] == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"node_count": 2}, "node_count 2 without a communicator"),
        (
            {"communicator": "nccl", "process_count": 3, "node_count": 2},
            "process_count 3 is not a multiple of node_count 2",
        ),
        (
            {"communicator": "mpi", "process_count_per_node": 0},
            "process_count_per_node is 0, expected a whole number, 1",
        ),
        ({"communicator": "telepathy"}, "communicator 'telepathy' is none of mpi, "),
    ],
)
def test_numbers_that_do_not_fit_are_refused(settings: dict[str, object], expected: str):
    """What cannot be is refused in words, with the step's name."""
    with pytest.raises(AzureMLException, match=f"step 's': {expected}"):
        layout(**settings)


def test_processes_find_the_first_node():
    """torch.distributed's variables: who I am, among how many, here and everywhere, and where all meet."""
    found = layout(communicator="nccl", process_count=4, node_count=2)

    told = variables_of(found, found.ranks[3], TWO)

    assert (told["RANK"], told["WORLD_SIZE"], told["LOCAL_RANK"], told["LOCAL_WORLD_SIZE"]) == ("3", "4", "1", "2")
    assert (told["NODE_RANK"], told["MASTER_ADDR"], told["MASTER_PORT"]) == ("1", "10.0.0.1", "5000")
    assert "OMPI_COMM_WORLD_RANK" not in told


def test_mpi_has_open_mpis_variables():
    """v1 scripts of MPI read Open MPI's variables; node rank is its word for the rank on the node."""
    found = layout(communicator="Mpi", process_count_per_node=2)

    told = variables_of(found, found.ranks[1], ONE)

    names = ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE", "NODE_RANK")
    assert [told[f"OMPI_COMM_WORLD_{name}"] for name in names] == ["1", "2", "1", "2", "1"]
    assert told["AZ_BATCH_MASTER_NODE"] == "127.0.0.1:5000"


def test_tensorflow_is_told_the_cluster():
    """TF_CONFIG names each worker and parameter server, with a port of its own."""
    found = layout(communicator="ParameterServer", worker_count=2, parameter_server_count=1, node_count=2)

    told = json.loads(variables_of(found, found.ranks[2], TWO)["TF_CONFIG"])

    assert told == {
        "cluster": {"worker": ["10.0.0.1:5000", "10.0.0.2:6000"], "ps": ["10.0.0.1:5001"]},
        "task": {"type": "ps", "index": 0},
    }


def test_all_nodes_of_one_machine_are_one_node():
    """Where one machine has all nodes, local ranks are ranks: no two processes take the same device."""
    found = layout(communicator="nccl", process_count=4, node_count=2)

    told = variables_of(found, found.ranks[3], ONE, is_one_host=True)

    assert (told["LOCAL_RANK"], told["NODE_RANK"], told["LOCAL_WORLD_SIZE"]) == ("3", "0", "4")


def test_logs_are_named_as_in_v1():
    """Numbers have as many digits as the last rank."""
    assert log_name(layout(communicator="mpi", process_count_per_node=2), 1) == "user_logs/std_log_process_1.txt"
    assert log_name(layout(communicator="mpi", process_count_per_node=16), 1) == "user_logs/std_log_process_01.txt"
