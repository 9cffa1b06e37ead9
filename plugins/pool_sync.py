"""
A pool for every compute target that tasks wait for, made without anybody's doing.

Airflow never queues a task whose pool is not there, and says so in the scheduler's log alone. A thread in the API
server therefore looks every few seconds for tasks that wait so, reads from their serialized operators which compute
target the pool stands for, and makes it. It also lets in who is overtaken there (`airflow_ml.plugins.pool_turns`), and
says whose queue has no worker (`airflow_ml.plugins.queue_watch`).

A pool is made once and then follows its compute target, until somebody changes its slots or its description by hand:
from then on it is left alone. Any number of API servers may do this at the same time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow.configuration import conf
from airflow.exceptions import DeserializationError
from airflow.models.dagbag import DBDagBag
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from airflow_ml.exceptions import AzureMLException
from airflow_ml.plugins.pool_descriptions import FIELD, POOL_MARK, PoolDescription, find_slots, find_task_slots
from airflow_ml.plugins.pool_turns import PoolTurns
from airflow_ml.plugins.queue_watch import QueueWatch

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

__all__ = ["PoolSync", "running_pool_sync"]

logger = logging.getLogger(__name__)

#: Seconds until a pool that is there, or whose slots could not be found out, is looked at again.
_PATIENCE = 20.0

#: Tasks whose descriptions are kept; each is some hundred bytes.
_REMEMBERED = 10_000

#: Different tasks that are asked for one pool's description; people may use pools of the same name for theirs.
_ASKED = 20


@contextmanager
def running_pool_sync() -> Iterator[None]:
    """
    Keep pools in step with compute targets while the block runs.

    Airflow's setting `[airflow_ml] pool_sync_interval` is the number of seconds between two looks; 0 switches it off.
    """
    interval = conf.getfloat("airflow_ml", "pool_sync_interval", fallback=2.0)
    if interval <= 0:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=PoolSync().run, args=(stop, interval), name="airflow-ml-pools", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        # A look may hang in a database that does not answer; the server's end does not wait for it.
        thread.join(timeout=1)


@dataclass(frozen=True)
class _Wanted:
    """A pool that tasks wait for: what there is of it (`slots` None: nothing), and the most that one of them takes."""

    name: str
    slots: int | None
    text: str | None
    at_least: int
    description: PoolDescription


class PoolSync:
    """Looks for pools to be made or changed; one thread's."""

    def __init__(self) -> None:
        self._described: dict[tuple[object, str], PoolDescription | None] = {}
        self._next_look: dict[str, float] = {}
        self._trouble: dict[str, str] = {}
        self._turns = PoolTurns(self._description_of)
        self._queues = QueueWatch()

    def run(self, stop: threading.Event, interval: float) -> None:
        """Look again and again until `stop` is set; whatever happens, it goes on."""
        while not stop.wait(interval):
            self._look_once()

    def _look_once(self) -> None:
        try:
            self.look()
            self._queues.look()
        except Exception as error:  # noqa: BLE001 - the end of a thread; the API server must not feel this one
            self._report("", f"pools of compute targets were not looked at: {_first_line(error)}")
        else:
            self._report("", None)

    def look(self) -> None:
        """Make the pools that are missing now, change those whose target has changed, and let in who is overtaken."""
        with create_session(scoped=False) as session:
            wanted = list(self._waiting(session))
            doubtful = self._turns.doubtful(session)
            self._turns.look(session)
        # No connection to Airflow's database is held while a registry is asked, which may take its time.
        for item in wanted:
            self._settle(item)
        for task, description in doubtful.items():
            self._recall(task, description)

    def _waiting(self, session: Session) -> Iterator[_Wanted]:
        """Find pools of tasks that wait to be queued: those that are missing, and those that we made."""
        rows = session.execute(
            select(TaskInstance.pool, Pool.slots, Pool.description, func.max(TaskInstance.pool_slots))
            .join(Pool, Pool.pool == TaskInstance.pool, isouter=True)
            .where(TaskInstance.state == TaskInstanceState.SCHEDULED)
            .where(or_(Pool.pool.is_(None), Pool.description.like(f"{POOL_MARK}%")))
            .group_by(TaskInstance.pool, Pool.slots, Pool.description)
        ).all()
        for name, slots, text, at_least in rows:
            if time.monotonic() >= self._next_look.get(name, 0.0):
                description = self._description(session, name)
                if description is not None:
                    yield _Wanted(name, slots, text, at_least, description)

    def _description(self, session: Session, pool: str) -> PoolDescription | None:
        """Return what one of the tasks that wait for the pool says of it."""
        tasks = session.execute(
            select(TaskInstance.dag_version_id, TaskInstance.task_id)
            .where(TaskInstance.state == TaskInstanceState.SCHEDULED, TaskInstance.pool == pool)
            .distinct()
            .limit(_ASKED)
        ).all()
        for version_id, task_id in tasks:
            description = None if version_id is None else self._description_of(session, version_id, task_id)
            if description is not None and description.target == pool:
                return description
        return None

    def _description_of(self, session: Session, version_id: UUID, task_id: str) -> PoolDescription | None:
        if (version_id, task_id) not in self._described:
            self._learn(session, version_id, task_id)
        return self._described.get((version_id, task_id))

    def _learn(self, session: Session, version_id: UUID, task_id: str) -> None:
        """Read a version of a DAG once, and keep what its tasks say."""
        if len(self._described) > _REMEMBERED:
            self._described.clear()
        found = _descriptions(version_id, session)
        self._described[version_id, task_id] = None
        self._described.update({(version_id, other_id): description for other_id, description in found.items()})

    def _settle(self, wanted: _Wanted) -> None:
        """Make or change one pool; what fails is tried again, and keeps nobody else's pool waiting."""
        try:
            self._bring_up_to_date(wanted)
        except AzureMLException as error:
            self._report(wanted.name, f"pool {wanted.name!r} of a compute target is not made: {error}")
        except SQLAlchemyError as error:
            self._report(
                wanted.name, f"pool {wanted.name!r} of a compute target cannot be written: {_first_line(error)}"
            )
            return
        else:
            self._report(wanted.name, None)
        # Written, or a registry is not ready, which takes longer to change than a database's lock.
        self._next_look[wanted.name] = time.monotonic() + _PATIENCE

    def _recall(self, task: UUID, description: PoolDescription) -> None:
        """Have a task that was let in before this process began count as what it takes."""
        try:
            self._turns.remember(task, find_task_slots(description))
        except AzureMLException as error:
            self._report(description.target, f"what a task takes of pool {description.target!r} is not known: {error}")

    def _bring_up_to_date(self, wanted: _Wanted) -> None:
        """
        Make or change one pool, and look at its target again afterwards.

        Between reading a target and writing its pool somebody else may have done both, so that this thread's write is
        the older one; whoever writes last looks last.
        """
        while True:
            slots = find_slots(wanted.description, wanted.at_least)
            text = wanted.description.pool_text(slots)
            if wanted.slots is None:
                _make(wanted.name, slots, text)
            elif wanted.slots != slots and wanted.text == wanted.description.pool_text(wanted.slots):
                _change(wanted, slots, text)
            else:
                return
            wanted = replace(wanted, slots=slots, text=text)

    def _report(self, subject: str, trouble: str | None) -> None:
        """Log a trouble when it begins, not again while it lasts, and its end."""
        before = self._trouble.pop(subject, None)
        if trouble is not None:
            self._trouble[subject] = trouble
        if trouble is not None and before is None:
            logger.warning("%s", trouble)
        elif trouble is None and before is not None:
            logger.info("over: %s", before)


def _first_line(error: Exception) -> str:
    """Return an error in one line, without the statement that SQLAlchemy puts behind it."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def _descriptions(version_id: UUID, session: Session) -> dict[str, PoolDescription | None]:
    """Return what each task of a DAG says; a mapped task has it among the arguments that all its copies share."""
    try:
        dag = DBDagBag(load_op_links=False).get_dag(version_id, session=session)
    except DeserializationError as error:
        logger.debug("a DAG whose tasks wait for pools cannot be read: %s", error)
        dag = None
    return {
        task_id: PoolDescription.from_data(getattr(task, FIELD, None) or getattr(task, "partial_kwargs", {}).get(FIELD))
        for task_id, task in (dag.task_dict.items() if dag is not None else ())
    }


def _make(name: str, slots: int, text: str) -> None:
    try:
        with create_session(scoped=False) as session:
            # A step that is deferred still uses its compute target.
            session.add(Pool(pool=name, slots=slots, description=text, include_deferred=True))
    except IntegrityError:
        logger.debug("pool %r was made by another API server", name)
    else:
        logger.info("made pool %r with %d slots (%s)", name, slots, text)


def _change(wanted: _Wanted, slots: int, text: str) -> None:
    """Change the pool, unless somebody has changed it since it was looked at."""
    as_seen = (Pool.pool == wanted.name, Pool.slots == wanted.slots, Pool.description == wanted.text)
    with create_session(scoped=False) as session:
        session.execute(update(Pool).where(*as_seen).values(slots=slots, description=text))
    logger.info("pool %r has %d slots now, it had %s (%s)", wanted.name, slots, wanted.slots, text)
