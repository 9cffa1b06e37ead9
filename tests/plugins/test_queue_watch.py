"""Queued tasks whose queue no worker serves, in a real metadata database."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

pytestmark = pytest.mark.airflow

TEAM = {"name": "team", "registry_url": None}


@pytest.fixture
def queued(registry: object, pool_sync: object, schedule: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a task of target `gpu` that Celery has had for an hour."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    from airflow_ml.plugins import queue_watch

    monkeypatch.setattr(queue_watch, "_LOOK_SECONDS", 0)
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    schedule("gpu", {"target": "gpu", "workspace": TEAM})
    pool_sync.look()
    before = datetime.now(timezone.utc) - timedelta(hours=1)
    with create_session() as session:
        session.execute(update(TaskInstance).values(state="queued", queue="gpu", queued_dttm=before))


def read_events() -> list[str]:
    """Return what Airflow's events say of queues, and forget them."""
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select

    from airflow_ml.plugins.queue_watch import EVENT

    with create_session() as session:
        found = [log.extra for log in session.scalars(select(Log).where(Log.event == EVENT, Log.task_id == "step"))]
        session.execute(delete(Log))
    return found


def test_a_queue_without_a_worker_is_said(queued: None) -> None:
    """The second look that finds nobody writes an event of the task, once, with the command that helps."""
    from airflow_ml.plugins.queue_watch import QueueWatch

    watch = QueueWatch(lambda: {"default"})

    watch.look()
    assert read_events() == []
    watch.look()
    QueueWatch(lambda: {"default"}).look()
    watch.look()

    (event,) = read_events()
    assert "queue 'gpu' of its compute target has no Celery worker" in event
    assert "airflow celery worker --queues gpu" in event


@pytest.mark.parametrize("served", [{"gpu"}, None])
def test_a_queue_that_is_served_or_not_known_is_left_alone(queued: None, served: set[str] | None) -> None:
    """Tasks may wait for a busy worker, and without an answer nothing is known."""
    from airflow_ml.plugins.queue_watch import QueueWatch

    watch = QueueWatch(lambda: served)
    watch.look()
    watch.look()

    assert read_events() == []


def test_other_executors_have_no_queues(queued: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """LocalExecutor runs all tasks on its machine: nobody is asked, and nothing is said."""
    from airflow_ml.plugins.queue_watch import QueueWatch, served_by_celery

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    watch = QueueWatch(lambda: set())
    watch.look()
    watch.look()

    assert served_by_celery() is None
    assert read_events() == []
