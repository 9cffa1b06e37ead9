"""The link from a task in Airflow's pages to its run in the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

__all__ = ["RUN_LINK_KEY", "RunLink", "run_address"]

#: XCom that holds a task's link.
RUN_LINK_KEY = "airflow_ml_run_link"


class RunLink(BaseOperatorLink):
    """Leads to the page of the run that the task made (`airflow_ml.plugins`)."""

    @property
    def name(self) -> str:
        """The text on the button."""
        return "Run in workspace"

    @property
    def xcom_key(self) -> str:
        """Where Airflow keeps the address."""
        return RUN_LINK_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's contract
        """Return the run's page; empty if the task ended before there was a run."""
        run_id, workspace = getattr(operator, "run_id", None), getattr(operator, "workspace_name", "")
        return run_address(workspace, run_id) if run_id else ""


def run_address(workspace: str, run_id: str) -> str:
    """Return the path of a run's page on the web server, also where Airflow is served below a path of its own."""
    below = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{below}/airflow-ml/workspaces/{quote(workspace, safe='')}/runs/{run_id}"
