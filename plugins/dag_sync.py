"""The route by which clients let this Airflow know a DAG at once."""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

import logging

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Request, Response, status
from fastapi.responses import JSONResponse

from airflow_ml.exceptions import AzureMLException, NotSupportedError, UserErrorException
from airflow_ml.plugins.json_bodies import JsonBody
from airflow_ml.plugins.synced_dags import sync_dag
from airflow_ml.translation.service_runs import SYNC_PATH

__all__ = ["router"]

router = APIRouter()

logger = logging.getLogger(__name__)


@router.post(SYNC_PATH, name="dag_sync")
def make_runnable(request: Request, user: GetUserDep, workspace: str, dag_id: str, body: JsonBody) -> Response:
    """
    Make the newest version of a workspace's DAG runnable, for users who may start runs of it.

    404 is kept for an Airflow without this plugin.
    """
    requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=dag_id)(request, user)
    if isinstance(body, Response):
        return body
    try:
        sync_dag(workspace, dag_id)
    except NotSupportedError as error:
        return JSONResponse({"detail": error.message}, status.HTTP_501_NOT_IMPLEMENTED)
    except UserErrorException as error:
        return JSONResponse({"detail": error.message}, status.HTTP_400_BAD_REQUEST)
    except AzureMLException as error:
        logger.warning("DAG %r of workspace %r is not made runnable: %s", dag_id, workspace, error)
        return JSONResponse({"detail": error.message}, status.HTTP_503_SERVICE_UNAVAILABLE)
    return JSONResponse({"dag_id": dag_id, "runnable": "now"})
