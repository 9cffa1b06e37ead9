"""The plugin in a real Airflow: `airflow standalone` of the test's own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from airflow_ml.registry import Home
from airflow_ml.translation.airflow_settings import inherited_settings, service_settings

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

DAG_FILE = """
from airflow.sdk import DAG, BaseOperator
from airflow_ml.operators.links import RunLink

class Step(BaseOperator):
    template_fields = ("compute_pool",)
    operator_extra_links = (RunLink(),)
    workspace_name = "team"

    def __init__(self, *, compute_pool, **kwargs):
        super().__init__(pool=compute_pool["target"], **kwargs)
        self.compute_pool = compute_pool
        self.run_id = None

    def execute(self, context):
        from airflow_ml.graph import WorkspaceRef
        from airflow_ml.registry import open_registry
        with open_registry(WorkspaceRef("team")) as registry:
            self.run_id = registry.runs.create("exp", "train", kind="step", dag_id=self.dag_id).id

with DAG("pooled", schedule=None):
    Step(task_id="train", compute_pool={"target": "gpu-cluster", "slots": 4, "workspace": {"name": "team"}})
"""


def wait_for(ask: Callable[[], object], seconds: float = 120.0) -> object:
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


@pytest.fixture
def airflow(home: Path) -> Iterator[httpx.Client]:
    """Start an Airflow that has one DAG, and log in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Home.default().airflow
    (folder / "dags").mkdir(parents=True)
    (folder / "dags" / "pooled.py").write_text(DAG_FILE)
    settings = service_settings(folder, database_url=f"sqlite:///{folder / 'airflow.db'}", port=port)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (home / "standalone.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env={**inherited_settings(), **settings, "PATH": path},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_for(lambda: client.get("/api/v2/monitor/health").status_code == 200)
            passwords = json.loads((folder / "simple_auth_manager_passwords.json.generated").read_text())
            answer = client.post("/auth/token", json={"username": "admin", "password": passwords["admin"]})
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_a_task_finds_its_pool_and_links_to_its_run(airflow: httpx.Client) -> None:
    """A task of a pool that nobody made runs, and the link of its task instance opens the page of its run."""
    wait_for(lambda: airflow.get("/api/v2/dags/pooled").status_code == 200)
    run = airflow.post("/api/v2/dags/pooled/dagRuns", json={"logical_date": None}).json()["dag_run_id"]
    place = f"/api/v2/dags/pooled/dagRuns/{run}/taskInstances/train"

    wait_for(lambda: airflow.get(place).json()["state"] == "success")

    assert airflow.get("/api/v2/pools/gpu-cluster").json()["slots"] == 4
    link = airflow.get(f"{place}/links").json()["extra_links"]["Run in workspace"]
    assert airflow.get(link, params={"format": "json"}).json()["name"] == "train"
    assert httpx.get(str(airflow.base_url.join(link))).status_code == 401
