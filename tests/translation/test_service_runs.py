"""Pipelines that a real background service runs; one service for the whole file."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from plain_text import files_with

from airflow_ml.core import Experiment, ScriptRunConfig, Workspace
from airflow_ml.core.authentication import InteractiveLoginAuthentication
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.runconfig import PyTorchConfiguration, RunConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.exceptions import ServiceException
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineEndpoint, PipelineParameter, PipelineRun
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import Home, open_shared
from airflow_ml.translation.service import RunningService, find_running
from airflow_ml.translation.service_control import service_status
from airflow_ml.translation.service_files import ServiceFiles, birth_of

pytestmark = pytest.mark.service

#: The service is on this machine, whatever proxies the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

#: A step that waits until the others are there too, which they only are if they run at the same time.
MEET = """
    import pathlib, sys, time
    place, name, other, out = sys.argv[1:]
    pathlib.Path(place, name).touch()
    deadline = time.monotonic() + 60
    while not pathlib.Path(place, other).exists():
        assert time.monotonic() < deadline, f"{other} does not run beside {name}"
        time.sleep(0.05)
    pathlib.Path(out).mkdir(parents=True)
    pathlib.Path(out, "met.txt").write_text(other)
"""
JOIN = """
    import pathlib, sys
    from azureml.core import Run
    Run.get_context().log("met", sum(pathlib.Path(place, "met.txt").exists() for place in sys.argv[1:]))
"""
FAIL = "raise SystemExit(3)"
TOUCH = "import pathlib, sys; pathlib.Path(sys.argv[1], 'a.csv').touch()"
ADD = """
    import sys
    from azureml.core import Run
    Run.get_context().log("sum", int(sys.argv[1]) + 1)
"""
#: The lengths tell that the values have come; the values themselves must not be kept.
SECRETS = """
    import os, pathlib, sys
    from azureml.core import Run
    run = Run.get_context()
    run.log("lengths", " ".join(str(len(text)) for text in [*sys.argv[1:], os.environ["API_TOKEN"]]))
    lines = [place.read_bytes() for place in pathlib.Path("/proc").glob("[0-9]*/cmdline") if place.exists()]
    run.log("seen", sum(os.environ["API_TOKEN"].encode() in line for line in lines))
    run.log("inherited", sum(name.startswith("AIRFLOW_CONN_") or "FERNET" in name for name in os.environ))
"""
SLEEP = """
    import os, pathlib, sys, time
    pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(600)
"""

#: A step that will not end: it ignores SIGTERM, and so does a grandchild in a session of its own, without a parent.
STUBBORN = """
    import os, pathlib, signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        pathlib.Path(sys.argv[1], "grandchild").write_text(str(os.getpid()))
        time.sleep(600)
    while not pathlib.Path(sys.argv[1], "grandchild").exists():
        time.sleep(0.01)
    pathlib.Path(sys.argv[1], "script").write_text(str(os.getpid()))
    time.sleep(600)
"""
RANKS = """
    import os, pathlib, sys
    from azureml.core import Run
    rank = os.environ["RANK"]
    pathlib.Path(sys.argv[1], rank).touch()
    Run.get_context().log(f"rank {rank}", " ".join(os.environ[name] for name in ("WORLD_SIZE", "NODE_RANK")))
"""


#: A DAG of the team's own, which starts when a dataset has a new version.
CONSUMER = """
    from airflow.sdk import dag, task
    from airflow_ml.core import Dataset, Workspace

    @dag(schedule=Dataset.get_by_name(Workspace.get("ml"), "clean").as_asset())
    def consumer():
        @task
        def read(triggering_asset_events=None):
            [[event]] = triggering_asset_events.values()
            return event.extra
        read()
    consumer()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Start a service in a home folder of its own, and end it with everything that it has started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_ML_HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("AIRFLOW_ML_REGISTRY", "AIRFLOW_ML_SERVICE_DATABASE"):
            patch.delenv(name, raising=False)
        started = call("service", "start", "--port", "0")
        assert started.returncode == 0, started.stderr
        yield find_running()
        call("service", "stop")


@pytest.fixture
def experiment(service: RunningService, request: pytest.FixtureRequest) -> Experiment:
    """Return an experiment of the test's own."""
    workspace = Workspace.create("ml", exist_ok=True, show_output=False)
    return Experiment(workspace, request.node.originalname)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., PythonScriptStep]:
    """Return what makes a step of a script's text."""

    def make(name: str, text: str, *arguments: object, **options: object) -> PythonScriptStep:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
        return PythonScriptStep(f"{name}.py", name, [*arguments], source_directory=str(folder), **options)

    return make


def test_start_leaves_a_running_service_alone(service: RunningService):
    """Starting again is no error and starts nothing; status says where the service is."""
    again = call("service", "start")
    status = call("service", "status")

    assert "running already" in again.stdout
    assert (status.returncode, f"pid:      {service.record.pid}" in status.stdout) == (0, True)
    assert service.url in status.stdout


def test_password_is_in_its_file_alone(service: RunningService):
    """The password of Airflow's user stands in no log and no record, and nobody gets in without it."""
    password = service.files.password()
    texts = [path.read_text(errors="replace") for path in (service.files.log, service.files.record)]

    assert all(password not in text for text in texts)
    with pytest.raises(ServiceException, match=r"answered with 401.*see its log"):
        service.client().__class__(service.url, log="x").ask("GET", "/api/v2/pools")


def test_no_secret_leaves_the_registry(experiment: Experiment, service: RunningService, script, tmp_path: Path):
    """
    Secrets of a submitted pipeline reach its script, and stand nowhere in plain text.

    Searched are Airflow's database with its serialized DAGs, runs and rendered fields, the registry, all logs and other
    files of the home, and the command lines of all processes while the script runs.
    """
    mark = "-".join(("very", "secret", "word"))
    configuration = RunConfiguration()
    configuration.environment.python.user_managed_dependencies = True
    configuration.environment.python.interpreter_path = sys.executable
    configuration.environment_variables = {"API_TOKEN": f"{mark}-variable"}
    default = PipelineParameter("db_password", f"{mark}-default")
    step = script("secret", SECRETS, default, PipelineParameter("other_token", "x"), runconfig=configuration)

    run = experiment.submit(
        Pipeline(experiment.workspace, [step]), pipeline_parameters={"other_token": f"{mark}-given"}
    )
    run.wait_for_completion(show_output=False)

    assert run.find_step_run("secret")[0].get_metrics() == {"lengths": "24 22 25", "seen": 0, "inherited": 0}
    assert files_with(Home.default().root, mark) == []


def test_independent_steps_run_at_the_same_time(experiment: Experiment, script, tmp_path: Path):
    """Two steps that need nothing of each other overlap; the third reads what both wrote."""
    outputs = {name: PipelineData(f"of_{name}") for name in ("left", "right")}
    pairs = [("left", "right"), ("right", "left")]
    pair = [script(a, MEET, str(tmp_path), a, b, outputs[a], outputs=[outputs[a]]) for a, b in pairs]
    join = script("join", JOIN, *outputs.values(), inputs=[*outputs.values()])

    run = experiment.submit(Pipeline(experiment.workspace, [*pair, join]))

    assert run.wait_for_completion(show_output=False) == "Finished"
    assert run.find_step_run("join")[0].get_metrics() == {"met": 2}
    (left_start, left_end), (right_start, right_end) = [times(run, name) for name in ("left", "right")]
    assert max(left_start, right_start) < min(left_end, right_end)


def test_failing_step_fails_the_run(experiment: Experiment, script):
    """A script that fails is named by the run's error; steps behind it are not started."""
    out = PipelineData("out")
    steps = [script("broken", FAIL, outputs=[out]), script("behind", JOIN, out, inputs=[out])]

    run = experiment.submit(Pipeline(experiment.workspace, steps))

    assert run.wait_for_completion(show_output=False, raise_on_error=False) == "Failed"
    assert "step 'broken'" in run.get_detailed_status()["details"]
    assert [step.name for step in run.get_steps()] == ["broken"]


def test_canceled_run_stops_its_script(experiment: Experiment, script, tmp_path: Path):
    """Canceling ends the script that runs, and the run."""
    note = tmp_path / "pid"
    run = experiment.submit(Pipeline(experiment.workspace, [script("sleeper", SLEEP, str(note))]))
    while not (note.exists() and note.read_text()):
        assert run.get_status() in ("NotStarted", "Running")

    run.cancel()

    assert run.wait_for_completion(show_output=False) == "Canceled"
    assert not Path("/proc", note.read_text()).exists()


def test_a_published_pipeline_is_started_at_the_services_address(
    service: RunningService, experiment: Experiment, script, tmp_path: Path
):
    """v1's request with the header of v1's authentication starts a run in the service, by an endpoint's name too."""
    step = script("add", ADD, PipelineParameter("number", 1))
    published = Pipeline(experiment.workspace, [step]).publish("p")
    shutil.rmtree(tmp_path / "source")
    body = json.dumps({"ExperimentName": experiment.name, "ParameterAssignments": {"number": "4"}}).encode()
    header = {"Content-Type": "application/json"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        OPENER.open(urllib.request.Request(published.endpoint, body, header), timeout=60)
    refused.value.close()

    header |= InteractiveLoginAuthentication().get_authentication_header()
    by_id = PipelineEndpoint.publish(experiment.workspace, "sums", None, published).endpoint
    by_name = by_id.split("Id", 1)[0] + "Name?name=sums&pipelineVersion=0"
    with OPENER.open(urllib.request.Request(by_name, body, header), timeout=120) as answer:
        run = PipelineRun(experiment, json.load(answer)["Id"])

    assert refused.value.code == 401
    assert published.endpoint.startswith(f"{service.url}/airflow-ml/pipelines/v1.0/")
    assert run.wait_for_completion(show_output=False) == "Finished"
    assert run.find_step_run("add")[0].get_metrics() == {"sum": 5}
    assert PipelineRun.get_pipeline_runs(experiment.workspace, published.id) == [run]


def test_a_submitted_script_is_a_run_of_its_own(
    service: RunningService, experiment: Experiment, script, tmp_path: Path
):
    """A script goes to the service too, has one record, and its DAG cannot be started by hand."""
    script("add", ADD)
    config = ScriptRunConfig(str(tmp_path / "source"), "add.py", [1])

    run = experiment.submit(config)
    details = run.wait_for_completion()

    assert (details["status"], run.get_metrics(), [*run.get_children()]) == ("Completed", {"sum": 2}, [])
    assert [*experiment.get_runs()] == [run]
    dag_runs = f"/api/v2/dags/{run._record.dag_id}/dagRuns"
    service.client().ask("POST", dag_runs, {"dag_run_id": "by-hand", "logical_date": None})
    while service.client().ask("GET", f"{dag_runs}/by-hand")["state"] in ("queued", "running"):
        pass
    assert service.client().ask("GET", f"{dag_runs}/by-hand")["state"] == "failed"
    assert [*experiment.get_runs()] == [run]


def test_two_submits_at_once_are_two_runs(experiment: Experiment, script):
    """The same new pipeline submitted twice at the same moment runs twice, each with its own parameters."""
    number = PipelineParameter("number", 0)
    pipeline = Pipeline(experiment.workspace, [script("add", ADD, number)])

    with ThreadPoolExecutor() as threads:
        submits = [threads.submit(experiment.submit, pipeline, pipeline_parameters={"number": n}) for n in (10, 20)]
        runs = [submit.result() for submit in submits]

    assert [run.wait_for_completion(show_output=False) for run in runs] == ["Finished", "Finished"]
    assert [run.find_step_run("add")[0].get_metrics() for run in runs] == [{"sum": 11}, {"sum": 21}]
    assert call("runs", "show", runs[0].id).stdout.splitlines()[-1].split()[-3:] == ["sum", "=", "11"]


def test_compute_targets_are_pools(service: RunningService, experiment: Experiment):
    """A compute target's pool has its slots, also after the target was changed."""
    wanted = AmlCompute.provisioning_configuration("STANDARD_NC12", max_nodes=2)
    target = ComputeTarget.create(experiment.workspace, "gpu-cluster", wanted)

    first = call("pools", "sync", "--workspace", "ml")
    target.update(max_nodes=3)
    token = service.client().token
    second = call("pools", "sync", "--url", service.url, "--token", str(token))

    assert first.stdout == "gpu-cluster: 4 slots (workspace ml)\n"
    assert second.returncode == 0
    assert service.client().ask("GET", "/api/v2/pools/gpu-cluster")["slots"] == 6


def test_step_runs_in_the_pool_of_its_target(service: RunningService, experiment: Experiment, script):
    """Submitting makes the pool of a new compute target, in which the step then runs."""
    wanted = AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=2)
    ComputeTarget.create(experiment.workspace, "cpu-cluster", wanted)

    run = experiment.submit(Pipeline(experiment.workspace, [script("add", ADD, 1, compute_target="cpu-cluster")]))

    assert run.wait_for_completion(show_output=False) == "Finished"
    assert service.client().ask("GET", "/api/v2/pools/cpu-cluster")["slots"] == 2
    tasks = service.client().ask("GET", "/api/v2/dags/~/dagRuns/~/taskInstances?task_id=add&pool=cpu-cluster")
    assert tasks["total_entries"] == 1


@pytest.mark.parametrize("way", ["mark failed", "clear"])
def test_nothing_of_a_step_outlives_its_task(
    service: RunningService, experiment: Experiment, script, tmp_path: Path, way: str
):
    """A task that is marked failed or cleared takes its script along within 15 seconds, whatever that does about it."""
    client, note = service.client(), tmp_path / "script"
    run = experiment.submit(Pipeline(experiment.workspace, [script("stubborn", STUBBORN, str(tmp_path))]))
    while not (note.exists() and note.read_text()):
        assert run.get_status() in ("NotStarted", "Running")
        time.sleep(0.05)
    pids = [note.read_text(), (tmp_path / "grandchild").read_text()]
    [task] = client.ask("GET", "/api/v2/dags/~/dagRuns/~/taskInstances?task_id=stubborn&state=running")[
        "task_instances"
    ]
    dag, dag_run = f"/api/v2/dags/{task['dag_id']}", task["dag_run_id"]

    before = time.monotonic()
    if way == "clear":
        run.cancel()  # so that the task does not begin anew
        wanted = {"dry_run": False, "only_failed": False, "only_running": True, "task_ids": ["stubborn"]}
        client.ask("POST", f"{dag}/clearTaskInstances", {**wanted, "dag_run_id": dag_run})
    else:
        client.ask("PATCH", f"{dag}/dagRuns/{dag_run}/taskInstances/stubborn", {"new_state": "failed"})
    while any(Path("/proc", pid).exists() for pid in pids):
        assert time.monotonic() - before < 15, "the step's processes are still there"
        time.sleep(0.05)

    assert run.wait_for_completion(show_output=False, raise_on_error=False) in ("Failed", "Canceled")


def test_nodes_of_a_step_are_tasks_that_meet(service: RunningService, experiment: Experiment, script):
    """A step on two nodes is two tasks; the first holds the slots of both, and has what both have written."""
    ComputeTarget.create(
        experiment.workspace, "two", AmlCompute.provisioning_configuration("STANDARD_NC6", max_nodes=2)
    )
    configuration = RunConfiguration(framework="PyTorch", communicator="Gloo")
    configuration.pytorch, configuration.node_count = PyTorchConfiguration("gloo", 2, 2), 2
    out = OutputFileDatasetConfig("out")
    step = script("ranks", RANKS, out, compute_target="two", runconfig=configuration, gpus=0)

    run = experiment.submit(Pipeline(experiment.workspace, [step]))

    assert run.wait_for_completion(show_output=False) == "Finished"
    tasks = "/api/v2/dags/~/dagRuns/~/taskInstances?task_id="
    [first] = service.client().ask("GET", f"{tasks}ranks")["task_instances"]
    [second] = service.client().ask("GET", f"{tasks}ranks-node-1")["task_instances"]
    assert (first["pool"], first["pool_slots"], first["queue"], first["state"]) == ("two", 2, "two", "success")
    assert (second["pool"], second["queue"], second["state"]) == ("default_pool", "two", "success")
    done = run.find_step_run("ranks")[0]
    assert done.get_metrics() == {"rank 0": "2 0", "rank 1": "2 1"}
    [output] = open_shared(experiment.workspace.ref).outputs.of(done.id)
    assert output.files == 2


def test_a_dag_scheduled_on_a_dataset_starts(service: RunningService, experiment: Experiment, script):
    """When a step registers its output, the DAG starts that is scheduled on the dataset, and knows version and run."""
    (service.files.dags / "consumer.py").write_text(textwrap.dedent(CONSUMER))
    client = service.client()
    while "consumer" not in [dag["dag_id"] for dag in client.ask("GET", "/api/v2/dags")["dags"]]:
        time.sleep(0.2)
    out = OutputFileDatasetConfig("out").register_on_complete("clean")

    run = experiment.submit(Pipeline(experiment.workspace, [script("write", TOUCH, out)]))

    assert run.wait_for_completion(show_output=False) == "Finished"
    xcoms = "/api/v2/dags/consumer/dagRuns/~/taskInstances/read/xcomEntries"
    while not client.ask("GET", xcoms)["total_entries"]:
        time.sleep(0.2)
    [started] = client.ask("GET", "/api/v2/dags/consumer/dagRuns")["dag_runs"]
    entry = client.ask("GET", xcoms.replace("~", started["dag_run_id"], 1) + "/return_value")
    step = run.find_step_run("write")[0]
    told = {"dataset": "clean", "version": 1, "run_id": step.id, "pipeline_run_id": run.id}
    assert (started["run_type"], entry["value"]) == ("asset_triggered", told)
    assert step.get_details()["outputDatasets"][0]["dataset"].version == 1


def test_killed_service_is_stopped_and_can_be_started(service: RunningService, experiment: Experiment, script):
    """After kill -9 the service counts as stopped; a start ends what is left of it, and works."""
    os.kill(service.record.pid, signal.SIGKILL)
    while birth_of(service.record.pid) is not None:
        pass

    status = service_status()
    started = call("service", "start", "--port", "0")
    run = experiment.submit(Pipeline(experiment.workspace, [script("add", ADD, 1)]))

    assert status.state == "stopped"
    assert "processes of a service that was killed" in str(status.problem)
    assert started.returncode == 0, started.stderr
    assert run.get_properties()["azureml.runsource"] == "azureml.PipelineRun"
    assert run.wait_for_completion(show_output=False) == "Finished"


def test_stop_leaves_no_process(service: RunningService):
    """After stop no process of the machine has the service's AIRFLOW_HOME, and status says stopped."""
    done = call("service", "stop")

    assert done.stdout == "the service has ended\n"
    assert processes_of(ServiceFiles.of(Home.default()).root) == []
    assert call("service", "status").returncode == 3
    assert find_running() is None


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "airflow_ml.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def times(run: PipelineRun, name: str) -> tuple[str, str]:
    """Return when a step began and ended."""
    details = run.find_step_run(name)[0].get_details()
    return details["startTimeUtc"], details["endTimeUtc"]


def processes_of(airflow_home: Path) -> list[str]:
    """Return the folders in /proc of all processes with that AIRFLOW_HOME."""
    wanted = f"AIRFLOW_HOME={airflow_home}".encode()
    return [str(folder) for folder in Path("/proc").glob("[0-9]*") if wanted in environment_of(folder)]


def environment_of(process: Path) -> list[bytes]:
    """Return a process's variables; none of one that has just ended."""
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
