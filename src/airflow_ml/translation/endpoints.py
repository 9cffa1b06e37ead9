"""Where published pipelines are started by REST, and what opens those addresses: the service's, or this process's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml._service_addresses import last_noted
from airflow_ml.exceptions import ServiceException
from airflow_ml.graph import WorkspaceRef

if TYPE_CHECKING:
    from airflow_ml.translation import airflow_service, rest_paths, rest_server
else:
    airflow_service = late("airflow_ml.translation.airflow_service")
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
    service = airflow_service.find_service(workspace)
    if service is None:
        return rest_server.address_for(workspace)
    return f"{service.url.rstrip('/')}{_PLUGIN}"


def authentication_header() -> dict[str, str]:
    """
    Return the header that opens such addresses.

    v1's objects know no workspace: the token is one of the Airflow that the environment or Airflow's configuration
    names, else of the one that the configuration file names which this process has read last, else of the service of
    this machine, else it is this process's own.

    Raises:
        ServiceException: that Airflow gives no token.
        UserErrorException: nothing says who the user is.
    """
    service = airflow_service.find_service(last_noted() or WorkspaceRef(""))
    token = rest_server.token() if service is None else service.client().token
    if token is None:
        raise ServiceException(f"service at {service.url if service else None}: it gave no token; see its log")
    return {"Authorization": f"Bearer {token}"}
