"""
A pool for every compute target that tasks wait for, made without anybody's doing.

Airflow never queues a task whose pool is not there, and says so in the scheduler's log alone. A thread in the API
server therefore looks every few seconds for tasks that wait so, reads from their serialized operators which compute
target the pool stands for, and makes it. Pools of DAGs that have been parsed but not run are made as well, so that a
first run has nothing to wait for.

A pool is made once and then follows its compute target, until somebody changes its slots or its description by hand:
from then on it is left alone. Any number of API servers may do this at the same time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.configuration import conf
from airflow.models.dagbag import DBDagBag
from airflow.models.dagwarning import DagWarning, DagWarningType
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError

from airflow_ml.exceptions import AzureMLException
from airflow_ml.plugins.pool_descriptions import FIELD, PoolDescription, slots_of

if TYPE_CHECKING:
    from airflow.serialization.definitions.dag import SerializedDAG
    from sqlalchemy.orm import Session

__all__ = ["PoolSync", "running_pool_sync"]

logger = logging.getLogger(__name__)

#: Seconds until a pool that is there, or whose slots could not be found out, is looked at again.
_PATIENCE = 20.0

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
    """A pool that tasks name: what there is of it (`slots` None: nothing), and the slots that one task takes."""

    name: str
    slots: int | None
    text: str | None
    at_least: int
    description: PoolDescription


class PoolSync:
    """Looks for pools to be made or changed; one thread's."""

    def __init__(self) -> None:
        self._dags = DBDagBag(load_op_links=False)
        self._described: dict[tuple[object, str], PoolDescription | None] = {}
        self._warnings: dict[str, str] = {}
        self._next_look: dict[str, float] = {}
        self._trouble: dict[str, str] = {}

    def run(self, stop: threading.Event, interval: float) -> None:
        """Look again and again until `stop` is set; whatever happens, it goes on."""
        while not stop.wait(interval):
            try:
                self.look()
                self._report("", None)
            except Exception as error:  # noqa: BLE001 - the end of a thread; the API server must not feel this one
                self._report("", f"pools of compute targets were not looked at: {type(error).__name__}: {error}")

    def look(self) -> None:
        """Make the pools that are missing now, and change those whose compute target has changed."""
        with create_session(scoped=False) as session:
            wanted = {item.name: item for item in [*self._announced(session), *self._waiting(session)]}
        # No connection to Airflow's database is held while a registry is asked, which may take its time.
        for item in wanted.values():
            try:
                self._settle(item)
                self._report(item.name, None)
            except AzureMLException as error:
                self._report(item.name, f"pool {item.name!r} of a compute target is not made: {error}")

    def _waiting(self, session: Session) -> Iterator[_Wanted]:
        """Find pools of tasks that wait to be queued: those that are missing, and those that we made."""
        rows = session.execute(
            select(TaskInstance.pool, Pool.slots, Pool.description, func.max(TaskInstance.pool_slots))
            .join(Pool, Pool.pool == TaskInstance.pool, isouter=True)
            .where(TaskInstance.state == TaskInstanceState.SCHEDULED)
            .where(or_(Pool.pool.is_(None), Pool.description.like("airflow-ml: %")))
            .group_by(TaskInstance.pool, Pool.slots, Pool.description)
        ).all()
        for name, slots, text, at_least in rows:
            if self._is_due(name):
                description = self._description(session, name)
                if description is not None:
                    yield _Wanted(name, slots, text, at_least, description)

    def _description(self, session: Session, pool: str) -> PoolDescription | None:
        tasks = session.execute(
            select(TaskInstance.dag_version_id, TaskInstance.task_id)
            .where(TaskInstance.state == TaskInstanceState.SCHEDULED, TaskInstance.pool == pool)
            .distinct()
            .limit(_ASKED)
        ).all()
        for version_id, task_id in tasks:
            key = (version_id, task_id)
            if key not in self._described and version_id is not None:
                dag = self._dags.get_dag(version_id, session=session)
                self._described.update({(version_id, name): found for name, found in _descriptions(dag)})
                self._dags.clear_cache()
            description = self._described.get(key)
            if description is not None and description.target == pool:
                return description
        return None

    def _announced(self, session: Session) -> Iterator[_Wanted]:
        """Find pools that Airflow missed when it parsed a DAG; each DAG is read once for each such warning."""
        missing = DagWarningType.NONEXISTENT_POOL
        warnings = dict(
            session.execute(
                select(DagWarning.dag_id, DagWarning.message).where(DagWarning.warning_type == missing.value)
            ).tuples()
        )
        new = [dag_id for dag_id, message in warnings.items() if self._warnings.get(dag_id) != message]
        self._warnings = warnings
        if not new:
            return
        known = set(session.scalars(select(Pool.pool)))
        for dag_id in new:
            dag = self._dags.get_latest_version_of_dag(dag_id, session=session)
            self._dags.clear_cache()
            for _, description in _descriptions(dag):
                if description is not None and description.target not in known:
                    yield _Wanted(description.target, None, None, 1, description)

    def _settle(self, wanted: _Wanted) -> None:
        self._next_look[wanted.name] = time.monotonic() + _PATIENCE
        slots = slots_of(wanted.description, wanted.at_least)
        text = wanted.description.pool_text(slots)
        if wanted.slots is None:
            _make(wanted.name, slots, text)
        elif wanted.slots != slots and wanted.text == wanted.description.pool_text(wanted.slots):
            _change(wanted, slots, text)

    def _is_due(self, pool: str) -> bool:
        return time.monotonic() >= self._next_look.get(pool, 0.0)

    def _report(self, subject: str, trouble: str | None) -> None:
        """Log a trouble when it begins, not again while it lasts, and its end."""
        before = self._trouble.pop(subject, None)
        if trouble is not None:
            self._trouble[subject] = trouble
        if trouble is not None and before is None:
            logger.warning("%s", trouble)
        elif trouble is None and before is not None:
            logger.info("over: %s", before)


def _descriptions(dag: SerializedDAG | None) -> Iterable[tuple[str, PoolDescription | None]]:
    """Return each task's description; a mapped task has it among the arguments that all its copies share."""
    for task_id, task in dag.task_dict.items() if dag is not None else ():
        data = getattr(task, FIELD, None) or getattr(task, "partial_kwargs", {}).get(FIELD)
        yield task_id, PoolDescription.from_data(data)


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
