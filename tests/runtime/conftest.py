"""A run directory with an operator's end made by the test, and real script processes in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_ml.runtime import library
from airflow_ml.runtime.channel_server import ChannelServer
from airflow_ml.runtime.events import EventReader
from airflow_ml.runtime.protocol import RUN_DIRECTORY_VARIABLE, RunDirectory

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "step-protocol.schema.json").read_text())


def context_data(**changes: Any) -> dict[str, Any]:
    """Return a context as an operator writes it, with some parts of it replaced."""
    run = {"id": "run-1", "name": "train", "number": None, "experiment": "digits", "experiment_id": "e-1"}
    return {
        "protocol": 1,
        "run": {**run, "parent_id": "pipeline-1", "root_id": "pipeline-1", "attempt": 1},
        "workspace": {"name": "team", "subscription_id": "s", "resource_group": "g", "id": "w-1"},
        "parameters": {"lr": "0.1"},
        "inputs": {},
        "outputs": {},
        "tags": {"given": "yes"},
        "properties": {"fixed": "1"},
        **changes,
    }


def interpreters() -> list[Any]:
    """Return the worker's interpreter, and others by their names on PATH or under pyenv; missing ones skip."""
    found = [pytest.param(sys.executable, id="worker")]
    for version in ("3.8", "3.10", "3.12", "3.13"):
        places = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
        skip = () if places else pytest.mark.skip(f"no Python {version} on this machine")
        found.append(pytest.param(str(places[-1]) if places else version, id=version, marks=skip))
    return found


@dataclass
class Step:
    """A step as its operator sees it: the run directory, and a way to run scripts in it."""

    directory: RunDirectory
    library: Path
    handlers: dict[str, Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    python: str = sys.executable

    def write(self, **changes: Any) -> None:
        """Write the context, with some parts of it replaced."""
        Path(self.directory.context).write_text(json.dumps(context_data(**changes)))

    def run(self, script: str, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a script in the step's code folder and wait for it; its failure fails the test unless check is false."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment.update({RUN_DIRECTORY_VARIABLE: self.directory.root, "PYTHONPATH": str(self.library)})
        with ChannelServer(self.directory.channel, self.handlers):
            done = subprocess.run(
                [self.python, *options, "-c", textwrap.dedent(script)],
                cwd=self.directory.code,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        assert not check or done.returncode == 0, done.stderr
        return done

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the events of all runs so far, or those of one kind."""
        events = EventReader(self.directory.events).read()
        return [dict(event) for event in events if kind in (None, event["event"])]


@pytest.fixture(scope="session")
def step_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The step library, built once."""
    target = tmp_path_factory.mktemp("library") / library.digest()
    library.build(target)
    return target


@pytest.fixture
def step(tmp_path: Path, step_library: Path) -> Step:
    """A step of which nothing has run yet, on the worker's interpreter."""
    directory = RunDirectory(tmp_path / "run")
    Path(directory.code).mkdir(parents=True)
    made = Step(directory, step_library)
    made.write()
    return made


@pytest.fixture(params=interpreters())
def python(request: pytest.FixtureRequest) -> str:
    """Each interpreter that a step's environment may have."""
    return request.param
