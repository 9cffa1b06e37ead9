"""
The Airflow service of this machine, as those see it who submit runs to it.

Finding it costs a file and a look at a process; nothing is imported for it that submitting does not need anyway.
Starting and stopping it is `airflow_ml.translation.service_control`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.run_parameters import open_parameters
from airflow_ml.registry import Home
from airflow_ml.translation.pipeline_ref import RUN_KEY
from airflow_ml.translation.service_files import ServiceFiles, ServiceRecord, is_alive
from airflow_ml.translation.stub_files import write_stub

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ml.graph import Graph, Json
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation import service_client, service_pools
    from airflow_ml.translation.service_client import AirflowClient
else:
    service_client = late("airflow_ml.translation.service_client")
    service_pools = late("airflow_ml.translation.service_pools")

__all__ = ["RunningService", "answers", "find_running"]


#: Seconds in which Airflow must have read a new DAG file; it takes two when the machine is idle.
_DAG_SECONDS = 90.0

_LOOK_SECONDS = 0.2
_HTTP_NOT_FOUND = 404
_HTTP_CONFLICT = 409


@dataclass(frozen=True)
class RunningService:
    """A service whose process lives and that has answered since it was started."""

    files: ServiceFiles
    record: ServiceRecord

    @property
    def url(self) -> str:
        """Address of Airflow's pages and of its REST API."""
        return self.record.url

    def client(self) -> AirflowClient:
        """Return a client that is logged in as `admin`."""
        client = service_client.AirflowClient(self.url, log=str(self.files.log), write_lock=self.files.write_lock)
        try:
            password = self.files.password()
        except (OSError, ValueError, KeyError) as error:
            raise ServiceException(
                f"service at {self.url}: the password of 'admin' is not in {str(self.files.passwords)!r} ({error});"
                " stop the service, remove the file and start it again"
            ) from error
        return client.log_in("admin", password)

    def start(self, graph: Graph, run: RunRecord) -> None:
        """
        Give the service the recorded run to run, and return when it has taken it.

        Raises:
            ServiceException: it does not answer, or cannot read the DAG.
        """
        dag_id = run.dag_id or run.id
        place = write_stub(self.files.dags, graph, dag_id, experiment=run.experiment)
        client = self.client()
        service_pools.sync_pools(graph.workspace, client)
        if not _has_dag(client, dag_id):
            self._wait_for_dag(client, dag_id, place)
        conf: Json = {**open_parameters(run), RUN_KEY: run.id}
        note = f"run {run.id} of experiment {run.experiment!r}, workspace {graph.workspace.name!r}"
        body: Json = {"dag_run_id": run.dag_run_id, "logical_date": None, "conf": conf, "note": note}
        try:
            client.ask("POST", f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns", body)
        except service_client.AirflowError as error:
            if error.status != _HTTP_CONFLICT:  # it has taken the run before, and the answer was lost
                raise

    def _wait_for_dag(self, client: AirflowClient, dag_id: str, place: Path) -> None:
        asked_at = datetime.now(timezone.utc)
        place.touch()  # one that could not be read before is read again at once
        deadline = time.monotonic() + _DAG_SECONDS
        while not _has_dag(client, dag_id):
            problem = _import_error(client, place.name, asked_at)
            if problem is not None:
                raise ServiceException(f"service at {self.url}: DAG {dag_id!r} cannot be read: {problem}")
            if time.monotonic() > deadline:
                raise ServiceException(
                    f"service at {self.url}: DAG {dag_id!r} was not read within {_DAG_SECONDS:.0f} seconds; see the log"
                    f" {str(self.files.log)!r}, and restart the service if its DAG processor has ended"
                )
            time.sleep(_LOOK_SECONDS)


def find_running(home: Home | None = None) -> RunningService | None:
    """
    Return the running service of this machine, or None.

    One that is being started counts as soon as it answers.
    """
    files = ServiceFiles.of(home or Home.default())
    record = files.read_record()
    if record is None or not is_alive(record):
        return None
    if record.phase == "running" or answers(record):
        return RunningService(files, record)
    return None


def answers(record: ServiceRecord) -> bool:
    """Whether the service answers at once."""
    client = service_client.AirflowClient(record.url, timeout_seconds=2.0)
    try:
        client.ask("GET", "/api/v2/version")
    except service_client.AirflowError:
        return False
    return True


def _has_dag(client: AirflowClient, dag_id: str) -> bool:
    try:
        dag = client.ask("GET", f"/api/v2/dags/{quote(dag_id, safe='')}")
    except service_client.AirflowError as error:
        if error.status == _HTTP_NOT_FOUND:
            return False
        raise
    # A DAG whose file had been removed is stale until the file is read again.
    return isinstance(dag, dict) and not dag.get("is_stale")


def _import_error(client: AirflowClient, file_name: str, since: datetime) -> str | None:
    found = client.ask("GET", f"/api/v2/importErrors?filename={quote(file_name, safe='')}")
    errors = cast("list[dict[str, str]]", found["import_errors"]) if isinstance(found, dict) else []
    new = [error for error in errors if datetime.fromisoformat(error["timestamp"].replace("Z", "+00:00")) >= since]
    return new[0]["stack_trace"].strip().splitlines()[-1] if new else None
