"""`airflow-ml compute status`: who has which device of this machine, and who waits."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from airflow_ml.cli.main import main
from airflow_ml.compute.device_leases import DeviceLease
from airflow_ml.compute.device_locks import DeviceNote, open_lock
from airflow_ml.compute.device_queue import Turn, Wish

IDS = ("fake-0", "fake-1", "fake-2")


@pytest.fixture
def folder(home, monkeypatch) -> Path:
    """Three devices that are there in name alone; returns where their locks lie."""
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "fake:3")
    return home / "locks" / "devices"


def test_who_has_what_and_who_waits(folder, capsys):
    """A row for each device, and one for each of those who wait, in order."""
    holder = Turn(folder, Wish(2, IDS), "run-1", "step 'train'")
    lease = DeviceLease(holder.look({}), holder.run, holder.step)
    waiting = Turn(folder, Wish(3, IDS), "run-2", "step 'evaluate'")
    assert waiting.look({}) == []

    assert main(["compute", "status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    waiting.close()
    lease.give_back(is_clean=True)

    assert [line.split()[0] for line in lines[2:5]] == [*IDS]
    assert lines[2].split("fake device")[1].split()[:4] == ["leased", "step", "'train'", "run-1"]
    assert "free" in lines[4]
    assert lines[-1].split()[:5] == ["1", "step", "'evaluate'", "run-2", "3"]


def test_what_nobody_holds_is_free_whatever_is_written(folder, capsys):
    """A note without a lock is of a step that died; one about a fault counts for some minutes."""
    folder.mkdir(parents=True)
    for device, note in (
        ("fake-0", DeviceNote("run-1", "step 's'", time.time(), 1)),
        ("fake-1", DeviceNote("run-1", "step 's'", time.time(), 1, "lost it")),
        ("GPU-of-old", DeviceNote("run-1", "step 's'", time.time(), 1)),
    ):
        lock = open_lock(folder, device)
        lock.write(note)
        lock.close()

    main(["compute", "status", "--json"])
    document = json.loads(capsys.readouterr().out)

    assert [(item["id"], item["state"], item["reason"]) for item in document["devices"]] == [
        ("fake-0", "free", None),
        ("fake-1", "aside", "lost it"),
        ("fake-2", "free", None),
    ]
    assert document["waiting"] == []


def test_a_machine_without_devices_says_so(home, monkeypatch, capsys):
    """Nothing is made on a machine that has none."""
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "none")

    assert main(["compute", "status"]) == 0
    assert "has no devices" in capsys.readouterr().out
    assert not (home / "locks").exists()


def test_a_driver_that_does_not_answer_is_told(folder, monkeypatch, tmp_path, capsys):
    """The locks are shown all the same."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho broken >&2; exit 9\n")
    program.chmod(0o755)
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "nvidia")
    monkeypatch.setenv("PATH", str(tmp_path))
    folder.mkdir(parents=True)
    lock = open_lock(folder, "GPU-a")

    assert main(["compute", "status"]) == 1
    lock.close()
    told = capsys.readouterr()

    assert "broken" in told.err
    assert told.out.splitlines()[2].split() == ["GPU-a", "leased"]
