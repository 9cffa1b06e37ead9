"""A real Airflow of the tests' own, with the plugin: `airflow standalone` on SQLite."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Home, Registry, open_registry
from airflow_ml.registry.fernet_keys import CONFIG_VARIABLE, KEY_VARIABLES
from airflow_ml.translation.airflow_settings import inherited_settings, service_settings

__all__ = ["OwnAirflow", "running_airflow", "wait_for"]


@dataclass(frozen=True)
class OwnAirflow:
    """An Airflow that answers; `client` is logged in as its admin."""

    client: httpx.Client
    home: Home
    password: str

    @property
    def address(self) -> str:
        """Where it is reached."""
        return str(self.client.base_url).rstrip("/")

    def open_registry(self, workspace: str) -> Registry:
        """Open a workspace's registry, as its tasks do."""
        return open_registry(WorkspaceRef(workspace), home=self.home)


def wait_for(ask: Callable[[], object], seconds: float = 240.0) -> object:
    """Return the first answer that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if answer := ask():
                return answer
        except (httpx.TransportError, OSError):
            pass
        time.sleep(0.3)
    pytest.fail("Airflow did not do it in time")


@contextmanager
def running_airflow(root: Path, files: Mapping[str, str], **settings: str) -> Iterator[OwnAirflow]:
    """
    Start an Airflow in an empty folder and log in.

    Args:
        files: texts by their paths in the folder of DAG files.
        settings: variables of its environment.
    """
    home = Home(root)
    for path, text in files.items():
        place = home.airflow / "dags" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = root / "standalone.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env={**_environment(home, port), **settings},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_for(lambda: client.get("/api/v2/monitor/health").status_code == 200)
            found = json.loads((home.airflow / "simple_auth_manager_passwords.json.generated").read_text())
            answer = client.post("/auth/token", json={"username": "admin", "password": found["admin"]})
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield OwnAirflow(client, home, found["admin"])
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _environment(home: Home, port: int) -> dict[str, str]:
    database = f"sqlite:///{home.airflow / 'airflow.db'}"
    kept = {
        name: value
        for name, value in inherited_settings().items()
        if name not in ("AIRFLOW_ML_REGISTRY", CONFIG_VARIABLE, *KEY_VARIABLES)
    }
    return {
        **kept,
        **service_settings(home.airflow, database_url=database, port=port),
        "AIRFLOW_ML_HOME": str(home.root),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
