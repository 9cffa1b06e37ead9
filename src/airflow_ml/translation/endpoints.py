"""Where a published pipeline is started by REST, and what opens that address: the service's, or this process's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException
from airflow_ml.translation import service

if TYPE_CHECKING:
    from airflow_ml.graph import WorkspaceRef
    from airflow_ml.translation import rest_runs, rest_server
else:
    rest_runs = late("airflow_ml.translation.rest_runs")
    rest_server = late("airflow_ml.translation.rest_server")

__all__ = ["authentication_header", "endpoint_of"]

#: The plugin's place on Airflow's API server.
_PLUGIN = "/airflow-ml"


def endpoint_of(workspace: WorkspaceRef, pipeline_id: str) -> str:
    """Return the address that starts runs of a published pipeline."""
    running = service.find_running()
    if running is None:
        return rest_server.address_for(workspace, pipeline_id)
    return f"{running.url.rstrip('/')}{_PLUGIN}{rest_runs.submit_path(workspace, pipeline_id)}"


def authentication_header() -> dict[str, str]:
    """
    Return the header that opens such addresses.

    Raises:
        ServiceException: the running service gives no token.
    """
    running = service.find_running()
    token = rest_server.token() if running is None else running.client().token
    if token is None:
        raise ServiceException(f"service at {running.url if running else None}: it gave no token; see its log")
    return {"Authorization": f"Bearer {token}"}
