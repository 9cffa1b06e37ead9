"""Slots of the pools that compute targets become."""

from pathlib import Path

import pytest

from airflow_ml.compute.targets import TargetSettings
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import open_registry


@pytest.mark.parametrize(
    ("settings", "slots"),
    [
        ({"vm_size": "STANDARD_D2_V2", "max_nodes": 4}, 4),
        ({"vm_size": "STANDARD_NC12", "max_nodes": 3}, 6),
        ({"vm_size": "STANDARD_NV4as_v4", "max_nodes": 2}, 2),
        ({"max_nodes": 5}, 5),
        ({"vm_size": "STANDARD_NC24"}, 4),
        ({}, 1),
    ],
)
def test_slots_are_nodes_or_their_gpus(home: Path, settings: dict[str, object], slots: int):
    """A CPU target has a slot per node, a GPU target one per device, a single machine counts as one node."""
    with open_registry(WorkspaceRef("ml")) as registry:
        target = registry.compute_targets.put("cluster", type="AmlCompute", settings=settings)

    assert TargetSettings.read(target.name, target.type, target.settings).slots == slots
