"""Who may see what: the user and the DAG permissions of Airflow's auth manager, applied to runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag, requires_access_view
from fastapi import HTTPException, status

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from fastapi import Request

    from airflow_ml.registry import Registry, RunRecord

__all__ = ["RunAccess"]


class RunAccess:
    """
    What one user may see of a workspace's runs.

    A run belongs to the DAG that it was part of, and so do the runs below it. Whoever may read that DAG's runs may read
    it; its log needs the permission to read that DAG's logs. Runs outside Airflow are open to everybody who may use
    its pages.
    """

    def __init__(self, request: Request, user: BaseUser, registry: Registry) -> None:
        self._request = request
        self._user = user
        self._registry = registry
        # Dozens of runs on one page belong to few DAGs, and an auth manager may ask another server.
        self._known: dict[tuple[str, DagAccessEntity], bool] = {}

    def may_see(self, run: RunRecord) -> bool:
        """Return whether the user may see the run."""
        return self._may(run, DagAccessEntity.RUN)

    def may_see_log(self, run: RunRecord) -> bool:
        """Return whether the user may read what the run's script printed."""
        return self._may(run, DagAccessEntity.TASK_LOGS)

    def may_see_files(self, run: RunRecord) -> bool:
        """Return whether the user may read what the run has written: to Airflow it is what tasks hand on."""
        return self._may(run, DagAccessEntity.XCOM)

    def may_see_code(self, run: RunRecord) -> bool:
        """Return whether the user may read the code that the run ran, as that of DAG files."""
        return self._may(run, DagAccessEntity.CODE)

    def may_see_dag(self, dag_id: str) -> bool:
        """Return whether the user may see the runs of a DAG."""
        return self._may_read(dag_id, DagAccessEntity.RUN)

    def _may(self, run: RunRecord, entity: DagAccessEntity) -> bool:
        return self._may_read(self._dag_of(run), entity)

    def _may_read(self, dag_id: str, entity: DagAccessEntity) -> bool:
        key = (dag_id, entity)
        if key not in self._known:
            self._known[key] = self._is_allowed(dag_id, entity)
        return self._known[key]

    def _dag_of(self, run: RunRecord) -> str:
        """Return the DAG of the run, or of the nearest run above it; "" without one."""
        current: RunRecord | None = run
        while current is not None and current.dag_id is None:
            current = self._registry.runs.find(current.parent_id) if current.parent_id else None
        return (current.dag_id or "") if current else ""

    def _is_allowed(self, dag_id: str, entity: DagAccessEntity) -> bool:
        check = (
            requires_access_dag("GET", entity, param_dag_id=dag_id)
            if dag_id
            else requires_access_view(AccessView.WEBSITE)
        )
        try:
            check(self._request, self._user)
        except HTTPException as error:
            if error.status_code != status.HTTP_403_FORBIDDEN:
                raise
            return False
        return True
