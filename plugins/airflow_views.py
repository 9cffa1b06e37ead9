"""
Where the pages appear in Airflow: a menu of their own, and a tab on each DAG, run and task.

Airflow shows them in frames (`external_views`). It fills in the names in braces, and takes an address as it is: where
it is served below a path of its own, that is part of the address.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf

__all__ = ["external_views"]

#: The menu's name.
MENU = "ML"


def external_views() -> list[dict[str, Any]]:
    """Return the menu's entries and the tabs, in Airflow's words."""
    place = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + "/airflow-ml"
    menu: list[dict[str, Any]] = [
        {
            "name": topic,
            "href": f"{place}/{topic.lower()}",
            "destination": "nav",
            "category": MENU,
            "url_route": f"airflow-ml-{topic.lower()}",
            # What people come for most stands in the bar itself.
            "nav_top_level": topic == "Pipelines",
        }
        for topic in ("Pipelines", "Runs", "Datasets", "Compute")
    ]
    dag = f"{place}/dags/{{DAG_ID}}"
    run = f"{dag}/runs/{{RUN_ID}}"
    tabs = {"dag": dag, "dag_run": run, "task_instance": f"{run}/tasks/{{TASK_ID}}"}
    return menu + [
        {
            "name": "Pipeline" if destination != "task_instance" else "Step",
            "href": address,
            "destination": destination,
            "url_route": f"airflow-ml-{destination.replace('_', '-')}",
        }
        for destination, address in tabs.items()
    ]
