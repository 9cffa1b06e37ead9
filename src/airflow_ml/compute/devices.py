"""
The GPUs of this machine, and devices that are declared where there are none.

GPUs are asked for by `nvidia-smi`, which comes with the driver and is in every container that the NVIDIA runtime hands
devices to. AIRFLOW_ML_DEVICES says otherwise: `fake:4` declares devices that are there in name alone, `nvidia` insists
on GPUs, and `none` lets steps do without.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from airflow_ml.compute import nvidia
from airflow_ml.exceptions import ComputeTargetException

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEVICES_VARIABLE", "FAKE_PREFIX", "Device", "Inventory", "take_inventory", "visibility"]

DEVICES_VARIABLE = "AIRFLOW_ML_DEVICES"
#: The same setting as Airflow spells the option `devices` of its section `[airflow_ml]` in an environment.
_AIRFLOW_VARIABLE = "AIRFLOW__AIRFLOW_ML__DEVICES"
#: How ids of devices begin that are there in name alone; no container can be given one.
FAKE_PREFIX = "fake-"

_MOST_FAKES = 64
#: There with the driver; without `nvidia-smi` the GPUs behind it cannot be told apart.
_DRIVER = Path("/dev/nvidiactl")


@dataclass(frozen=True)
class Device:
    """
    One device.

    Attributes:
        id: a GPU's UUID, which stays the same when another one is lost; `fake-0` and so on for fakes.
        name: the model.
        fault: why no step can use it now; None for a device that is well.
        users: processes that compute on it, whoever they belong to.
    """

    id: str
    name: str = ""
    fault: str | None = None
    users: tuple[str, ...] = ()

    @property
    def is_fake(self) -> bool:
        """Whether it is there in name alone."""
        return self.id.startswith(FAKE_PREFIX)


@dataclass(frozen=True)
class Inventory:
    """
    What this machine has.

    Attributes:
        rule: whether steps must get the devices that they ask for (`required`), may do without because nothing says
            that the machine has any (`optional`), or shall do without (`waived`).
    """

    devices: tuple[Device, ...] = ()
    rule: Literal["required", "optional", "waived"] = "required"

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all devices, in the machine's order."""
        return tuple(device.id for device in self.devices)


def take_inventory(environment: Mapping[str, str] | None = None) -> Inventory:
    """
    Return the devices that steps of this worker may use; a GPU worker's own CUDA_VISIBLE_DEVICES limits them.

    Args:
        environment: default: this process' own.

    Raises:
        ServiceException: the driver does not answer.
        ComputeTargetException: the setting has another form, or GPUs are there that cannot be asked for.
    """
    variables = os.environ if environment is None else environment
    setting = (variables.get(DEVICES_VARIABLE) or variables.get(_AIRFLOW_VARIABLE) or "").strip()
    if setting == "none":
        return Inventory(rule="waived")
    fakes = re.fullmatch(r"fake:(\d{1,3})", setting)
    if fakes:
        return Inventory(_fakes(int(fakes[1])))
    if setting not in ("", "nvidia"):
        raise ComputeTargetException(
            f"{DEVICES_VARIABLE}={setting!r}: expected 'nvidia', 'none' or 'fake:' and a number, such as 'fake:4'"
        )
    return _gpus(variables, is_required=setting == "nvidia")


def visibility(ids: tuple[str, ...]) -> dict[str, str]:
    """
    Return the variables by which CUDA, and NVIDIA's container runtime, see these devices and no others.

    UUIDs, because numbers shift when a device is lost; `void` is the runtime's word for none.
    """
    return {"CUDA_VISIBLE_DEVICES": ",".join(ids), "NVIDIA_VISIBLE_DEVICES": ",".join(ids) or "void"}


def _fakes(count: int) -> tuple[Device, ...]:
    if count > _MOST_FAKES:
        raise ComputeTargetException(f"{DEVICES_VARIABLE}='fake:{count}': at most {_MOST_FAKES} devices are declared")
    return tuple(Device(f"{FAKE_PREFIX}{number}", "fake device") for number in range(count))


def _gpus(variables: Mapping[str, str], *, is_required: bool) -> Inventory:
    program = shutil.which("nvidia-smi", path=variables.get("PATH", os.defpath))
    if program is None and _DRIVER.exists():
        raise ComputeTargetException(
            f"this machine has an NVIDIA driver ({_DRIVER}), but its nvidia-smi is not on the worker's PATH; put it"
            f" there, or say {DEVICES_VARIABLE}=none to use no GPU"
        )
    if program is None:
        return Inventory(rule="required" if is_required else "optional")
    found = [Device(gpu.uuid, gpu.name, gpu.fault, gpu.users) for gpu in nvidia.ask(program)]
    visible = variables.get("CUDA_VISIBLE_DEVICES")
    return Inventory(tuple(found if visible is None else _visible(found, visible)))


def _visible(found: list[Device], visible: str) -> list[Device]:
    """Return what CUDA would see with this value: numbers or beginnings of UUIDs, up to the first that is neither."""
    chosen: list[Device] = []
    for word in filter(None, (part.strip() for part in visible.split(","))):
        if word.isdecimal():
            device = found[int(word)] if int(word) < len(found) else None
        else:
            device = next((device for device in found if device.id.startswith(word)), None)
        if device is None:
            break
        if device not in chosen:
            chosen.append(device)
    return chosen
