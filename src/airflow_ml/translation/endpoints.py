"""Where published pipelines are started by REST, and what opens those addresses: the service's, or this process's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException
from airflow_ml.translation import service

if TYPE_CHECKING:
    from airflow_ml.graph import WorkspaceRef
    from airflow_ml.translation import rest_paths, rest_server
else:
    rest_paths = late("airflow_ml.translation.rest_paths")
    rest_server = late("airflow_ml.translation.rest_server")

__all__ = ["address_of_description", "address_of_endpoint", "authentication_header", "endpoint_of"]

#: The plugin's place on Airflow's API server.
_PLUGIN = "/airflow-ml"


def endpoint_of(workspace: WorkspaceRef, pipeline_id: str) -> str:
    """Return the address that starts runs of a published pipeline."""
    return _base(workspace) + rest_paths.submit_path(workspace, pipeline_id)


def address_of_endpoint(workspace: WorkspaceRef, endpoint_id: str) -> str:
    """Return the address that starts runs of a pipeline endpoint's default version."""
    return _base(workspace) + rest_paths.endpoint_path(workspace, endpoint_id)


def address_of_description(workspace: WorkspaceRef) -> str:
    """Return the address of the OpenAPI description of such addresses."""
    return f"{_base(workspace)}{rest_paths.DESCRIPTION_PATH}"


def _base(workspace: WorkspaceRef) -> str:
    """Return what stands in front of the paths."""
    running = service.find_running()
    if running is None:
        return rest_server.address_for(workspace)
    return f"{running.url.rstrip('/')}{_PLUGIN}"


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
