"""Whether the driver of an embedded run is alive, and what happens to its run when it is not."""

from __future__ import annotations

import os

import pytest

from airflow_ml.execution.runner_lock import ENGINE_EMBEDDED, close_if_lost, lock_runner


@pytest.fixture
def driven(script, start):
    """A run that a process is said to drive."""
    return start(script("pass"), details={"engine": ENGINE_EMBEDDED})


def test_a_run_whose_driver_lives_is_left_alone(driven, services):
    """While the lock is held the run is as it is recorded."""
    descriptor = lock_runner(services.registry, driven.id)

    assert close_if_lost(services.registry, services.registry.runs.get(driven.id)).status == "NotStarted"
    os.close(descriptor)


def test_a_run_whose_driver_died_is_closed(driven, services):
    """When nobody holds the lock any more, the run and its folder are closed and cleared away."""
    os.close(lock_runner(services.registry, driven.id))

    closed = close_if_lost(services.registry, services.registry.runs.get(driven.id))

    assert closed.status == "Failed"
    assert closed.error["code"] == "RunnerLost"
    assert not driven.leftovers()


def test_a_run_of_another_machine_is_left_alone(driven, services):
    """Where the lock's file is not, nothing is known about the driver."""
    assert close_if_lost(services.registry, services.registry.runs.get(driven.id)).status == "NotStarted"


def test_a_run_that_a_service_drives_is_left_alone(script, start, services):
    """Only embedded runs have a driver of their own."""
    started = start(script("pass"), details={"engine": "service"})

    assert close_if_lost(services.registry, services.registry.runs.get(started.id)).status == "NotStarted"
