"""
Looking for new files in the triggerer, for the schedules that start runs on new data.

The trigger only says that there is something new: which files they are, and that each gets one run, is the business of
the task that follows, with the registry as the one memory. So it can end and begin again anywhere: what it said and
nobody heard, it says again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_ml._late import late
from airflow_ml.graph.model import WorkspaceRef

if TYPE_CHECKING:
    from airflow_ml.execution import scheduling
    from airflow_ml.operators import _services
else:
    _services = late("airflow_ml.operators._services")
    scheduling = late("airflow_ml.execution.scheduling")

__all__ = ["NewFilesTrigger", "Pacing"]

logger = logging.getLogger(__name__)

#: The same news is told again after 1, 2, 4, ... looks, and at least so often.
_MOST_LOOKS = 4

#: Seconds to the next look after one that failed before the schedule could be read.
_RETRY_SECONDS = 60.0


class Pacing:
    """Decides when news is told: at once if it is other than before, and ever more seldom if it stays the same."""

    def __init__(self) -> None:
        self._told: object = None
        self._pause = 0
        self._looks = 0

    def is_due(self, news: object) -> bool:
        """Whether to tell it after this look; nothing is never due."""
        if not news:
            self._told = None
            return False
        if news != self._told:
            self._told, self._pause, self._looks = news, 1, 0
            return True
        self._looks += 1
        if self._looks < self._pause:
            return False
        self._pause, self._looks = min(2 * self._pause, _MOST_LOOKS), 0
        return True


class NewFilesTrigger(BaseEventTrigger):
    """
    Fires whenever a schedule's folder has files that no run was started for.

    Folder, datastore and the time between two looks are read from the schedule at each look.

    Args:
        workspace: name of the schedule's.
        registry_url: the workspace's database, without a password; None for what the environment says.
        schedule_id: its id.
    """

    def __init__(self, workspace: str, registry_url: str | None, schedule_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.workspace = workspace
        self.registry_url = registry_url
        self.schedule_id = schedule_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow makes it of again."""
        kwargs = {
            "workspace": self.workspace,
            "registry_url": self.registry_url,
            "schedule_id": self.schedule_id,
        }
        return f"{__name__}.NewFilesTrigger", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, tell, wait, for as long as the schedule's DAG is active."""
        pacing, seconds = Pacing(), _RETRY_SECONDS
        while True:
            try:
                news, seconds = await sync_to_async(self._look, thread_sensitive=False)()
            except Exception as error:  # noqa: BLE001 - one failed look must not end all others
                logger.warning("schedule %s: its folder cannot be looked at: %s", self.schedule_id, error)
            else:
                if pacing.is_due(news):
                    told = {"schedule_id": self.schedule_id, "new_files": len(news)}
                    yield TriggerEvent(told)  # type: ignore[no-untyped-call]
            await asyncio.sleep(seconds)

    def _look(self) -> tuple[list[scheduling.NewFile], float]:
        """Return the new files, and the seconds to the next look."""
        ref = WorkspaceRef(self.workspace, registry_url=self.registry_url)
        with _services.open_services(ref) as opened:
            schedule = opened.registry.schedules.get(self.schedule_id)
            watch = schedule.content.watch
            seconds = _RETRY_SECONDS if watch is None else watch.polling_minutes * 60.0
            return scheduling.new_files(opened.registry, opened.store, schedule), seconds
