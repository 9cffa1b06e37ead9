"""An auth manager for the tests: viewers may not read DAGs called `secret...`, and little of `quiet...`."""

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

#: What nobody reads of a DAG called `quiet...`: logs, what its tasks hand on, and code.
HIDDEN = (DagAccessEntity.TASK_LOGS, DagAccessEntity.XCOM, DagAccessEntity.CODE)


class StrictAuthManager(SimpleAuthManager):
    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        """Refuse what the module says, and else decide as Airflow does."""
        dag_id = (details.id if details else None) or ""
        if dag_id.startswith("quiet") and access_entity in HIDDEN:
            return False
        return not dag_id.startswith("secret") and super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
