"""What steps are executed with, in a task: Airflow connections come from Airflow, whatever holds them there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_ml.execution import connections, services

if TYPE_CHECKING:
    from airflow_ml.graph import WorkspaceRef

__all__ = ["open_services"]


@contextmanager
def open_services(workspace: WorkspaceRef) -> Iterator[services.Services]:
    """Give what steps of this workspace are executed with; see `airflow_ml.execution.services`."""
    connections.use_connections(_connection)
    with services.open_services(workspace) as opened:
        yield opened


def _connection(name: str) -> connections.Connection | None:
    """Ask Airflow, which looks into secrets backends, the environment and its own database, and masks it in logs."""
    try:
        found = Connection.get(name)
    except AirflowNotFoundException:
        return None
    given = {field: getattr(found, field) for field in ("host", "login", "password", "schema", "port", "extra")}
    return connections.Connection.of(name, given)
