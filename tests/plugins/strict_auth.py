"""An auth manager for the tests: viewers may not read DAGs called `secret...`, nor any logs of `quiet...`."""

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class StrictAuthManager(SimpleAuthManager):
    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        """Refuse what the module says, and else decide as Airflow does."""
        dag_id = (details.id if details else None) or ""
        if dag_id.startswith("quiet") and access_entity is DagAccessEntity.TASK_LOGS:
            return False
        return not dag_id.startswith("secret") and super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
