"""The compose file brought up for real, a pipeline run in it, and taken down again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from servers.azurite import free_port
from servers.docker_engine import BASE_IMAGE, DockerForTests, running_engine

from airflow_ml.translation.service_client import AirflowClient

pytestmark = [pytest.mark.compose, pytest.mark.soak, pytest.mark.docker, pytest.mark.timeout(3000)]

ROOT = Path(__file__).parents[2]
NODE_IMAGE = "airflow-ml-test-node:bookworm"

DAG_FILE = f"""
from airflow_ml.core import Environment, Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.runconfig import DockerConfiguration, RunConfiguration
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

ws = Workspace.get("digits")
size = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=2)
target = ComputeTarget.create(ws, "cpu-cluster", size)
environment = Environment("contained")
environment.docker.base_image = "{BASE_IMAGE}"
environment.python.user_managed_dependencies = True
environment.python.interpreter_path = "python3"
inside = RunConfiguration()
inside.target, inside.environment, inside.docker = target, environment, DockerConfiguration(use_docker=True)
data, told = PipelineData("data"), PipelineData("told")
write = PythonScriptStep("write.py", "write", [data], outputs=[data], runconfig=inside, source_directory="src")
read = PythonScriptStep(
    "read.py", "read", [data, told], inputs=[data], outputs=[told], compute_target=target, source_directory="src"
)
dag = Pipeline(ws, [read]).to_dag("contained")
"""
WRITE = "import os, sys; assert os.path.exists('/.dockerenv'); open(sys.argv[1], 'w').write(str(os.getuid()))"
READ = "import sys; assert open(sys.argv[1]).read() != '0'; open(sys.argv[2], 'w').write('read')"


@pytest.fixture
def engine() -> DockerForTests:
    """Return the machine's engine."""
    return running_engine()


@pytest.fixture
def node_image(engine: DockerForTests, tmp_path: Path) -> str:
    """Make an image with this machine's node and npm: the public one cannot be had everywhere."""
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node is not None
    assert npm is not None
    folder = tmp_path / "node"
    folder.mkdir()
    shutil.copy(Path(node).resolve(), folder / "node")
    shutil.copytree(Path(npm).resolve().parent.parent, folder / "npm", symlinks=True)
    lines = [
        f"FROM {BASE_IMAGE}",
        "COPY node /usr/local/bin/node",
        "COPY npm /usr/local/lib/node_modules/npm",
        "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
        "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm --version",
    ]
    (folder / "Dockerfile").write_text("\n".join(lines))
    engine.client.images.build(path=str(folder), tag=NODE_IMAGE, rm=True)
    return NODE_IMAGE


@pytest.fixture
def settings(node_image: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Bring everything up under a name of the test's own, and take it down with its volumes."""
    dags = tmp_path / "dags"
    (dags / "src").mkdir(parents=True)
    (dags / "contained.py").write_text(DAG_FILE)
    (dags / ".airflowignore").write_text("src/\n")
    (dags / "src" / "write.py").write_text(WRITE)
    (dags / "src" / "read.py").write_text(READ)
    for place in (tmp_path, dags, dags / "src"):
        place.chmod(0o755)
    own = {
        "AIRFLOW_ML_PROJECT": f"aml-{uuid.uuid4().hex[:8]}",
        "AIRFLOW_ML_DATA": str(tmp_path / "data"),
        "AIRFLOW_ML_DAGS": str(dags),
        "AIRFLOW_ML_PORT": str(free_port()),
        "BASE_IMAGE": BASE_IMAGE,
        "NODE_IMAGE": node_image,
    }
    try:
        make("up", own)
        yield own
    finally:
        make("down", {**own, "VOLUMES": "1"})


def make(target: str, own: dict[str, str]) -> None:
    """Run a target of the Makefile."""
    subprocess.run(["make", target], cwd=ROOT, env={**os.environ, **own}, check=True, timeout=2400)


def test_a_pipeline_runs_in_what_make_up_starts(settings: dict[str, str], engine: DockerForTests) -> None:
    """A step in a container and one in the worker pass a file on by the blob store; no inspection shows a secret."""
    data = Path(settings["AIRFLOW_ML_DATA"])
    client = AirflowClient(f"http://127.0.0.1:{settings['AIRFLOW_ML_PORT']}")
    client = client.log_in("admin", json.loads((data / "auth" / "passwords.json").read_text())["admin"])
    run = uuid.uuid4().hex
    client.ask("POST", "/api/v2/dags/contained/dagRuns", {"dag_run_id": run, "logical_date": None})
    place, deadline = f"/api/v2/dags/contained/dagRuns/{run}", time.monotonic() + 240

    while (state := cast("dict", client.ask("GET", place))["state"]) in ("queued", "running"):
        assert time.monotonic() < deadline, "the run does not end"
        time.sleep(1)

    assert state == "success"
    labels = {"label": f"com.docker.compose.project={settings['AIRFLOW_ML_PROJECT']}"}
    containers = engine.client.containers.list(filters=labels)
    assert len(containers) == 8
    secrets = [line.partition("=")[2] for line in (data / "secrets.env").read_text().splitlines()]
    assert [one.name for one in containers if any(secret in json.dumps(one.attrs) for secret in secrets)] == []
    assert (data / "secrets.env").stat().st_mode & 0o077 == 0
