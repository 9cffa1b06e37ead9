"""
What a trivial step in a container costs: against create, start, wait and remove of the same container by hand.

    python benchmarks/docker_step.py [rounds]

Three are measured in turns: the container by hand, through the launcher (with its keeper), and as a whole attempt at a
step: record, staging, script, commit. The container by hand does what the step's does: a script that does nothing, with
the same image, options and mounts. It needs a Docker engine with the tests' base image (`.ci/docker-engine`). The last
line is the verdict: the whole step takes at most 1.3 times the container by hand.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_ml.compute.container import Container, Mount
from airflow_ml.compute.container_options import create_options
from airflow_ml.compute.docker_launcher import DockerLauncher
from airflow_ml.compute.request import ProcessRequest

ALLOWED_RATIO = 1.3
IMAGE = "airflow-ml-test-base:bookworm"


def main() -> int:
    """Measure, print, and return 1 if a step costs more than allowed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    hand, launched, whole = [], [], []
    with tempfile.TemporaryDirectory() as name, open_step(Path(name)) as run_step:
        folder = Path(name)
        run_step()  # the first one imports, connects, and asks the image which Python it has
        names = (f"launcher-{number}" for number in itertools.count())
        for _ in range(rounds):
            hand.append(measure(lambda: by_hand(make_request(folder, "hand"))))
            launched.append(measure(lambda: by_launcher(make_request(folder, next(names)))))
            whole.append(measure(run_step))
    base = statistics.median(hand)
    for what, times in (("by hand", hand), ("launcher", launched), ("whole step", whole)):
        middle = statistics.median(times)
        print(f"{what:10}  median {middle:6.1f} ms, least {min(times):6.1f} ms, {middle / base:.2f} times")
    ratio = statistics.median(whole) / base
    print(f"a trivial step takes {ratio:.2f} times the container by hand (allowed {ALLOWED_RATIO})")
    return int(ratio > ALLOWED_RATIO)


def make_request(folder: Path, marker: str) -> ProcessRequest:
    """Return the request for a script that does nothing."""
    place = folder / marker
    place.mkdir(exist_ok=True)
    return ProcessRequest(
        argv=("python3", "-c", "pass"),
        cwd=place,
        environment={},
        log_path=place / "log.txt",
        attempt_directory=place,
        marker=f"{folder.name}-{marker}",
        container=Container(IMAGE, mounts=(Mount(place, place, is_read_only=False),)),
    )


LAUNCHER = DockerLauncher()


def by_hand(request: ProcessRequest) -> None:
    """Do what a shell script would do, with the same options."""
    assert request.container is not None
    engine = LAUNCHER.engine
    options = create_options(request, request.container)
    container = engine.create(IMAGE, ["python3", "-c", "pass"], name=request.marker, **options)
    engine.client.start(container)
    assert engine.client.wait(container)["StatusCode"] == 0
    engine.client.remove_container(container)


def by_launcher(request: ProcessRequest) -> None:
    """Run the container under its keeper."""
    with LAUNCHER.launch(request) as step:
        outcome = step.wait()
    assert outcome is not None
    assert outcome.succeeded


@contextmanager
def open_step(home: Path) -> Iterator[Callable[[], object]]:
    """Give a function that runs an attempt at a trivial step, as its operator does."""
    os.environ["AIRFLOW_ML_HOME"] = str(home / "home")
    from airflow_ml.core import Environment, Workspace
    from airflow_ml.core.runconfig import DockerConfiguration, RunConfiguration
    from airflow_ml.execution.attempt import Control
    from airflow_ml.execution.model import Airflow, StepTask
    from airflow_ml.execution.pipelines import Opening, enter_pipeline, open_pipeline
    from airflow_ml.execution.services import open_services
    from airflow_ml.execution.steps import take_step
    from airflow_ml.pipeline.core import Pipeline
    from airflow_ml.pipeline.steps import PythonScriptStep

    source = home / "src"
    source.mkdir()
    (source / "step.py").write_text("pass\n")
    configuration = RunConfiguration()
    configuration.docker = DockerConfiguration(use_docker=True)
    configuration.environment = Environment("bare")
    configuration.environment.docker.base_image = IMAGE
    configuration.environment.python.user_managed_dependencies = True
    configuration.environment.python.interpreter_path = "python3"
    step = PythonScriptStep("step.py", "step", source_directory=str(source), runconfig=configuration, allow_reuse=False)
    workspace = Workspace.create("bench")
    control = Control(lambda: False, lambda _line: None, lambda _run_id: None)
    with open_services(workspace.ref) as services:
        graph = Pipeline(workspace, [step]).graph
        run = open_pipeline(services, graph, Opening(experiment="bench", dag_id="d", dag_run_id="r"))

        def run_step() -> object:
            pipeline = enter_pipeline(services, run.id, graph.steps[0].id)
            return take_step(services, StepTask(graph, graph.steps[0], pipeline, Airflow("d", "r", "step")), control)

        yield run_step


def measure(work: Callable[[], object]) -> float:
    """Return how many milliseconds the work takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
