"""What a compute target's settings say."""

from __future__ import annotations

import pytest

from airflow_ml.compute.targets import TargetSettings
from airflow_ml.exceptions import ComputeTargetException


def test_target_without_settings_is_one_worker() -> None:
    """A target of which nothing is known is one machine, whole, with the process launcher."""
    target = TargetSettings.read("cpu", "AmlCompute", {})

    assert (target.launcher, target.node, target.max_nodes, target.slots, target.queue) == (
        "process",
        None,
        1,
        1,
        "cpu",
    )
    assert (target.gpus_per_node, target.executor, target.priority, target.idle_seconds) == (0, None, "dedicated", None)


def test_gpus_of_the_size_are_counted() -> None:
    """A pool of GPU nodes has a slot for each GPU."""
    target = TargetSettings.read("gpu", "AmlCompute", {"vm_size": "STANDARD_NC12", "max_nodes": 3})

    assert (target.gpus_per_node, target.slots_per_node, target.slots) == (2, 2, 6)


def test_gpus_of_an_own_machine_are_counted() -> None:
    """A machine that has none of Azure's sizes says its GPUs itself."""
    target = TargetSettings.read("box", "Remote", {"gpus": 4})

    assert (target.node, target.gpus_per_node, target.slots) == (None, 4, 4)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"launcher": "ssh"}, "compute target 'cpu': launcher is 'ssh', expected one of process, docker, kubernetes"),
        ({"vm_size": "NC7"}, "compute target 'cpu': vm_size 'NC7' is not a known VM size"),
    ],
)
def test_wrong_settings_name_the_target(settings: dict[str, object], expected: str) -> None:
    """Settings that cannot be are refused with the target's name."""
    with pytest.raises(ComputeTargetException, match=expected):
        TargetSettings.read("cpu", "AmlCompute", settings)  # type: ignore[arg-type]
