"""
The Airflow service of this machine, as those see it who submit runs to it.

Finding it costs a file and a look at a process; nothing is imported for it that submitting does not need anyway.
Starting and stopping it is `airflow_ml.translation.service_control`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException
from airflow_ml.registry import Home
from airflow_ml.translation.dag_sources import DagSource, source_key
from airflow_ml.translation.service_files import ServiceFiles, ServiceRecord, is_alive
from airflow_ml.translation.service_runs import AirflowService

if TYPE_CHECKING:
    from airflow_ml.graph import WorkspaceRef
    from airflow_ml.translation import service_client
    from airflow_ml.translation.service_client import AirflowClient
else:
    service_client = late("airflow_ml.translation.service_client")

__all__ = ["RunningService", "answers", "find_running"]


@dataclass(frozen=True)
class RunningService(AirflowService):
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

    def number_in(self, workspace: WorkspaceRef, bundle_version: str) -> int:
        """Return which of the workspace's versions a version of the service's bundle has."""
        folder = self.files.workspaces / "versions"
        return DagSource(source_key(workspace), workspace, folder).number_in(bundle_version)


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
