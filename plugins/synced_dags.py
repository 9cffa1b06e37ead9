"""
DAGs of pipelines, written into Airflow's database in the moment in which they are asked for.

It is what Airflow's DAG processor would do after the bundle's next refresh: make the DAG, serialize it, write it with
the bundle's version. The processor is asked to refresh the bundle, because until then it would take an older version
for the newest one and could write that back.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow.api.common.trigger_dag import trigger_dag
from airflow.configuration import conf
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.dag_processing.dagbag import DagBag
from airflow.exceptions import DagRunAlreadyExists
from airflow.models.dag import DagModel
from airflow.models.dagbag import DagPriorityParsingRequest
from airflow.models.dagbundle import DagBundleModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.sdk.exceptions import AirflowException
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from airflow_ml.exceptions import NotSupportedError, ServiceException, UserErrorException
from airflow_ml.execution.run_parameters import open_parameters
from airflow_ml.registry import open_shared
from airflow_ml.translation.bundle import WorkspaceBundle
from airflow_ml.translation.bundle_dags import make_dag
from airflow_ml.translation.pipeline_ref import RUN_KEY
from airflow_ml.translation.service_runs import AirflowService

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ml.graph import Graph, WorkspaceRef
    from airflow_ml.registry import RunRecord
    from airflow_ml.registry.dag_versions import DagVersionRecord
    from airflow_ml.translation.dag_sources import DagSource
    from airflow_ml.translation.service_client import AirflowClient

__all__ = ["NotServedError", "ThisAirflow", "served_workspace", "sync_dag"]

logger = logging.getLogger(__name__)

#: For so long after it was recorded a new DAG is ours to make known, and the DAG processor's from then on; less than
#: what `WorkspaceBundle` leaves to the plugin, because writing takes its time.
_OURS = timedelta(seconds=7)
#: Seconds that the DAG processor gets for a DAG that is its own to make known.
_PROCESSOR_SECONDS = 20.0
_LOOK_SECONDS = 0.2

#: A file that is in no bundle: Airflow refreshes the bundle of a file that it is asked to parse, and finds it gone.
_NO_FILE = "refresh"

#: Airflow keeps the DAG that is being written in one place for all threads.
_one_dag = threading.Lock()


@dataclass(frozen=True)
class _Place:
    """Where the DAGs of a workspace are: the bundle, which of its workspaces it is, and the newest version."""

    bundle: WorkspaceBundle
    source: DagSource
    version: str
    number: int


def sync_dag(workspace: str, dag_id: str) -> None:
    """
    Make Airflow know the newest version of a DAG; costs two queries where it knows it.

    Raises:
        NotSupportedError: no DAG bundle of this Airflow has the workspace.
        ServiceException: a database does not do its part.
        UserErrorException: there is no such DAG, or it cannot be made.
    """
    place = _find_place(workspace)
    record = open_shared(place.source.workspace, create=False).dag_versions.find(dag_id, at=place.number)
    with create_session(scoped=False) as session:
        known = session.execute(
            select(DagModel.bundle_name, DagModel.bundle_version, DagModel.is_stale).where(DagModel.dag_id == dag_id)
        ).one_or_none()
    if known is not None and known.bundle_name not in (None, place.bundle.name) and not known.is_stale:
        raise ServiceException(
            f"DAG {dag_id!r} of workspace {workspace!r}: this Airflow has one of that id in its bundle"
            f" {known.bundle_name!r}; rename one of them"
        )
    if record is None:
        _deactivate(place, dag_id)
    elif known is None or known.is_stale or not _is_known(place, known.bundle_version, record):
        _write(place, record, is_new=known is None)
        _ask_for_refresh(place.bundle.name)


class NotServedError(NotSupportedError):
    """No DAG bundle of this Airflow has the workspace."""


def served_workspace(name: str) -> WorkspaceRef:
    """
    Return the workspace of that name as a DAG bundle of this Airflow has it.

    Raises:
        NotServedError: none has it.
    """
    return _find_place(name).source.workspace


class ThisAirflow(AirflowService):
    """
    The Airflow that this process is a part of, for what its API server starts itself.

    Args:
        user: who has asked for it.
    """

    def __init__(self, user: str) -> None:
        self._user = user

    @property
    def url(self) -> str:
        """Where its users reach it."""
        return conf.get("api", "base_url", fallback="").rstrip("/")

    def client(self) -> AirflowClient:
        """Refuse: nothing is asked by HTTP here."""
        raise NotSupportedError("Airflow's API server does not ask itself by HTTP")

    def tell(self, workspace: WorkspaceRef, dag_id: str, client: AirflowClient | None = None) -> bool:
        """Make the DAG known."""
        del client
        sync_dag(workspace.name, dag_id)
        return True

    def start(self, graph: Graph, run: RunRecord) -> None:
        """Make the DAG known, and a DAG run of it; see `AirflowService.start`."""
        dag_id = run.dag_id or run.id
        self.tell(graph.workspace, dag_id)
        try:
            trigger_dag(
                dag_id,
                run_id=run.dag_run_id,
                conf={**open_parameters(run), RUN_KEY: run.id},
                triggered_by=DagRunTriggeredByType.REST_API,
                triggering_user_name=self._user,
            )
        except DagRunAlreadyExists:
            logger.debug("run %s was started before", run.id)
        except ValueError as error:
            raise ServiceException(f"run {run.id}: Airflow makes no DAG run of {dag_id!r}: {error}") from error


def _find_place(workspace: str) -> _Place:
    for bundle in DagBundlesManager().get_all_dag_bundles():  # type: ignore[no-untyped-call]  # Airflow's, without types
        if isinstance(bundle, WorkspaceBundle):
            for source in bundle.sources.all():
                if source.workspace.name == workspace:
                    version, numbers = bundle.sources.version()
                    return _Place(bundle, source, version, numbers.get(source.key, 0))
    raise NotServedError(
        f"no DAG bundle of this Airflow has workspace {workspace!r}; add one to its [dag_processor]"
        " dag_bundle_config_list, with the classpath airflow_ml.translation.bundle.WorkspaceBundle"
    )


def _is_known(place: _Place, bundle_version: str | None, record: DagVersionRecord) -> bool:
    try:
        return place.source.number_in(bundle_version or "") >= record.number
    except ServiceException:  # a version of before the bundle was configured otherwise
        return False


def _write(place: _Place, record: DagVersionRecord, *, is_new: bool) -> None:
    file = place.bundle.place_of(place.source, record.dag_id, place.version)
    dag = _serialized(place, record, file)
    if is_new and datetime.now(timezone.utc) - record.created_at > _OURS:
        _wait_for_processor(place.bundle.name, record.dag_id)
    try:
        _write_rows(place, dag, file)
    except IntegrityError:  # another API server made the same rows in this moment
        _write_rows(place, dag, file)


def _wait_for_processor(bundle_name: str, dag_id: str) -> None:
    """
    Give the DAG processor time to make the rows of a new DAG.

    It dies of rows that somebody else makes in the same moment (Airflow 3.3), and finds by itself what is not recorded
    just now.
    """
    _ask_for_refresh(bundle_name)
    deadline = time.monotonic() + _PROCESSOR_SECONDS
    while time.monotonic() < deadline:
        with create_session(scoped=False) as session:
            if session.scalar(select(DagModel.dag_id).where(DagModel.dag_id == dag_id)) is not None:
                return
        time.sleep(_LOOK_SECONDS)


def _serialized(place: _Place, record: DagVersionRecord, file: Path) -> LazyDeserializedDAG:
    try:
        with _one_dag:
            dag = make_dag(record, place.source.workspace)
        dag.fileloc, dag.relative_fileloc = str(file), _relative(file)
        dag.validate()  # type: ignore[no-untyped-call]  # the same
        bag = DagBag(collect_dags=False, bundle_path=file.parents[1], bundle_name=place.bundle.name)
        bag.bag_dag(dag)  # checks it, and applies the policies of the cluster
        return LazyDeserializedDAG.from_dag(dag)
    except (AirflowException, TypeError, ValueError) as error:
        raise UserErrorException(f"DAG {record.dag_id!r}: Airflow makes no DAG of it: {error}") from error


def _relative(file: Path) -> str:
    """Return a DAG's file as it is called in its bundle: the folder of its workspace, and its name."""
    return str(file.relative_to(file.parents[1]))


def _write_rows(place: _Place, dag: LazyDeserializedDAG, file: Path) -> None:
    name, relative = place.bundle.name, _relative(file)
    errors: dict[tuple[str, str], str] = {}
    with create_session(scoped=False) as session:
        if session.get(DagBundleModel, name) is None:
            raise ServiceException(f"Airflow does not know its DAG bundle {name!r} yet; start its DAG processor")
        update_dag_parsing_results_in_db(
            name, place.version, [dag], errors, None, set(), session, files_parsed={(name, relative)}
        )
        if errors:
            raise ServiceException(f"DAG {dag.dag_id!r} cannot be serialized: {next(iter(errors.values())).strip()}")
        # Above, a version that comes within `min_serialized_dag_update_interval` of the one before is left out.
        SerializedDagModel.write_dag(dag, bundle_name=name, bundle_version=place.version, session=session)


def _deactivate(place: _Place, dag_id: str) -> None:
    """Hide a DAG that was removed; its runs stay."""
    own = (DagModel.dag_id == dag_id, DagModel.bundle_name == place.bundle.name)
    with create_session(scoped=False) as session:
        session.execute(update(DagModel).where(*own).values(is_stale=True))
    _ask_for_refresh(place.bundle.name)


def _ask_for_refresh(bundle_name: str) -> None:
    """Ask the DAG processor to look at the bundle in its next second; one request is enough for several changes."""
    try:
        with create_session(scoped=False) as session:
            session.add(DagPriorityParsingRequest(bundle_name, _NO_FILE))
    except IntegrityError:
        logger.debug("bundle %r is about to be refreshed", bundle_name)
