"""Fixtures of the plugin's tests: an Airflow database of the test's own, a logged-in client, a workspace."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# Airflow reads its home when it is first imported.
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
os.environ.setdefault("AIRFLOW__CORE__UNIT_TEST_MODE", "False")


@pytest.fixture(scope="module")
def airflow_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give this process's Airflow an empty SQLite database, and its own one back at the end."""
    from airflow import settings
    from airflow.models.base import Base
    from airflow.utils.db import import_all_models

    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{folder / 'airflow.db'}")
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(folder / "passwords.json"))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "a secret of sixty-four letters, which is what the signature asks for")
        settings.configure_vars()
        settings.configure_orm()
        import_all_models()
        Base.metadata.create_all(settings.get_engine())
        yield folder
        settings.dispose_orm(do_log=False)
    settings.configure_vars()
    settings.configure_orm()
