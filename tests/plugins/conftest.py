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
