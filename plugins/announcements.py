"""
XComs of many tasks by one request: what a check of reused steps would otherwise ask the API server for a hundred times.

A task tells Airflow by an XCom of its own, of the key `KEY`, which XComs other tasks of its DAG run are to have. The
request takes Airflow's own way, with the task's token and Airflow's rules about who may write which XComs; behind it
stands this middleware, which makes the XComs that the value lists, in one transaction, and takes the list away. A task
may write them one by one as well, and does where this is missing or has failed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import delete, select

from airflow_ml.translation.pipeline_ref import ANNOUNCEMENT_KEY as KEY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AnnouncementMiddleware", "Place", "write_announced"]

logger = logging.getLogger(__name__)

_ROUTE = "/execution/xcoms/"

_HTTP_CREATED = 201


@dataclass(frozen=True)
class Place:
    """The task that has sent the list."""

    dag_id: str
    run_id: str
    task_id: str


class AnnouncementMiddleware:
    """Looks at the requests that set an XCom of that key, and passes all others on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; what goes wrong behind Airflow's answer is logged, and the answer stays as it is."""
        place = _place_of(scope)
        if place is None:
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        if held and held[0].get("status") == _HTTP_CREATED:
            try:
                await run_in_threadpool(write_announced, place)
            except Exception:
                logger.exception("XComs that %s announced could not be written; it writes them itself", place)
        for message in held:
            await send(message)


def write_announced(place: Place) -> None:
    """Write the XComs that a task's list names, and remove the list: all of it, or nothing."""
    table = XComModel
    with create_session() as session:
        own = (table.dag_id == place.dag_id, table.run_id == place.run_id)
        listed = session.scalars(select(table).where(*own, table.task_id == place.task_id, table.key == KEY)).one()
        values: Mapping[str, Mapping[str, Any]] = listed.value
        keys = {key for xcoms in values.values() for key in xcoms}
        session.execute(delete(table).where(*own, table.task_id.in_([*values]), table.key.in_(keys)))
        session.add_all(
            table(
                dag_run_id=listed.dag_run_id,
                dag_id=place.dag_id,
                run_id=place.run_id,
                task_id=task_id,
                map_index=-1,
                key=key,
                value=value,
            )
            for task_id, xcoms in values.items()
            for key, value in xcoms.items()
        )
        session.delete(listed)


def _place_of(scope: Scope) -> Place | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path = str(scope["path"])
    if not path.endswith(f"/{KEY}") or _ROUTE not in path:
        return None
    parts = path.partition(_ROUTE)[2].split("/")
    return Place(*parts[:3]) if len(parts) == 4 else None
