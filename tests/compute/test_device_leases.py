"""What is looked at between a device's lock and its use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.compute import device_leases
from airflow_ml.compute.device_leases import DeviceLease, find_hindrances, find_lost
from airflow_ml.compute.device_locks import open_lock, read_note
from airflow_ml.compute.devices import Device, Inventory
from airflow_ml.compute.keeper import MARKER_VARIABLE
from airflow_ml.exceptions import ServiceException

FAKES = Inventory((Device("fake-0"), Device("fake-1")))


@pytest.fixture
def locks(tmp_path: Path):
    """Return a function that takes devices' locks."""
    taken = []

    def take(*devices: str):
        found = [open_lock(tmp_path, device) for device in devices]
        taken.extend(found)
        return found

    yield take
    for lock in taken:
        lock.close()


def test_a_lease_is_noted_until_it_is_given_back(locks, tmp_path):
    """The file says who has the device; afterwards it is empty."""
    lease = DeviceLease(locks("fake-0"), "run", "step 's'")
    note = read_note(tmp_path, "fake-0")
    assert (note.run, note.step, note.pid) == ("run", "step 's'", os.getpid())

    lease.give_back(is_clean=True)
    lease.give_back(is_clean=True)

    assert (tmp_path / "fake-0.lock").read_bytes() == b""
    assert find_hindrances(locks("fake-0"), FAKES, 0, dict) == {}


def test_what_a_crashed_step_left_running_is_ended(locks, has_ended, marker):
    """A process that gave the lock away and outlived its keeper is ended before the device is used again."""
    DeviceLease(locks("fake-0"), marker, "step 's'").give_back(is_clean=False)
    left = subprocess.Popen(
        [sys.executable, "-c", "import signal; print(flush=True); signal.pause()"],
        env={**os.environ, MARKER_VARIABLE: marker},
        stdout=subprocess.PIPE,
    )
    left.stdout.readline()

    assert find_hindrances(locks("fake-0"), FAKES, 0, dict) == {}
    assert left.wait(10) < 0
    left.stdout.close()


def test_a_container_keeps_its_device(locks):
    """A container that outlived its keeper has its device still, whatever the lock says."""
    DeviceLease(locks("fake-0", "fake-1"), "run", "step 's'", in_container=True).give_back(is_clean=False)

    found = find_hindrances(locks("fake-0", "fake-1"), FAKES, 0, lambda: {"fake-1": "sleepy"})

    assert found == {"fake-1": "container sleepy still has it, of step 's' (run run)"}


def test_an_engine_that_does_not_answer_keeps_the_device(locks):
    """Nobody can say whether the container runs."""
    DeviceLease(locks("fake-0"), "run", "step 's'", in_container=True).give_back(is_clean=False)

    def fail() -> dict[str, str]:
        raise ServiceException("no engine")

    assert find_hindrances(locks("fake-0"), FAKES, 0, fail) == {"fake-0": "no engine"}


def test_a_device_of_somebody_else_is_not_used(locks, monkeypatch):
    """What the driver said is asked again if it spoke of a user, who may have been the last step."""
    asked = [Inventory((Device("GPU-a", users=("7 (x)",)),)), Inventory((Device("GPU-a"),))]
    before = asked[0]
    monkeypatch.setattr(device_leases, "take_inventory", lambda: asked.pop(0))
    lock = locks("GPU-a")

    assert "it is used by process 7 (x)" in find_hindrances(lock, before, 0, dict)["GPU-a"]
    assert find_hindrances(lock, before, 0, dict) == {}
    assert find_hindrances(lock, Inventory((Device("GPU-a"),)), 0, dict) == {}


def test_old_news_of_a_device_is_not_relied_on(locks, monkeypatch):
    """Who has waited looks at the device once more before it is used."""
    monkeypatch.setattr(device_leases, "take_inventory", lambda: Inventory())

    found = find_hindrances(locks("GPU-a"), Inventory((Device("GPU-a"),)), 60, dict)

    assert found == {"GPU-a": "the driver has lost it"}


def test_lost_devices_are_found(monkeypatch):
    """A device that the driver misses or complains of is lost; one that others use is not; fakes never are."""
    now = Inventory((Device("GPU-a", users=("7 (x)",)), Device("GPU-b", fault="broken")))
    monkeypatch.setattr(device_leases, "take_inventory", lambda: now)

    assert find_lost(["GPU-a", "GPU-b", "GPU-c"]) == {"GPU-b": "broken", "GPU-c": "the driver has lost it"}
    assert find_lost(["fake-0"]) == {}
