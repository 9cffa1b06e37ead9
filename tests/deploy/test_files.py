"""What people deploy from: the compose file, the images' files, the values for Kubernetes; read without an engine."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import yaml
from servers.absent import skip_without

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict] = COMPOSE["services"]
PARTS = {"api-server", "scheduler", "dag-processor", "triggerer", "worker-cpu", "worker-gpu"}


def test_every_service_is_watched():
    """Each service that goes on running has a health check; what only prepares the others has none."""
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"prepare"}
    assert set(SERVICES) >= PARTS | {"postgres", "redis", "azurite"}


def test_only_workers_have_the_socket_of_the_engine():
    """Who has the engine's socket is root on the host, so no other part gets it."""
    holders = {name for name, service in SERVICES.items() if "docker.sock" in str(service.get("volumes"))}

    assert holders == {"worker-cpu", "worker-gpu"}


def test_run_directories_have_one_path_inside_and_outside():
    """The engine mounts what a worker names, so the worker must see it where the host does."""
    home = COMPOSE["x-airflow"]["environment"]["AIRFLOW_ML_HOME"]

    for name in PARTS:
        assert f"{home}:{home}" in SERVICES[name]["volumes"], name


def test_no_secret_stands_in_the_file():
    """Secrets are in a private file that git ignores; no variable of a container holds one."""
    variables = {**COMPOSE["x-airflow"]["environment"], **SERVICES["worker-gpu"]["environment"]}

    assert [name for name in variables if re.search("PASSWORD$|KEY$|SECRET$|CONN$|BROKER_URL$|BACKEND$", name)] == []
    ignored = subprocess.run(["git", "check-ignore", "--quiet", ".compose/secrets.env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def test_images_are_built_from_files_that_are_there():
    """Each image has a file in the repository, and its base is an argument."""
    for name, service in SERVICES.items():
        if "build" not in service:
            assert service["image"] == "airflow-ml:local", name
            continue
        text = (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).read_text(encoding="utf-8")
        [argument] = service["build"]["args"]
        assert f"FROM ${{{argument}}}" in text


def test_compose_understands_the_file():
    """The program reads the file and finds nothing wrong with it."""
    programs = [["docker-compose"], ["docker", "compose"]]
    found = [program for program in programs if shutil.which(program[0]) and runs([*program, "version"])]
    if not found:
        skip_without("no docker compose; install the package docker-compose")
    settings = {"AIRFLOW_ML_UID": "1", "AIRFLOW_ML_DOCKER_GID": "1", "AIRFLOW_ML_DATA": "/nowhere"}

    done = subprocess.run(
        [*found[0], "--profile", "gpu", "config"],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    understood = yaml.safe_load(done.stdout)["services"]
    assert set(understood) == set(SERVICES)
    [device] = understood["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def runs(command: list[str]) -> bool:
    """Tell whether a program starts."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_image_requirements_are_those_of_the_package():
    """The image's first layer has what `setup.py` asks for, with the extras that are named."""
    done = subprocess.run(
        ["python3", "docker/requirements.py", "celery"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "pandas>=2.1" in done.stdout.splitlines()
    assert any(line.startswith("apache-airflow-providers-celery") for line in done.stdout.splitlines())


def test_values_for_kubernetes_fit_the_chart():
    """The example sets values that the official chart has, with the right types."""
    values = yaml.safe_load((ROOT / "docs/examples/helm-values.yaml").read_text(encoding="utf-8"))
    schema = json.loads(Path(__file__).with_name("helm-values.schema.json").read_text(encoding="utf-8"))

    jsonschema.validate(values, schema)

    assert values["executor"] == "KubernetesExecutor"
