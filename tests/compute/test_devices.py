"""What a machine has: GPUs as nvidia-smi tells them, or declared devices."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.compute.devices import Device, take_inventory, visibility
from airflow_ml.exceptions import ComputeTargetException, ServiceException

GPUS = "GPU-aa, Tesla V100, 16160, 0\nGPU-bb, Tesla V100, 16160, 0\nGPU-cc, Tesla V100, 16160, 0\n"


@pytest.fixture
def nvidia_smi(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Write an nvidia-smi that says what it is told, and return an environment with it."""

    def write(gpus: str = GPUS, users: str = "", more: str = "") -> dict[str, str]:
        program = tmp_path / "nvidia-smi"
        query = f"case $1 in *compute-apps*) printf '%s' '{users}';; *) printf '%s' '{gpus}'; {more};; esac"
        program.write_text(f"#!/bin/sh\n{query}\n")
        program.chmod(0o755)
        return {"PATH": f"{tmp_path}:{os.defpath}"}

    return write


def test_gpus_are_known_by_their_uuid(nvidia_smi):
    """Each GPU has its UUID, its model, and the processes that compute on it."""
    found = take_inventory(nvidia_smi(users="GPU-bb, 41, python3\nGPU-bb, 42, /usr/bin/x\n"))

    assert found.rule == "required"
    assert found.devices == (
        Device("GPU-aa", "Tesla V100"),
        Device("GPU-bb", "Tesla V100", None, ("41 (python3)", "42 (/usr/bin/x)")),
        Device("GPU-cc", "Tesla V100"),
    )


@pytest.mark.parametrize(
    ("visible", "expected"),
    [("1", ["GPU-bb"]), ("2,0", ["GPU-cc", "GPU-aa"]), ("GPU-b", ["GPU-bb"]), ("", []), ("0,7,1", ["GPU-aa"])],
)
def test_a_worker_has_what_it_was_given(nvidia_smi, visible, expected):
    """CUDA_VISIBLE_DEVICES of the worker counts as CUDA reads it: up to the first word that names no device."""
    found = take_inventory({**nvidia_smi(), "CUDA_VISIBLE_DEVICES": visible})

    assert list(found.ids) == expected


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("GPU-aa, T4, [Unknown Error], 0", r"the driver says '\[Unknown Error\]' of it"),
        ("GPU-aa, T4, [GPU is lost], [GPU is lost]", "GPU is lost"),
        ("GPU-aa, T4, 16160, 3", "3 uncorrectable memory errors"),
    ],
)
def test_a_device_that_is_not_well_has_a_fault(nvidia_smi, row, words):
    """What the driver cannot tell of a device, and memory errors, keep it from being leased."""
    (device,) = take_inventory(nvidia_smi(row)).devices

    assert re.search(words, device.fault)


@pytest.mark.parametrize("value", ["[N/A]", "N/A", "[Not Supported]"])
def test_what_a_model_does_not_have_is_no_fault(nvidia_smi, value):
    """Devices without memory of their own, or without error correction, are well."""
    (device,) = take_inventory(nvidia_smi(f"GPU-aa, Orin, {value}, {value}")).devices

    assert device.fault is None


def test_a_driver_that_fails_is_worth_another_try(nvidia_smi):
    """Without any device to tell of, the driver's complaint is the error; with one, the others are lost."""
    with pytest.raises(ServiceException, match="nvidia-smi' failed: no driver; look at the driver"):
        take_inventory(nvidia_smi("", more="echo no driver >&2; exit 9"))

    assert take_inventory(nvidia_smi("GPU-aa, T4, 1, 0\n", more="exit 15")).ids == ("GPU-aa",)


def test_a_driver_that_hangs_is_given_up(nvidia_smi, monkeypatch):
    """A stopped step must not hang with the driver."""
    monkeypatch.setattr("airflow_ml.compute.nvidia._SECONDS", 0.2)

    with pytest.raises(ServiceException, match="does not answer within"):
        take_inventory(nvidia_smi(more="exec sleep 60"))


def test_a_machine_without_a_driver_has_no_devices(tmp_path):
    """Nothing says that it should have any, unless the setting does."""
    empty = {"PATH": str(tmp_path)}

    assert take_inventory(empty).rule == "optional"
    assert take_inventory({**empty, "AIRFLOW_ML_DEVICES": "nvidia"}).rule == "required"
    assert take_inventory({**empty, "AIRFLOW_ML_DEVICES": "none"}).rule == "waived"


@pytest.mark.parametrize("name", ["AIRFLOW_ML_DEVICES", "AIRFLOW__AIRFLOW_ML__DEVICES"])
def test_devices_can_be_declared(name):
    """`fake:2` stands for two devices that are there in name alone, whatever the machine has."""
    found = take_inventory({name: "fake:2"})

    assert (found.ids, found.rule) == (("fake-0", "fake-1"), "required")
    assert all(device.is_fake for device in found.devices)


@pytest.mark.parametrize("value", ["4", "fake", "fake:-1", "fake:100", "amd"])
def test_another_setting_is_refused(value):
    """The text quotes the value and says what can be given."""
    with pytest.raises(ComputeTargetException, match=f"AIRFLOW_ML_DEVICES='{value}'"):
        take_inventory({"AIRFLOW_ML_DEVICES": value})


def test_a_script_sees_its_devices_alone():
    """CUDA and the container runtime have different words for none."""
    assert visibility(("GPU-aa", "GPU-bb")) == {
        "CUDA_VISIBLE_DEVICES": "GPU-aa,GPU-bb",
        "NVIDIA_VISIBLE_DEVICES": "GPU-aa,GPU-bb",
    }
    assert visibility(()) == {"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}
