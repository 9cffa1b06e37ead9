"""What tasks say of their compute target: pool, slots, queue, executor, pod, and the tasks of other nodes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from airflow_ml.exceptions import ComputeTargetException, GraphError
from airflow_ml.graph import ComputeDeclaration, Graph, Json, Parameter, ParameterRef, Step, WorkspaceRef
from airflow_ml.translation.node_tasks import node_task_ids, refuse_nodes
from airflow_ml.translation.pools import pool_arguments


def graph_of(step: Step, **settings: Json) -> Graph:
    """Return a graph of one step, which declares the target `c` if settings of it are given."""
    declared = (ComputeDeclaration("c", "AmlCompute", settings),) if settings else ()
    parameters = (Parameter("n", "integer", 3),)
    return Graph("g", WorkspaceRef("w"), (step,), parameters=parameters, compute_declarations=declared)


def arguments(*, gpus: int | None = None, nodes: object = 1, **settings: Json) -> dict[str, Any]:
    """Return the operator's arguments of a step on the target `c`."""
    step = Step(
        *("s", "s", "python_script"),
        compute="c",
        run_settings={} if nodes == 1 else {"node_count": nodes},
        settings={} if gpus is None else {"gpus": gpus},
    )
    return pool_arguments(graph_of(step, **settings), step)


def test_a_step_without_a_target_is_any_task():
    """Nothing is said of a pool or queue, so Airflow's defaults hold."""
    step = Step("s", "s", "python_script")

    assert pool_arguments(graph_of(step), step) == {}


@pytest.mark.parametrize(
    ("asked", "slots"),
    [
        ({"vm_size": "STANDARD_D2_V2", "max_nodes": 4}, 1),
        ({"vm_size": "STANDARD_D2_V2", "max_nodes": 4, "nodes": 2}, 2),
        ({"vm_size": "STANDARD_NC12", "max_nodes": 4}, 2),
        ({"vm_size": "STANDARD_NC12", "max_nodes": 4, "gpus": 1}, 1),
        ({"vm_size": "STANDARD_NC12", "max_nodes": 4, "gpus": 0}, 1),
        ({"vm_size": "STANDARD_NC12", "max_nodes": 4, "nodes": 3}, 6),
        ({"vm_size": "STANDARD_NC12", "max_nodes": 4, "nodes": ParameterRef("n"), "gpus": 1}, 3),
        ({}, 1),
        ({"nodes": 2}, 2),
        ({"gpus": 2, "nodes": 2}, 4),
    ],
)
def test_slots_are_nodes_or_their_gpus(asked: dict[str, Any], slots: int):
    """A step takes a slot per node, and per GPU of each; of a target that is only named, per GPU that it names."""
    found = arguments(**asked)

    assert (found["pool"], found["queue"], found["pool_slots"]) == ("c", "c", slots)


def test_the_pools_description_says_what_the_scheduler_needs():
    """Nodes and GPUs stand in it where they are not the usual ones."""
    usual, other = arguments(), arguments(nodes=2, gpus=1, max_nodes=5)

    workspace = {"name": "w", "registry_url": None}
    assert json.loads(usual["compute_pool"]) == {"target": "c", "slots": None, "workspace": workspace}
    described = {"target": "c", "slots": 5, "workspace": workspace, "nodes": 2, "gpus": 1}
    assert json.loads(other["compute_pool"]) == described


def test_a_target_may_have_an_executor():
    """Airflow runs tasks by several executors; the target says which one."""
    assert arguments(max_nodes=1, executor="k8s")["executor"] == "k8s"
    assert "executor" not in arguments(max_nodes=1)


def test_kubernetes_needs_its_client(monkeypatch: pytest.MonkeyPatch):
    """Without Kubernetes' client the DAG file says what to install."""
    monkeypatch.setitem(sys.modules, "kubernetes", None)

    with pytest.raises(ComputeTargetException, match=r"'c': its launcher is 'kubernetes'.*cncf-kubernetes"):
        arguments(max_nodes=1, launcher="kubernetes")


@dataclass
class _Model:
    """Stands for a model of Kubernetes' client, which takes names and keeps them."""

    given: dict[str, Any]

    def __init__(self, **given: Any) -> None:
        self.given = given


def test_a_pod_has_the_size_of_a_node(monkeypatch: pytest.MonkeyPatch):
    """Limits and requests are the node's CPUs, memory and GPUs, for the container that Airflow calls `base`."""
    models = ModuleType("kubernetes.client.models")
    for name in ("V1Container", "V1ObjectMeta", "V1Pod", "V1PodSpec", "V1ResourceRequirements"):
        setattr(models, name, _Model)
    for name in ("kubernetes", "kubernetes.client", "kubernetes.client.models"):
        monkeypatch.setitem(sys.modules, name, models)

    found = arguments(vm_size="STANDARD_NC12", max_nodes=1, launcher="kubernetes", namespace="ml", gpus=1)

    pod = found["executor_config"]["pod_override"].given
    [container] = pod["spec"].given["containers"]
    amounts = {"cpu": "12", "memory": "112Gi", "nvidia.com/gpu": "1"}
    assert container.given["name"] == "base"
    assert container.given["resources"].given == {"requests": amounts, "limits": amounts}
    assert pod["metadata"].given == {"labels": {"airflow-ml.target": "c"}, "namespace": "ml"}


def test_other_nodes_have_tasks_of_their_own():
    """There is one for each node but the first, and none of another step's id."""
    step = Step("s", "s", "python_script", run_settings={"node_count": 3})
    graph = graph_of(step)
    clash = Graph("g", WorkspaceRef("w"), (step, Step("s-node-2", "x", "python_script")))

    assert node_task_ids(graph, step) == ["s-node-1", "s-node-2"]
    with pytest.raises(GraphError, match="the task of one of its nodes would be called 's-node-2', as another step is"):
        node_task_ids(clash, step)
    with pytest.raises(GraphError, match="node_count is 3, and a step that is written by hand is one task"):
        refuse_nodes(graph, step)
