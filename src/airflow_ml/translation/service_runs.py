"""
Runs of pipelines in an Airflow service, wherever it is: telling it of a DAG, starting a run of it, waiting for both.

An Airflow with our plugin takes a new DAG at once. Any other one finds it when its DAG bundle looks for changes.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from datetime import datetime, timezone
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.run_parameters import open_parameters
from airflow_ml.registry import open_shared
from airflow_ml.translation.dag_files import file_name_of
from airflow_ml.translation.pipeline_ref import RUN_KEY

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, WorkspaceRef
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation import service_client, service_pools
    from airflow_ml.translation.service_client import AirflowClient
else:
    service_client = late("airflow_ml.translation.service_client")
    service_pools = late("airflow_ml.translation.service_pools")

__all__ = ["SYNC_PATH", "AirflowService", "sync_path"]

logger = logging.getLogger(__name__)

#: The plugin's route that makes a DAG runnable at once.
SYNC_PATH = "/api/v1/workspaces/{workspace}/dags/{dag_id}/sync"

#: Seconds in which a bundle must have found a DAG; Airflow lets bundles look every 300 seconds unless it is told.
_DAG_SECONDS = 600.0

_LOOK_SECONDS = 0.2
_HTTP_NOT_FOUND = 404
_HTTP_NOT_ALLOWED = 405
_HTTP_CONFLICT = 409
_HTTP_FORBIDDEN = 403


def sync_path(workspace: str, dag_id: str) -> str:
    """Return the path on an API server by which a DAG is made runnable at once."""
    return "/airflow-ml" + SYNC_PATH.format(workspace=quote(workspace, safe=""), dag_id=quote(dag_id, safe=""))


class AirflowService(ABC):
    """An Airflow that runs a workspace's pipelines."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Address of Airflow's pages and of its REST API."""

    @abstractmethod
    def client(self) -> AirflowClient:
        """Return a client that is logged in; raises ServiceException if nobody is let in."""

    def number_in(self, workspace: WorkspaceRef, bundle_version: str) -> int:
        """Return which of the workspace's versions a version of its DAG bundle has."""
        del workspace
        return int(bundle_version) if bundle_version.isdecimal() else 0

    def start(self, graph: Graph, run: RunRecord) -> None:
        """
        Give the service the recorded run to run, and return when it has taken it.

        Raises:
            ServiceException: it does not answer, refuses, or cannot make a DAG of the graph.
        """
        dag_id = run.dag_id or run.id
        client = self.client()
        if not self.tell(graph.workspace, dag_id, client):
            self._sync_pools(graph.workspace, client)
            logger.warning("run %s: Airflow at %s is told of no DAG; waiting until it finds it", run.id, self.url)
            self.wait_for(graph.workspace, dag_id, client)
        conf: Json = {**open_parameters(run), RUN_KEY: run.id}
        note = f"run {run.id} of experiment {run.experiment!r}, workspace {graph.workspace.name!r}"
        body: Json = {"dag_run_id": run.dag_run_id, "logical_date": None, "conf": conf, "note": note}
        try:
            client.ask("POST", f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns", body)
        except service_client.AirflowError as error:
            if error.status != _HTTP_CONFLICT:  # it has taken the run before, and the answer was lost
                raise

    def tell(self, workspace: WorkspaceRef, dag_id: str, client: AirflowClient | None = None) -> bool:
        """
        Let the plugin make a DAG runnable; False if the Airflow has no plugin.

        Raises:
            ServiceException: the plugin cannot, and says why.
        """
        try:
            (client or self.client()).ask("POST", sync_path(workspace.name, dag_id), {})
        except service_client.AirflowError as error:
            if error.status in (_HTTP_NOT_FOUND, _HTTP_NOT_ALLOWED):
                return False
            raise
        return True

    def wait_for(self, workspace: WorkspaceRef, dag_id: str, client: AirflowClient | None = None) -> None:
        """
        Wait until the workspace's DAG bundle has found the newest version of a DAG.

        Raises:
            ServiceException: it does not within ten minutes, or Airflow cannot read the DAG.
        """
        asked, asked_at = client or self.client(), datetime.now(timezone.utc)
        newest = open_shared(workspace).dag_versions.find(dag_id)
        deadline = time.monotonic() + _DAG_SECONDS
        while newest is not None and self._number_of(asked, workspace, dag_id) < newest.number:
            problem = _import_error(asked, file_name_of(dag_id), asked_at)
            if problem is not None:
                raise ServiceException(f"Airflow at {self.url}: DAG {dag_id!r} cannot be read: {problem}")
            if time.monotonic() > deadline:
                raise ServiceException(
                    f"Airflow at {self.url}: DAG {dag_id!r} was not found within {_DAG_SECONDS:.0f} seconds; see that"
                    f" its DAG processor runs and that its [dag_processor] dag_bundle_config_list has a bundle of"
                    f" workspace {workspace.name!r}"
                )
            time.sleep(_LOOK_SECONDS)

    def _number_of(self, client: AirflowClient, workspace: WorkspaceRef, dag_id: str) -> int:
        """Return the number of the workspace's version in which Airflow knows a DAG; -1 if it knows none."""
        try:
            dag = client.ask("GET", f"/api/v2/dags/{quote(dag_id, safe='')}")
        except service_client.AirflowError as error:
            if error.status == _HTTP_NOT_FOUND:
                return -1
            raise
        if not isinstance(dag, dict) or dag.get("is_stale") or not dag.get("bundle_version"):
            return -1
        return self.number_in(workspace, str(dag["bundle_version"]))

    def _sync_pools(self, workspace: WorkspaceRef, client: AirflowClient) -> None:
        """Make the pools of compute targets, which the plugin does by itself, as far as this user may."""
        try:
            service_pools.sync_pools(workspace, client)
        except service_client.AirflowError as error:
            if error.status != _HTTP_FORBIDDEN:
                raise
            logger.warning("pools of compute targets are not made: %s", error)


def _import_error(client: AirflowClient, file_name: str, since: datetime) -> str | None:
    """Return what Airflow has to say of a DAG's file, which lies in a folder of its workspace, since that moment."""
    found = client.ask("GET", f"/api/v2/importErrors?filename_pattern={quote(file_name, safe='')}")
    errors = cast("list[dict[str, str]]", found["import_errors"]) if isinstance(found, dict) else []
    for error in errors:
        is_new = datetime.fromisoformat(error["timestamp"].replace("Z", "+00:00")) >= since
        if is_new and error["filename"].rpartition("/")[2] == file_name:
            return error["stack_trace"].strip().splitlines()[-1]
    return None
