"""One Airflow on two Celery workers for all tests of this folder, and a workspace in PostgreSQL."""

from __future__ import annotations

import os
import textwrap
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from servers.redis import running_redis
from servers.scaled_out import ScaledOut, running_celery, wait_for

from airflow_ml.core import Workspace
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import RunRecord, open_registry
from airflow_ml.registry.fernet_keys import CONFIG_VARIABLE, KEY_VARIABLES

#: The workers: a queue each, and how many tasks each runs at once.
WORKERS = {"cpu-cluster": 3, "gpu-cluster": 3}
DEVICES = 4

HEAD = """
from datetime import timedelta

from airflow_ml.core import Workspace
from airflow_ml.execution.stores import Stores
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

ws = Workspace.get("w")
SOON = {"retry_delay": timedelta(seconds=1)}

def target(name, size, nodes=4):
    return ComputeTarget.create(ws, name, AmlCompute.provisioning_configuration(vm_size=size, max_nodes=nodes))

cpu = target("cpu-cluster", "STANDARD_D2_V2")
gpu = target("gpu-cluster", "STANDARD_NC24", 1)  # four GPUs a node
both = target("both", "STANDARD_NC24", 1)
"""


@dataclass
class Ran:
    """A DAG run and the pipeline run that it has made."""

    airflow: ScaledOut
    dag_id: str
    run_id: str
    database: str

    def finish(self, seconds: float = 120.0) -> str:
        """Wait for its end and return the state."""
        return self.airflow.finish(self.dag_id, self.run_id, seconds)

    def attempts(self, step: str) -> list[RunRecord]:
        """Return the runs of a step, oldest first; none before the pipeline is opened."""
        with open_registry(WorkspaceRef("w")) as registry:
            pipeline = registry.runs.find_pipeline(self.dag_id, self.run_id)
            runs = [] if pipeline is None else registry.runs.list(parent_id=pipeline.id, limit=1000)
        return sorted((run for run in runs if run.name == step), key=lambda run: run.sequence)

    def output(self, run: RunRecord, name: str) -> Path:
        """Return where a step run's committed output lies."""
        with open_registry(WorkspaceRef("w")) as registry:
            record = registry.outputs.get(run.id, name)
            place = Stores(registry)(record.datastore).local_path(record.path)
        assert place is not None
        return place

    def metric(self, run: RunRecord, name: str) -> list[object]:
        """Return the values of a step run's metric in the order of their recording."""
        with open_registry(WorkspaceRef("w")) as registry:
            return [point.value for point in registry.metrics.read(run.id, name)]

    def leases(self) -> int:
        """Return how many fingerprints are leased in the workspace."""
        engine = sa.create_engine(self.database.replace("postgresql:", "postgresql+psycopg2:", 1))
        with engine.connect() as connection:
            count = connection.execute(
                sa.text("SELECT count(*) FROM aml_fingerprint_leases WHERE owner IS NOT NULL")
            ).scalar_one()
        engine.dispose()
        return int(count)


@dataclass
class Project:
    """DAG files and scripts of one test."""

    airflow: ScaledOut
    database: str
    #: What scripts write into and look for.
    place: Path
    dag_id: str = field(default_factory=lambda: f"dag_{uuid.uuid4().hex}")

    def script(self, name: str, text: str) -> None:
        """Write a script into the folder of the steps."""
        folder = self.airflow.dags / self.dag_id
        folder.mkdir(exist_ok=True)
        (folder / ".airflowignore").write_text(".*\n")
        (folder / name).write_text(textwrap.dedent(text))

    def start(self, steps: str) -> Ran:
        """Write the DAG file and start a run of it."""
        last = f'Pipeline(ws, steps).to_dag("{self.dag_id}", max_active_tasks=1000, default_args=SOON)'
        text = f'{HEAD}\nplace, source = {str(self.place)!r}, "{self.dag_id}"\n{textwrap.dedent(steps)}\ndag = {last}\n'
        (self.airflow.dags / f"{self.dag_id}.py").write_text(text)
        return self.again()

    def again(self) -> Ran:
        """Start another run."""
        return Ran(self.airflow, self.dag_id, self.airflow.trigger(self.dag_id), self.database)

    def lines(self, name: str) -> Sequence[str]:
        """Return what scripts have written into a file."""
        file = self.place / name
        return file.read_text().split() if file.exists() else []


@pytest.fixture(scope="session")
def databases(new_postgres_url: Callable[[], str]) -> tuple[str, str]:
    """Make a database for Airflow and one for the workspace."""
    return new_postgres_url(), new_postgres_url()


@pytest.fixture(scope="session")
def scaled_out(tmp_path_factory: pytest.TempPathFactory, databases: tuple[str, str]) -> Iterator[ScaledOut]:
    """Start Airflow with its workers, once for all tests; its steps see four devices that are there in name alone."""
    folder = tmp_path_factory.mktemp("scaled-out")
    with pytest.MonkeyPatch.context() as patch, running_redis() as broker:
        for name in (*KEY_VARIABLES, "AIRFLOW_ML_REGISTRY_PASSWORD"):
            patch.delenv(name, raising=False)
        patch.setenv(CONFIG_VARIABLE, str(folder / "no.cfg"))
        patch.setenv("AIRFLOW_ML_HOME", str(folder / "ml"))
        patch.setenv("AIRFLOW_ML_REGISTRY", databases[1])
        patch.setenv("AIRFLOW_ML_DEVICES", f"fake:{DEVICES}")
        Workspace.create("w", show_output=False)
        with running_celery(folder / "airflow", databases[0], broker, WORKERS) as airflow:
            yield airflow


@pytest.fixture
def project(scaled_out: ScaledOut, databases: tuple[str, str], tmp_path: Path) -> Project:
    """Return a project of the test's own; all workers are there."""
    for queue, worker in scaled_out.workers.items():
        assert worker.poll() is None, f"worker {queue} has ended"
    return Project(scaled_out, databases[1], tmp_path)


@pytest.fixture
def gone() -> Callable[[str], None]:
    """Return what waits until no process of a step run is left."""

    def check(step_run_id: str) -> None:
        wait_for(f"processes of {step_run_id} are gone", lambda: not processes_of(step_run_id), 60)

    return check


def processes_of(step_run_id: str) -> list[int]:
    """Return the processes that carry a step run's marker."""
    wanted = f"AIRFLOW_ML_ATTEMPT={step_run_id}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in variables and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
