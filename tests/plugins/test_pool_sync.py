"""Pools for compute targets, made in a real metadata database."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.registry import Registry

pytestmark = pytest.mark.airflow

TEAM = {"name": "team", "registry_url": None}


def read_pools() -> dict[str, int]:
    """Return the slots of every pool."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    with create_session() as session:
        return {pool.pool: pool.slots for pool in Pool.get_pools(session=session)}


def change_pool(name: str, **values: object) -> None:
    """Change a pool as somebody does on Airflow's page."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(Pool).where(Pool.pool == name).values(**values))


def put_target(registry: Registry, name: str, max_nodes: int, vm_size: str = "STANDARD_DS3_V2") -> None:
    """Record a cluster."""
    registry.compute_targets.put(name, type="AmlCompute", settings={"vm_size": vm_size, "max_nodes": max_nodes})


def test_a_registered_target_becomes_a_pool(registry: Registry, pool_sync: object, schedule: Callable) -> None:
    """The registry says how many nodes there are, even if the DAG file says otherwise."""
    put_target(registry, "cpu", 5)
    schedule("cpu", {"target": "cpu", "slots": 2, "workspace": TEAM})

    pool_sync.look()

    assert read_pools() == {"cpu": 5}


def test_gpus_are_slots(registry: Registry, pool_sync: object, schedule: Callable) -> None:
    """A cluster of GPU nodes has as many slots as GPUs."""
    put_target(registry, "gpu", 3, "STANDARD_NC12s_v3")
    schedule("gpu", {"target": "gpu", "slots": None, "workspace": TEAM})

    pool_sync.look()

    assert read_pools() == {"gpu": 6}


def test_a_declared_target_becomes_a_pool(registry: Registry, pool_sync: object, schedule: Callable) -> None:
    """A target that is only declared in the DAG file has the slots of its declaration."""
    schedule("cpu", {"target": "cpu", "slots": 7, "workspace": TEAM})

    pool_sync.look()

    assert read_pools() == {"cpu": 7}


def test_a_target_that_nobody_knows_lets_the_task_start(
    registry: Registry, pool_sync: object, schedule: Callable
) -> None:
    """Its task must not wait for ever: it gets the slots that it takes, starts, and says what is wrong."""
    schedule("unknown", {"target": "unknown", "workspace": TEAM}, pool_slots=3)

    pool_sync.look()

    assert read_pools() == {"unknown": 3}


@pytest.mark.parametrize(
    "description", [None, "", "{{ x }}", {"target": "other", "workspace": TEAM}, {"target": "mine"}, {"target": 1}]
)
def test_other_peoples_pools_are_not_made(
    registry: Registry, pool_sync: object, schedule: Callable, description: object
) -> None:
    """A missing pool that is no compute target's stays missing, as Airflow wants it."""
    schedule("mine", description)

    pool_sync.look()

    assert read_pools() == {}


def test_a_pool_follows_its_target(registry: Registry, pool_sync: object, schedule: Callable) -> None:
    """When the cluster grows, so does the pool that was made for it, while tasks wait for it."""
    put_target(registry, "cpu", 1)
    schedule("cpu", {"target": "cpu", "workspace": TEAM})
    pool_sync.look()
    put_target(registry, "cpu", 4)

    type(pool_sync)().look()

    assert read_pools() == {"cpu": 4}


def test_an_older_value_does_not_stay(
    registry: Registry, pool_sync: object, schedule: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target that changes between being read and its pool being written is read again."""
    from airflow_ml.plugins import pool_sync as module

    put_target(registry, "cpu", 4)
    schedule("cpu", {"target": "cpu", "workspace": TEAM})
    read, changes = module.find_slots, [6, 8]

    def change_behind(description: object, at_least: int) -> int:
        slots = read(description, at_least)
        if changes:
            put_target(registry, "cpu", changes.pop(0))
        return slots

    monkeypatch.setattr(module, "find_slots", change_behind)
    pool_sync.look()

    assert read_pools() == {"cpu": 8}


@pytest.mark.parametrize("change", [{"slots": 2}, {"description": "ours"}])
def test_a_pool_that_somebody_changed_is_left_alone(
    registry: Registry, pool_sync: object, schedule: Callable, change: dict
) -> None:
    """Slots or description changed by hand make the pool somebody's own."""
    put_target(registry, "cpu", 9)
    schedule("cpu", {"target": "cpu", "workspace": TEAM})
    pool_sync.look()
    change_pool("cpu", **change)
    put_target(registry, "cpu", 4)

    type(pool_sync)().look()

    assert read_pools() == {"cpu": change.get("slots", 9)}


def test_many_servers_at_once(registry: Registry, pool_sync: object, schedule: Callable) -> None:
    """API servers that look at the same moment make the pool once, and none of them fails."""
    put_target(registry, "cpu", 5)
    schedule("cpu", {"target": "cpu", "workspace": TEAM})
    barrier, failures = threading.Barrier(4), []

    def look() -> None:
        barrier.wait()
        try:
            type(pool_sync)().look()
        except Exception as error:  # noqa: BLE001 - what the test is about
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (read_pools(), failures) == ({"cpu": 5}, [])


def test_a_registry_that_cannot_be_read_is_said_once(
    home: Path, pool_sync: object, schedule: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    """The trouble is logged when it begins, the look goes on, and a declaration is enough without a registry."""
    schedule("cpu", {"target": "cpu", "workspace": {"name": "nowhere"}})
    schedule("gpu", {"target": "gpu", "slots": 2, "workspace": {"name": "nowhere"}}, dag_id="other")

    with caplog.at_level(logging.INFO, "airflow_ml.plugins.pool_sync"):
        for _ in range(3):
            pool_sync._next_look.clear()
            pool_sync.look()

    assert read_pools() == {"gpu": 2}
    assert len([record for record in caplog.records if "'cpu'" in record.getMessage()]) == 1


def test_a_locked_database_stops_nothing(
    airflow_database: Path, registry: Registry, pool_sync: object, schedule: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    """While another process holds the database, the thread goes on trying; afterwards the pool is made."""
    put_target(registry, "cpu", 5)
    schedule("cpu", {"target": "cpu", "workspace": TEAM})
    other, stop = sqlite3.connect(airflow_database), threading.Event()
    other.execute("BEGIN EXCLUSIVE")
    thread = threading.Thread(target=pool_sync.run, args=(stop, 0.05))
    thread.start()
    while not caplog.records:
        stop.wait(0.05)
    other.rollback()
    while not any("over: " in record.getMessage() for record in caplog.records):
        stop.wait(0.05)
    stop.set()
    thread.join()

    assert read_pools() == {"cpu": 5}
    assert "database is locked" in caplog.text


def test_the_look_reads_one_index(airflow_database: Path, pool_sync: object) -> None:
    """However many task instances there were, a look reads those that wait."""
    from airflow.utils.session import create_session

    statements = []
    with create_session() as session:
        session.connection().connection.dbapi_connection.set_trace_callback(statements.append)
        list(pool_sync._waiting(session))
        session.connection().connection.dbapi_connection.set_trace_callback(None)
    looked = [statement for statement in statements if statement.startswith("SELECT")]
    plan = sqlite3.connect(airflow_database).execute(f"EXPLAIN QUERY PLAN {looked[0]}").fetchall()

    assert len(looked) == 1
    assert "SEARCH task_instance USING INDEX ti_state (state=?)" in [row[3] for row in plan]


def set_state(dag_id: str, state: str) -> None:
    """Move the one task of a DAG on."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(TaskInstance).where(TaskInstance.dag_id == dag_id).values(state=state))


def read_task_slots() -> dict[str, int]:
    """Return how many slots of its pool each DAG's one task takes."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return dict(session.execute(select(TaskInstance.dag_id, TaskInstance.pool_slots)).all())


@pytest.fixture
def full_pool(registry: Registry, pool_sync: object, schedule: Callable) -> None:
    """Make a pool of four GPUs, three of which are used by small tasks."""
    put_target(registry, "gpu", 1, "STANDARD_NC24")
    for number in range(3):
        schedule("gpu", {"target": "gpu", "workspace": TEAM, "gpus": 1}, dag_id=f"small-{number}")
    pool_sync.look()
    for number in range(3):
        set_state(f"small-{number}", "running")


def test_a_large_task_is_not_overtaken_for_ever(full_pool: None, pool_sync: object, schedule: Callable) -> None:
    """Who needs more slots than are free gets the next one, as small ones do, and counts in full once it is in."""
    for dag_id in ("large", "larger"):
        schedule("gpu", {"target": "gpu", "workspace": TEAM}, pool_slots=4, dag_id=dag_id)

    pool_sync.look()
    taken = read_task_slots()
    assert sorted([taken["large"], taken["larger"]]) == [1, 4]  # one at a time
    first = min(("large", "larger"), key=taken.__getitem__)
    set_state(first, "queued")
    pool_sync.look()

    assert read_task_slots()[first] == 4


@pytest.mark.parametrize("state", ["scheduled", "running"])
@pytest.mark.parametrize("description", [{}, {"gpus": 4}])
def test_a_restart_does_not_forget_what_a_task_takes(
    full_pool: None, pool_sync: object, schedule: Callable, description: dict, state: str
) -> None:
    """Who was let in by an API server that has ended counts in full, as its operator or its target says."""
    from airflow_ml.plugins.pool_sync import PoolSync

    schedule("gpu", {"target": "gpu", "workspace": TEAM, **description}, pool_slots=4, dag_id="large")
    pool_sync.look()
    assert read_task_slots()["large"] == 1
    set_state("large", state)

    restarted = PoolSync()
    restarted.look()
    set_state("large", "running")
    restarted.look()

    assert read_task_slots() == {"small-0": 1, "small-1": 1, "small-2": 1, "large": 4}


@pytest.mark.parametrize(("slots", "description"), [(1, {"gpus": 1}), (2, {"nodes": 2})])
def test_others_take_what_they_say(
    full_pool: None, pool_sync: object, schedule: Callable, slots: int, description: dict
) -> None:
    """A small task needs no help, and nodes of two steps could wait for each other's devices."""
    schedule("gpu", {"target": "gpu", "workspace": TEAM, **description}, pool_slots=slots, dag_id="other")

    pool_sync.look()

    assert read_task_slots()["other"] == slots


def test_a_task_that_fits_takes_what_it_says(full_pool: None, pool_sync: object, schedule: Callable) -> None:
    """Where enough slots are free, nobody is overtaken."""
    set_state("small-0", "success")
    schedule("gpu", {"target": "gpu", "workspace": TEAM}, pool_slots=2, dag_id="large")

    pool_sync.look()

    assert read_task_slots()["large"] == 2
