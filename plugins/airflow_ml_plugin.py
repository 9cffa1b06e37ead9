"""
What Airflow loads: the registration of everything that airflow-ml adds to it.

Every process of Airflow imports this, task processes too, so it imports next to nothing; the web application stands
in a module of its own. Airflow finds it by entry point. A deployment that points its plugins folder at this folder
finds it there as well, because `.airflowignore` names all other files; an installed airflow-ml then keeps the entry
point, as Airflow takes two plugins of one name for a mistake.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from airflow.sdk.plugins_manager import AirflowPlugin

from airflow_ml._late import late

if TYPE_CHECKING:
    from airflow.timetables.base import Timetable

__all__ = ["AirflowMLPlugin"]

# Imported in the API server alone, the one process that asks for its parts.
_api = late("airflow_ml.plugins.api")
_announcements = late("airflow_ml.plugins.announcements")
_views = late("airflow_ml.plugins.airflow_views")
_preload = late("airflow_ml.translation.preload")
# Imported by whoever reads DAGs of schedules.
_timetables = late("airflow_ml.translation.recurrence_timetable")


class AirflowMLPlugin(AirflowPlugin):
    """airflow-ml in Airflow."""

    name = "airflow_ml"

    @classmethod
    def on_load(cls, *_args: Any, **_kwargs: Any) -> None:
        """Import what DAG files or tasks use, in the process that forks for each of them."""
        if "airflow.dag_processing.manager" in sys.modules:
            _preload.preload()
        if "airflow.cli.commands.scheduler_command" in sys.modules and _runs_tasks_itself():
            _preload.preload_tasks()

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Airflow reads it as an attribute
        """The pages, below `/airflow-ml`."""
        return [{"app": _api.app, "url_prefix": _api.URL_PREFIX, "name": "airflow-ml"}]

    @property
    def external_views(self) -> list[dict[str, Any]]:  # type: ignore[override]  # the same
        """The pages in Airflow's menu, and as tabs of its own pages."""
        return list(_views.external_views())

    @property
    def timetables(self) -> list[type[Timetable]]:  # type: ignore[override]  # the same
        """When v1's schedules start runs."""
        return [_timetables.RecurrenceTimetable]

    @property
    def fastapi_root_middlewares(self) -> list[dict[str, Any]]:  # type: ignore[override]  # the same
        """XComs of many tasks by one request."""
        return [{"middleware": _announcements.AnnouncementMiddleware, "name": "airflow-ml announcements"}]


def _runs_tasks_itself() -> bool:
    """Whether the scheduler forks for each task; other executors start tasks elsewhere."""
    return "LocalExecutor" in conf.get_mandatory_value("core", "executor")


if __name__ == "airflow_ml_plugin" and entry_points(group="airflow.plugins", name=AirflowMLPlugin.name):
    del AirflowMLPlugin
