"""
Airflow's settings for the two ways in which we start it ourselves, as environment variables.

Figures are from measurements on a machine of two cores (Airflow 3.3.2): an idle scheduler sleep of 0.1 s takes a chain
from 1.1 s to 0.28 s a task; the supervisor's heartbeat interval of 1 s bounds a stall of the worker slot that is 5 s
otherwise; a parallelism of 32 on SQLite killed scheduler and API server, 4 did not.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml._late import late

if TYPE_CHECKING:
    from airflow_ml.registry import fernet_keys
else:
    fernet_keys = late("airflow_ml.registry.fernet_keys")

__all__ = ["BUNDLE_NAME", "embedded_settings", "inherited_settings", "service_settings"]

_COMMON = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
}

_DAGS_FOLDER = {"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}

#: Airflow's own places, and the service's database URL, which may hold a password.
_NOT_INHERITED = frozenset({"AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW_ML_SERVICE_DATABASE"})


def inherited_settings() -> dict[str, str]:
    """
    Return this process's environment without Airflow's own settings.

    Connections and variables stay, and what says which key secrets are encrypted with: the Airflow homes that we make
    have keys of their own.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW__", "_AIRFLOW")) and name not in _NOT_INHERITED
    }
    return {**kept, **fernet_keys.handed_on_settings()}


def embedded_settings(home: Path, *, database: Path, folder: Path) -> Mapping[str, str]:
    """
    Return the settings of one embedded run.

    Args:
        home: the Airflow home that all embedded runs of a machine share; holds the configuration file only.
        database: the run's own SQLite file.
        folder: of the run; its `dags` folder holds one file, because the in-process runner parses all of it.
    """
    return {
        **_COMMON,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([_DAGS_FOLDER]),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "airflow-logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def service_settings(home: Path, *, database_url: str, port: int) -> Mapping[str, str]:
    """
    Return the settings of the background service.

    Args:
        home: the service's Airflow home.
        database_url: SQLite in WAL mode, or PostgreSQL.
        port: of the API server, on the loopback address.
    """
    is_sqlite = database_url.startswith("sqlite")
    settings = {
        **_COMMON,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([_DAGS_FOLDER, _pipelines(home)]),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__PARALLELISM": "4" if is_sqlite else str(max(2, min(8, 2 * (os.cpu_count() or 2)))),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # A version of a DAG that comes within half a minute of the one before would be left out.
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY": "64",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # After a restart the scheduler resumes tasks before the API server answers: let them wait two minutes for it.
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "40",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
        # Changes are looked for every second. A file that has changed is read at once; one that has not, rarely: the
        # files of pipelines never change, and there can be hundreds of them.
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        # It says every second that it has looked for new files.
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "airflow.dag_processing.manager.DagFileProcessorManager=WARNING",
    }
    if is_sqlite:
        settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"] = (
            "airflow_ml.translation.airflow_settings.SQLITE_ARGUMENTS"
        )
    elif importlib.util.find_spec("asyncpg") is None:
        # Airflow would import it at its start, for pages of its own that work without it.
        settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"] = ""
    return settings


def _pipelines(home: Path) -> dict[str, object]:
    """Return the DAG bundle of all workspaces that are used with the service."""
    return {
        "name": BUNDLE_NAME,
        "classpath": "airflow_ml.translation.bundle.WorkspaceBundle",
        "kwargs": {"workspaces_folder": str(home / "workspaces"), "refresh_interval": 1},
    }


#: Name of the service's bundle of pipelines.
BUNDLE_NAME = "airflow-ml"

#: Named by the service's settings: how long a writer waits for SQLite's lock, in seconds.
SQLITE_ARGUMENTS = {"timeout": 60}
