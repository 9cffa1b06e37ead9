"""What the scheduler is told of tasks whose DAG file only names their compute target."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import open_registry
from airflow_ml.translation import task_mutation


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Forget what was read for an earlier test."""
    task_mutation._known.clear()
    yield
    task_mutation._known.clear()


def mutated(*, pool: str = "gpu", workspace: str = "ml", **more: object) -> SimpleNamespace:
    """Return a task instance of a step on the target `gpu`, as the hook leaves it."""
    described = {"target": "gpu", "slots": None, "workspace": {"name": workspace, "registry_url": None}, **more}
    task = SimpleNamespace(compute_pool=json.dumps(described))
    instance = SimpleNamespace(task=task, task_id="train", pool=pool, pool_slots=1, executor=None)
    task_mutation.task_instance_mutation_hook(instance)
    return instance


@pytest.fixture
def target(home: Path) -> None:
    """Record a target of two GPUs a node."""
    with open_registry(WorkspaceRef("ml")) as registry:
        settings = {"vm_size": "STANDARD_NC12", "max_nodes": 4, "executor": "far"}
        registry.compute_targets.put("gpu", type="AmlCompute", settings=settings)


def test_a_named_target_gives_its_slots(target: None):
    """The registry knows the size that the DAG file did not say."""
    assert (mutated().pool_slots, mutated().executor) == (2, "far")
    assert mutated(nodes=3).pool_slots == 6
    assert mutated(nodes=3, gpus=1).pool_slots == 3


def test_tasks_that_were_put_elsewhere_stay(target: None):
    """A team that gives a step another pool means it."""
    assert mutated(pool="default_pool").pool_slots == 1


def test_other_tasks_and_lost_registries_do_no_harm(home: Path):
    """The scheduler goes on whatever the hook meets, and is not kept waiting for each task anew."""
    task_mutation.task_instance_mutation_hook(SimpleNamespace(task=None, task_id="other"))

    assert mutated(workspace="nowhere").pool_slots == 1
    assert [found for _, found in task_mutation._known.values()] == [None]
