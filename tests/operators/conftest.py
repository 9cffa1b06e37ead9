"""DAG files written by the test and run by Airflow's in-process runner, in one process for all tests of a module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import PipelineRun
from airflow_ml.registry.fernet_keys import CONFIG_VARIABLE
from airflow_ml.translation.airflow_settings import embedded_settings, inherited_settings

HEAD = """
from airflow.sdk import DAG, TaskGroup, task
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.core.compute import ComputeTarget, DataFactoryCompute
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data.data_reference import DataReference
from airflow_ml.operators import DatasetInputOperator, DataTransferStepOperator, PythonScriptStepOperator
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import DataTransferStep, PythonScriptStep

ws = Workspace.get("w")

def step(script, *arguments, name, **options):
    return PythonScriptStep(script, name, list(arguments), source_directory="src", **options)
"""


class Runner:
    """The process that runs DAGs (`runner.py`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dags = folder / "dags"
        self.dags.mkdir()
        settings = embedded_settings(folder, database=folder / "airflow.db", folder=folder)
        self.environment = {**inherited_settings(), **settings}
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        subprocess.run(migrate, env=self.environment, check=True, capture_output=True)
        read, write = os.pipe()
        self._answers = os.fdopen(read)
        self.log_path = folder / "log.txt"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("runner.py")), str(write)],
                env=self.environment,
                pass_fds=(write,),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                bufsize=1,
            )
        os.close(write)
        assert self._answers.readline() == "ready\n", self.log_path.read_text()

    def ask(self, command: dict) -> tuple[dict, str]:
        """Let the process do something and return its answer and what was logged meanwhile."""
        begin = self.log_path.stat().st_size
        self.process.stdin.write(json.dumps(command) + "\n")
        answer = self._answers.readline()
        with self.log_path.open("rb") as log:
            log.seek(begin)
            text = log.read().decode("utf-8", "replace")
        assert answer, text
        return json.loads(answer), text

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(120)
        self._answers.close()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Start one process for the module's tests."""
    started = Runner(tmp_path_factory.mktemp("airflow"))
    yield started
    started.close()


@dataclass
class Ran:
    """How a DAG run ended."""

    dags: Dags
    answer: dict
    log: str

    @property
    def state(self) -> str:
        """State of the DAG run."""
        return self.answer["state"]

    @property
    def tasks(self) -> dict[str, str]:
        """States of its tasks."""
        return self.answer["tasks"]

    @property
    def pipelines(self) -> list[PipelineRun]:
        """The pipeline runs that the DAG run has made, oldest first."""
        workspace = Workspace.get("w")
        records = workspace.registry().runs.list(kind="pipeline")
        return [PipelineRun.get(workspace, record.id) for record in reversed(records)]

    @property
    def pipeline(self) -> PipelineRun:
        """The one pipeline run that the DAG run has made."""
        [run] = self.pipelines
        return run

    def clear(self, *tasks: str, **others: str) -> Ran:
        """Clear tasks and let the DAG run go on; `run_type` makes it another kind of run."""
        return self.dags.ask({"do": "clear", "run_id": self.answer["run_id"], "tasks": tasks, **others})


class Dags:
    """One DAG file, beside its scripts."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.environment = {name: os.environ[name] for name in ("AIRFLOW_ML_HOME", CONFIG_VARIABLE)}
        self.folder = runner.dags / "src"
        self.folder.mkdir(exist_ok=True)
        self.pid = runner.process.pid
        self.file = runner.dags / f"dag_{uuid.uuid4().hex}.py"

    def script(self, name: str, source: str = "pass") -> None:
        """Write a script into `src`."""
        (self.folder / name).write_text(textwrap.dedent(source), encoding="utf-8")

    def run(self, source: str, conf: dict | None = None) -> Ran:
        """Run the DAG that the source makes."""
        self._write(source)
        return self.ask({"do": "run", "conf": conf})

    def serialize(self, source: str) -> dict:
        """Return the DAG that the source makes as Airflow keeps it."""
        self._write(source)
        return self.ask({"do": "serialize"}).answer

    def ask(self, command: dict) -> Ran:
        """Send a command about the file."""
        answer, log = self.runner.ask({**command, "file": str(self.file), "environment": self.environment})
        assert "failed" not in answer, f"{answer['failed']}\n{log}"
        return Ran(self, answer, log)

    def _write(self, source: str) -> None:
        for other in self.runner.dags.glob("dag_*.py"):
            other.unlink()
        self.file.write_text(HEAD + textwrap.dedent(source), encoding="utf-8")


@pytest.fixture
def dags(runner: Runner, home: Path) -> Callable[[], Dags]:
    """Make a workspace and a folder of DAGs."""
    Workspace.create("w")
    return Dags(runner)
