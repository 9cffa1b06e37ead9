"""The folder of DAG files, and a home and an Airflow that the tests of one example share."""

import os
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture(scope="session")
def dags() -> Path:
    """Return the folder of the examples."""
    return DAGS


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory) -> Path:
    """Make a home for a module, whose tests then build the steps' environment once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def surroundings(shared_home: Path) -> dict[str, str]:
    """Return the environment variables of processes that run an example: a home and an Airflow of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    return {
        **kept,
        "AIRFLOW_ML_HOME": str(shared_home),
        "AIRFLOW_HOME": str(shared_home / "airflow-home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
