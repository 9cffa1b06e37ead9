"""
A real Airflow that is scaled out by Celery: a worker per queue, over Redis and PostgreSQL, all on this machine.

The workers share the machine and its folders, as several workers of one host do; each has its own queue.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from servers.azurite import free_port

from airflow_ml.translation.airflow_settings import inherited_settings, service_settings
from airflow_ml.translation.service_client import AirflowClient, AirflowError
from airflow_ml.translation.service_processes import MARKER, end_processes

__all__ = ["ScaledOut", "Task", "running_celery", "wait_for"]

START_SECONDS = 180

#: Airflow's word for tasks without a queue of their own: those that open and close pipelines.
DEFAULT_QUEUE = "default"


def wait_for(what: str, look: Callable[[], object], seconds: float = 120.0) -> object:
    """Return the first answer that is true."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)
    return answer


@dataclass(frozen=True)
class Task:
    """A task instance as Airflow's API shows it."""

    state: str | None
    try_number: int
    queue: str
    hostname: str
    pid: int | None


@dataclass
class ScaledOut:
    """
    Airflow's parts as they run.

    Attributes:
        folder: AIRFLOW_HOME, with a log per part and the folder `dags`.
        environment: of every part.
        workers: the Celery worker's main process of each queue.
        concurrency: how many tasks each of them runs at once.
    """

    folder: Path
    environment: Mapping[str, str]
    client: AirflowClient
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    concurrency: dict[str, int] = field(default_factory=dict)

    @property
    def dags(self) -> Path:
        """Where DAG files are looked for every second."""
        return self.folder / "dags"

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start one part, in a session of its own, so that it can be killed with all that it started."""
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "airflow", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                cwd=self.folder,
                start_new_session=True,
            )

    def start_worker(self, queue: str, concurrency: int) -> None:
        """Start the worker of a queue, which takes those of `both` and tasks without a queue of their own too."""
        self.concurrency[queue] = concurrency
        options = [
            "--queues",
            f"{queue},both,{DEFAULT_QUEUE}",
            "--concurrency",
            str(concurrency),
            "--celery-hostname",
            f"{queue}@%h",
        ]
        self.workers[queue] = self.start(
            f"worker-{queue}", "celery", "worker", *options, "--skip-serve-logs", "--without-mingle", "--without-gossip"
        )

    def kill(self, task: int, what: str, queue: str) -> None:
        """
        Kill a part of what runs a task, with a signal that nothing can catch; a worker is started again.

        Args:
            task: the task's process; it may have ended by itself.
            what: `task`, its `supervisor`, the `worker`, or all of the worker's processes, as when its `host` dies.
        """
        with suppress(OSError):
            if what == "task":
                os.kill(task, signal.SIGKILL)
            elif what == "supervisor":
                os.kill(_parent_of(task), signal.SIGKILL)
            elif what == "worker":
                self.workers[queue].kill()
            else:
                os.killpg(self.workers[queue].pid, signal.SIGKILL)
        if what in ("worker", "host"):
            self.workers[queue].wait()
            self.start_worker(queue, self.concurrency[queue])

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow has read the DAG's file."""

        def is_read() -> bool:
            try:
                self.client.ask("GET", f"/api/v2/dags/{dag_id}/details")
            except AirflowError as error:
                if error.status != 404:
                    raise
                return False
            return True

        wait_for(f"DAG {dag_id!r} is read", is_read)

    def trigger(self, dag_id: str, conf: Mapping[str, object] | None = None) -> str:
        """Start a run of a DAG as soon as Airflow knows it, and return its id."""
        self.wait_for_dag(dag_id)
        run_id = uuid.uuid4().hex
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        self.client.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", cast("dict", body))
        return run_id

    def state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        return cast("dict", self.client.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"))["state"]

    def finish(self, dag_id: str, run_id: str, seconds: float = 120.0) -> str:
        """Wait until a run has ended and return its state."""
        wait_for(f"{dag_id} ends", lambda: self.state(dag_id, run_id) in ("success", "failed"), seconds)
        return self.state(dag_id, run_id)

    def tasks(self, dag_id: str, run_id: str) -> dict[str, Task]:
        """Return the tasks of a run by name."""
        found = self.client.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=1000")
        return {
            item["task_id"]: Task(item["state"], item["try_number"], item["queue"], item["hostname"], item["pid"])
            for item in cast("dict", found)["task_instances"]
        }

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """Return the log of a task's try as Airflow shows it."""
        place = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        lines = cast("dict", self.client.ask("GET", f"{place}?full_content=true"))["content"]
        return "\n".join(str(line.get("event", line)) if isinstance(line, dict) else str(line) for line in lines)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextmanager
def running_celery(
    folder: Path,
    database_url: str,
    broker_url: str,
    workers: Mapping[str, int],
    variables: Mapping[str, str] | None = None,
) -> Iterator[ScaledOut]:
    """
    Start an API server, a scheduler, a DAG processor and a Celery worker per queue, and end all with the block.

    Args:
        folder: AIRFLOW_HOME.
        workers: how many tasks the worker of a queue runs at once.
        variables: more settings for all parts.
    """
    pytest.importorskip("airflow.providers.celery", reason="the extra `celery` is not installed")
    (folder / "dags").mkdir(parents=True, exist_ok=True)
    environment = _environment(folder, database_url, broker_url, variables or {})
    started = ScaledOut(folder, environment, AirflowClient(environment["AIRFLOW__API__BASE_URL"]))
    try:
        migrate = started.start("migrate", "db", "migrate")
        # Workers have no use for Airflow's tables.
        for queue, concurrency in workers.items():
            started.start_worker(queue, concurrency)
        assert migrate.wait(START_SECONDS) == 0, (folder / "migrate.log").read_text()[-3000:]
        for name in ("api-server", "scheduler", "dag-processor"):
            started.parts[name] = started.start(name, name)
        _wait_until_it_works(started)
        yield started
    finally:
        _end(started)


def _environment(folder: Path, database_url: str, broker_url: str, variables: Mapping[str, str]) -> dict[str, str]:
    url = database_url.replace("postgresql:", "postgresql+psycopg2:", 1)
    settings = service_settings(folder, database_url=url, port=free_port())
    environment = {
        **inherited_settings(),
        **settings,
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__PARALLELISM": "16",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__API__SECRET_KEY": uuid.uuid4().hex,
        "AIRFLOW__API_AUTH__JWT_SECRET": uuid.uuid4().hex,
        "AIRFLOW__CELERY__BROKER_URL": broker_url,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{url}",
        "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        # What was killed is noticed within seconds.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        MARKER: str(folder),
        # Airflow renames its processes; without this the new name overwrites the environment that the marker is in.
        "SPT_NOENV": "1",
        **variables,
    }
    # Python would compile anew in every process what it may not write down.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _wait_until_it_works(started: ScaledOut) -> None:
    def is_up() -> bool:
        for name, part in {**started.parts, **started.workers}.items():
            assert part.poll() is None, f"{name} has ended: see {started.folder}"
        try:
            health = cast("dict", started.client.ask("GET", "/api/v2/monitor/health"))
            # The first request of a task makes Airflow prepare that part of its API, which takes seconds.
            started.client.ask("GET", "/execution/health")
        except AirflowError:
            return False
        return all(health[part]["status"] == "healthy" for part in ("scheduler", "dag_processor"))

    wait_for("Airflow is up", is_up, START_SECONDS)
    for queue in started.workers:
        log = started.folder / f"worker-{queue}.log"
        wait_for(f"worker {queue} is ready", lambda log=log: b" ready" in log.read_bytes(), START_SECONDS)
    token = cast("dict", started.client.ask("GET", "/auth/token"))["access_token"]
    started.client = AirflowClient(started.client.url, token=token)


def _end(started: ScaledOut) -> None:
    """Kill every process of every part, whatever session it is in."""
    end_processes(started.folder, grace_seconds=0)
    for part in (*started.workers.values(), *started.parts.values()):
        part.wait(30)
