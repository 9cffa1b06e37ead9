"""A workspace, scripts written by the test, and single steps run without Airflow."""

from __future__ import annotations

import json
import os
import select
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.docker_engine import DockerForTests

from airflow_ml.compute.docker_engine import home_label
from airflow_ml.compute.orphans import find_orphans, kill_orphans
from airflow_ml.core import Environment, Workspace
from airflow_ml.core.runconfig import DockerConfiguration, RunConfiguration
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.attempt import Control
from airflow_ml.execution.model import Airflow, StepResult, StepTask
from airflow_ml.execution.pipelines import Opening, close_pipeline, enter_pipeline, open_pipeline
from airflow_ml.execution.reusing import Reused, Waiting, plan
from airflow_ml.execution.services import Services, open_services
from airflow_ml.execution.steps import take_step
from airflow_ml.graph import WorkspaceRef
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineRun
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import RunRecord


def is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until something can be read; select.select takes no descriptor above 1023, which a long run of tests has."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


@pytest.fixture
def workspace(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Create a workspace in a home of the test's own; the current folder is an empty one."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return Workspace.create("w")


@pytest.fixture
def services(workspace: Workspace) -> Iterator[Services]:
    """Open what steps of the workspace are executed with."""
    with open_services(WorkspaceRef("w")) as opened:
        yield opened


@pytest.fixture
def script(workspace: Workspace) -> Callable[..., PythonScriptStep]:
    """Write a script into the source directory `src` and return its step."""

    def make(source: str, *arguments: object, name: str = "step", **options: object) -> PythonScriptStep:
        folder = Path(str(options.setdefault("source_directory", "src")))
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        return PythonScriptStep(f"{name}.py", name, list(arguments), **options)

    return make


class Started:
    """A pipeline run whose steps are run one by one."""

    def __init__(self, services: Services, pipeline: Pipeline, **opening: object) -> None:
        self.services = services
        self.graph = pipeline.graph
        place = {"experiment": "e", "dag_id": "d", "dag_run_id": os.urandom(4).hex()}
        self.record = open_pipeline(services, self.graph, Opening(**{**place, **opening}))
        self.id = self.record.id
        self.log: list[str] = []
        self.is_stopped = False
        self.on_line: Callable[[str], None] = lambda _line: None

    def task(self, step_id: str) -> StepTask:
        """Return one attempt at a step, as the operator asks for it."""
        pipeline = enter_pipeline(self.services, self.id, step_id)
        return StepTask(self.graph, self.graph.step(step_id), pipeline, Airflow("d", "r", step_id))

    def run(
        self,
        step_id: str = "step",
        *,
        is_retried: Callable[[BaseException], bool] | None = None,
        waits: bool = False,
    ) -> StepResult:
        """Run one attempt at a step; `waits` for another run that computes the same."""

        def log(line: str) -> None:
            self.log.append(line)
            self.on_line(line)

        control = Control(lambda: self.is_stopped, log, lambda _run_id: None, is_retried or (lambda _error: False))
        try:
            while isinstance(taken := take_step(self.services, self.task(step_id), control), Waiting) and waits:
                time.sleep(min(taken.seconds, 0.1))
        finally:
            print("\n".join(self.log))
        assert not isinstance(taken, Waiting)
        return taken.result if isinstance(taken, Reused) else taken

    def run_all(self) -> PipelineRun:
        """Run all steps in order and close the pipeline run."""
        for step in self.graph.steps:
            self.run(step.id)
        close_pipeline(self.services, self.id)
        return self.face

    def fail(self, step_id: str = "step") -> AzureMLException:
        """Run a step that must fail; its message names the step and stands in the records and nothing is left."""
        with pytest.raises(AzureMLException) as caught:
            self.run(step_id)
        message = str(caught.value)
        assert repr(self.graph.step(step_id).name) in message
        assert self.last(step_id).error["message"] == message
        assert not self.leftovers()
        assert not self.services.registry.outputs.of(self.last(step_id).id)
        close_pipeline(self.services, self.id)
        assert self.services.registry.runs.get(self.id).error["message"] == message
        return caught.value

    def last(self, step_id: str = "step") -> RunRecord:
        """Return the record of the newest attempt at a step."""
        return self.services.registry.runs.attempts(self.id, step_id)[0]

    def offers(self, step_id: str = "step") -> bool:
        """Say whether later runs may take the result of the newest attempt at a step."""
        return self.services.registry.results.of_run(self.last(step_id).id) is not None

    def foreseen(self, step_id: str = "step") -> str:
        """Say what would become of a step of the same pipeline in a run that started now."""
        return plan(self.services, self.graph, {})[step_id].action

    def leftovers(self) -> list[Path]:
        """Return the run directories that are there."""
        runs = self.services.registry.home.runs
        return sorted(runs.iterdir()) if runs.exists() else []

    @property
    def face(self) -> PipelineRun:
        """The run as users see it."""
        return PipelineRun.get(Workspace.get("w"), self.id)

    def output(self, name: str, step_id: str = "step") -> Path:
        """Return where a committed output lies on this machine."""
        record = self.services.registry.outputs.get(self.last(step_id).id, name)
        place = self.services.store(record.datastore).local_path(record.path)
        assert place is not None
        return place


@pytest.fixture
def start(services: Services, workspace: Workspace) -> Iterator[Callable[..., Started]]:
    """Open a pipeline run for steps; afterwards no process of any attempt may be left."""
    made: list[Started] = []

    def make(*steps: PythonScriptStep, **opening: object) -> Started:
        made.append(Started(services, Pipeline(workspace, list(steps)), **opening))
        return made[-1]

    yield make
    left = {}
    for started in made:
        for run in services.registry.runs.children(started.id):
            left[run.id] = find_orphans(run.id)
            kill_orphans(run.id)
    assert not any(left.values())


@pytest.fixture
def result() -> Callable[[Started], dict]:
    """Read the JSON file that a script wrote as its output `out`."""
    return lambda started, step_id="step": json.loads(started.output("out", step_id).read_text(encoding="utf-8"))


class Gate:
    """A pair of named pipes by which a test and a script wait for each other."""

    def __init__(self, folder: Path) -> None:
        self.here, self.go = folder / "here", folder / "go"
        os.mkfifo(self.here)
        os.mkfifo(self.go)
        self._here = os.open(self.here, os.O_RDWR)
        self._go = os.open(self.go, os.O_RDWR)
        #: Python source that says that the script is here, and waits until it may go on.
        self.wait_here = (
            f"import os; os.write(os.open({str(self.here)!r}, os.O_WRONLY), b'x');"
            f" os.read(os.open({str(self.go)!r}, os.O_RDONLY), 1)"
        )

    def wait(self) -> None:
        """Wait until the script is at the gate."""
        assert is_readable(self._here, 30), "the script did not come to the gate"
        os.read(self._here, 1)

    def open(self) -> None:
        """Let the script go on."""
        os.write(self._go, b"x")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Make a gate that a script can wait at."""
    return Gate(tmp_path)


@pytest.fixture
def small_disk(services: Services) -> Iterator[Path]:
    """A disk of 3 MiB as the place of run directories."""
    runs = services.registry.home.runs
    runs.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", runs], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("mounting a small disk needs root")
    yield runs
    subprocess.run(["umount", "-l", runs], check=True)


@pytest.fixture
def in_container(docker_engine: DockerForTests, services: Services) -> Iterator[Callable[..., RunConfiguration]]:
    """Return a run configuration with a container; afterwards no container of this test's home may be left."""

    def make(**options: object) -> RunConfiguration:
        environment = Environment("e")
        environment.docker.base_image = docker_engine.image
        environment.python.user_managed_dependencies = True
        configuration = RunConfiguration()
        configuration.environment = environment
        configuration.docker = DockerConfiguration(use_docker=True, **options)
        return configuration

    yield make
    engine = services.containers.engine
    left = engine.find_all({"home": home_label(services.home.root)})
    for container in left:
        engine.remove(container.id)
    assert left == []


#: A script with one output.
WRITE = "import sys; open(sys.argv[1], 'w').write('whole')\n"


@pytest.fixture
def one(script: Callable[..., PythonScriptStep], start: Callable[..., Started]) -> Callable[..., Started]:
    """Return a function that opens a run of one step with one output."""

    def make(source: str = WRITE, **options: object) -> Started:
        out = PipelineData("out")
        return start(script(source, out, outputs=[out], **options))

    return make
