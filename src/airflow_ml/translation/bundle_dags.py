"""From a recorded version of a DAG to the DAG: what the files of a bundle call, inside Airflow."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.graph import from_json
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import open_shared
from airflow_ml.translation.dag_sources import DagSource, source_key
from airflow_ml.translation.dags import to_dag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import DAG

    from airflow_ml.graph import Json
    from airflow_ml.registry.dag_versions import DagVersionRecord, DagVersions
    from airflow_ml.translation import schedule_dags as _schedule_dags
else:
    _schedule_dags = late("airflow_ml.translation.schedule_dags")

__all__ = ["CURRENT", "SCHEDULE", "load_dag", "make_dag"]

logger = logging.getLogger(__name__)

#: Name of the folder that the DAG processor's versions lie in.
CURRENT = "current"

#: The argument that only the DAGs of schedules have.
SCHEDULE = "schedule_id"

#: Seconds for which an older version of a DAG is not parsed: the plugin may have told Airflow of the newer one, which
#: the DAG processor is about to take.
_YOUNG = 30.0


def load_dag(
    dag_file: str, dag_id: str, *, workspace: str, registry_url: str | None, versions: str | None
) -> DAG | None:
    """
    Return the DAG as it is in the version of the bundle that its file lies in, or None if it has none.

    Args:
        dag_file: `<the version>/<a folder for the workspace>/<file>`.
        versions: the folder that tells which version of the workspace that is; None if it is the same.
    """
    place, ref = Path(dag_file), WorkspaceRef(workspace, registry_url=registry_url)
    source = DagSource(source_key(ref), ref, None if versions is None else Path(versions))
    number = source.number_in(place.parents[1].name)
    dags = open_shared(ref, create=False).dag_versions
    if place.parents[2].name == CURRENT and _is_overtaken(dags, dag_id, number):
        logger.info("DAG %r has just got a newer version than %d, which is parsed next", dag_id, number)
        return None
    record = dags.find(dag_id, at=number)
    return None if record is None else make_dag(record, ref)


def make_dag(record: DagVersionRecord, workspace: WorkspaceRef) -> DAG:
    """
    Return the DAG of a recorded version.

    Args:
        workspace: the workspace as Airflow's processes reach it; whoever submitted may have reached it otherwise.
    """
    if SCHEDULE in record.arguments:
        return _schedule_dags.to_schedule_dag(record.dag_id, workspace, record.arguments)
    graph = from_json(record.graph_json)
    here = replace(graph.workspace, name=workspace.name, registry_url=workspace.registry_url)
    # Nobody would look for the switch of a DAG that was submitted.
    defaults = {"is_paused_upon_creation": False}
    arguments = {name: _READERS.get(name, _as_it_is)(value) for name, value in record.arguments.items()}
    return to_dag(replace(graph, workspace=here), record.dag_id, **{**defaults, **arguments})


def _is_overtaken(dags: DagVersions, dag_id: str, number: int) -> bool:
    newest = dags.find(dag_id)
    if newest is None or newest.number <= number:
        return False
    return abs((datetime.now(timezone.utc) - newest.created_at).total_seconds()) < _YOUNG


def _as_it_is(value: Json) -> Any:
    return value


def _moment(value: Json) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))


def _seconds(value: Json) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, (int, float)) else None


#: What JSON has no words for, by the DAG's argument.
_READERS: Mapping[str, Callable[[Json], Any]] = {"start_date": _moment, "end_date": _moment, "dagrun_timeout": _seconds}
