"""Fixtures of the plugin's tests: an Airflow database of the test's own, and a workspace."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.own_airflow import OwnAirflow, running_airflow

from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Registry, open_registry

# Airflow makes its home folder when it is first imported, in this process by whichever test comes first.
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")


@pytest.fixture(scope="module")
def airflow_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give this process's Airflow an empty SQLite database, and its own one back at the end."""
    from airflow import settings
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.utils.db import synchronize_log_template

    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{folder / 'airflow.db'}")
        settings.configure_vars()
        settings.configure_orm()
        import_all_models()
        Base.metadata.create_all(settings.get_engine())
        synchronize_log_template()
        yield folder / "airflow.db"
        settings.dispose_orm(do_log=False)
    settings.configure_vars()
    settings.configure_orm()


@pytest.fixture
def registry(home: Path) -> Iterator[Registry]:
    """Give the registry of a new workspace `team`."""
    with open_registry(WorkspaceRef("team")) as registry:
        yield registry


@pytest.fixture(scope="module")
def server(airflow_database: Path) -> Iterator[tuple]:
    """Give an application that mounts the pages as Airflow does, a token of a viewer, and one of an admin."""
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi import FastAPI

    from airflow_ml.plugins.api import URL_PREFIX, app

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "strict_auth.StrictAuthManager")
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "ann:viewer,bob:admin")
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(airflow_database.with_name("passwords")))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "secret" * 12)
        manager = create_auth_manager()
        manager.init()
        root = FastAPI()
        root.mount(URL_PREFIX, app)
        viewer, admin = (
            manager.generate_jwt(SimpleAuthManagerUser(username=name, role=role, teams=None))
            for name, role in (("ann", "viewer"), ("bob", "admin"))
        )
        yield root, viewer, admin
    purge_cached_app()


@pytest.fixture
def stranger(server: tuple) -> object:
    """Give a client that is not logged in."""
    from fastapi.testclient import TestClient

    return TestClient(server[0], follow_redirects=False)


@pytest.fixture
def client(server: tuple, stranger: object, registry: Registry) -> object:
    """Give a client that is logged in as a viewer."""
    stranger.headers["Authorization"] = f"Bearer {server[1]}"
    return stranger


@pytest.fixture
def admin(server: tuple, registry: Registry) -> object:
    """Give a client that is logged in as an admin."""
    from fastapi.testclient import TestClient

    return TestClient(server[0], headers={"Authorization": f"Bearer {server[2]}"})


@pytest.fixture(scope="session")
def own_airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnAirflow]:
    """Start a real Airflow with the DAG files of `served_dags`, for all tests that share it."""
    served = Path(__file__).with_name("served_dags")
    files = {str(file.relative_to(served)): file.read_text() for file in served.rglob("*.py")}
    with running_airflow(tmp_path_factory.mktemp("airflow"), files) as airflow:
        yield airflow


@pytest.fixture
def pool_sync(airflow_database: Path) -> Iterator[object]:
    """Give a new look-out, and empty the tables behind the test."""
    from airflow.models import DagModel
    from airflow.models.dagrun import DagRun
    from airflow.models.pool import Pool
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from airflow_ml.plugins.pool_sync import PoolSync

    yield PoolSync()
    with create_session() as session:
        for table in (TaskInstance, DagRun, DagModel, Pool):
            session.execute(delete(table))


@pytest.fixture
def schedule(pool_sync: object) -> Callable[..., None]:
    """Give a function that writes a DAG of one task, and a run whose task waits to be queued."""
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db
    from airflow.models.dagbag import DBDagBag
    from airflow.models.dagbundle import DagBundleModel
    from airflow.sdk import DAG, BaseOperator, timezone
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    class Step(BaseOperator):
        template_fields = ("compute_pool",)

        def __init__(self, *, compute_pool: object, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self.compute_pool = compute_pool

    def schedule(pool: str, description: object, *, pool_slots: int = 1, dag_id: str = "dag") -> None:
        with DAG(dag_id, schedule=None) as dag:
            Step(compute_pool=description, task_id="step", pool=pool, pool_slots=pool_slots)
        now = timezone.utcnow()
        with create_session() as session:
            session.merge(DagBundleModel(name="bundle"))
            session.flush()
            update_dag_parsing_results_in_db(
                "bundle", None, [LazyDeserializedDAG.from_dag(dag)], {}, None, set(), session=session
            )
            run = (
                DBDagBag()
                .get_latest_version_of_dag(dag_id, session=session)
                .create_dagrun(
                    run_id="run",
                    run_after=now,
                    run_type=DagRunType.MANUAL,
                    triggered_by=DagRunTriggeredByType.TEST,
                    state=DagRunState.RUNNING,
                    session=session,
                )
            )
            for instance in run.task_instances:
                instance.state = TaskInstanceState.SCHEDULED

    return schedule
