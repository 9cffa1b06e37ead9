"""Fixtures of the plugin's tests: an Airflow database of the test's own, and a workspace."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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
