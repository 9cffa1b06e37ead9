"""The folder of DAG files, and a home and an Airflow that the tests of one example share."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_ml.translation.airflow_settings import embedded_settings, inherited_settings

DAGS = Path(__file__).parents[2] / "dags"
RUNNER = Path(__file__).parents[1] / "operators" / "runner.py"


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


class Examples:
    """A copy of the DAG folder, as a team would make it, and a process that runs its DAGs (`RUNNER`)."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = shutil.copytree(DAGS, folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        settings = embedded_settings(folder, database=folder / "airflow.db", folder=folder)
        environment = {**inherited_settings(), **settings, "AIRFLOW_ML_HOME": str(home)}
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        subprocess.run(migrate, env=environment, check=True, capture_output=True)
        read, write = os.pipe()
        self._answers = os.fdopen(read)
        self._log = folder / "log.txt"
        pipes = {"pass_fds": (write,), "stdin": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(RUNNER), str(write)], env=environment, stdout=log, bufsize=1, **pipes
            )
        os.close(write)
        assert self._answers.readline() == "ready\n", self._log.read_text()

    def run(self, name: str, conf: dict | None = None) -> dict:
        """Run an example from its beginning; return its states, XComs and log."""
        file, begin = self.folder / f"{name}.py", self._log.stat().st_size
        command = {"do": "run", "file": str(file), "conf": conf, "environment": {}}
        self.process.stdin.write(json.dumps(command) + "\n")
        line = self._answers.readline()
        text = self._log.read_bytes()[begin:].decode("utf-8", "replace")
        answer = json.loads(line or "{}")
        assert "state" in answer, f"{answer}\n{text}"
        return {**answer, "log": text}

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(30)
        self._answers.close()


@pytest.fixture(scope="module")
def examples(tmp_path_factory, shared_home: Path) -> Iterator[Examples]:
    """Start one process for the module's tests."""
    started = Examples(tmp_path_factory.mktemp("airflow"), shared_home)
    yield started
    started.close()
