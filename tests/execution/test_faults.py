"""Bad input and faults: one clear error that names step and thing, and nothing partial left behind."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_ml.exceptions import AzureMLException, ComputeTargetException, ServiceException, StepFailedError
from airflow_ml.execution.pipelines import Opening, close_pipeline, join_pipeline
from airflow_ml.pipeline.core import Pipeline, PipelineData

RUN_DIRECTORY = "import os; place = os.environ['AIRFLOW_ML_RUN_DIRECTORY'];"


def test_a_missing_source_directory_is_named_when_the_run_starts(script, start):
    """A source directory that is gone when the run is opened stops it before its first step."""
    started = start(script("pass"))
    shutil.rmtree("src")

    with pytest.raises(AzureMLException, match=r"step 'step': source directory .*src' is not there"):
        type(started)(started.services, _Built(started.graph))


class _Built:
    """A graph in the place of its pipeline."""

    def __init__(self, graph) -> None:
        self.graph = graph


def test_a_missing_script_of_any_step_is_named(script, start):
    """Steps that share a source directory have their scripts looked at one by one."""
    started = start(script("pass", name="one"), script("pass", name="two"))
    Path("src/two.py").unlink()

    with pytest.raises(AzureMLException, match=r"step 'two': script not found at .*two.py"):
        type(started)(started.services, _Built(started.graph))


def test_code_that_is_gone_at_the_step_is_recorded_with_it(script, services, start):
    """An operator written by hand captures at its step; what is missing then is the step's recorded failure."""
    started = start(script("pass"), is_complete=False)
    shutil.rmtree("src")

    assert "source directory" in str(started.fail())


def test_an_unknown_compute_target_is_named_with_those_there_are(script, services, workspace):
    """A compute target that the workspace does not have is an error when the run is opened."""
    graph = Pipeline(workspace, [script("pass")]).graph
    graph = replace(graph, steps=(replace(graph.steps[0], compute="gpu-9"),))

    with pytest.raises(ComputeTargetException, match=r"step 'step': ComputeTargetNotFound.*'gpu-9'.*has: none"):
        join_pipeline(services, graph, Opening("e", "d", "r", is_complete=False))


def test_an_output_that_was_not_written_is_named(script, start):
    """A declared output without a file is the script's failure, and no other output of it is committed."""
    good, bad = PipelineData("good"), PipelineData("bad")
    started = start(script("import sys; open(sys.argv[1], 'w').close()", good, bad, outputs=[good, bad]))

    error = started.fail()

    assert isinstance(error, StepFailedError)
    assert "output 'bad' was declared but not written" in str(error)
    assert not list(started.services.store("workspaceblobstore").list(".airflow_ml/manifests"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise SystemExit(3)", "script 'step.py' ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9 (SIGKILL), often the kernel's out-of-memory killer"),
        ("import os; os.kill(os.getpid(), 11)", "killed by signal 11 (SIGSEGV), a crash in a compiled extension"),
        ("1 / 0", "script 'step.py' ended with exit code 1"),
    ],
)
def test_how_a_script_failed_is_said(script, start, source, words):
    """Exit codes and signals are named in the error; the log and earlier outputs of the run stay."""
    out = PipelineData("out")
    first = script("import sys; open(sys.argv[1], 'w').write('whole')", out, outputs=[out], name="first")
    step = script(f"print('last words', flush=True)\n{source}", inputs=[out])
    started = start(first, step)
    started.run("first")

    error = started.fail()

    assert words in str(error)
    assert started.face.find_step_run("step")[0].get_stdout_log().startswith("last words")
    assert started.output("out", "first").read_text() == "whole"


def test_a_daemonised_child_is_gone_afterwards(script, start, gate):
    """A process that left session and parent does not outlive its step."""
    source = """
    import os, signal
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.write(write, str(os.getpid()).encode())
            while True: signal.pause()
        os._exit(0)
    print(os.read(read, 20).decode())
    """
    started = start(script(source))

    started.run()

    assert not Path("/proc", started.log[-1]).exists()


def test_a_full_disk_while_code_is_staged(script, start, small_disk):
    """Code that does not fit is an error that can be tried again and says that there is no space."""
    step = script("pass")
    Path("src/large.bin").write_bytes(os.urandom(5 << 20))

    error = start(step).fail()

    assert isinstance(error, ServiceException)
    assert "No space left" in str(error)


def test_a_full_disk_while_an_input_is_staged(script, start, small_disk):
    """An input that does not fit is an error that names it."""
    out = PipelineData("out", output_mode="upload", output_path_on_compute="/tmp/aml-test-large-output")
    write = "import sys; open(sys.argv[1], 'wb').write(b'x' * (5 << 20))"
    first = script(write, out, outputs=[out], name="first")
    step = script("pass", inputs=[out.as_download("large")])
    started = start(first, step)
    started.run("first")

    error = started.fail()

    assert isinstance(error, ServiceException)
    assert "input 'large'" in str(error)
    assert "no space left" in str(error)


def test_a_full_disk_while_the_script_writes(script, start, small_disk):
    """A script that fails because of a full disk fails with words about the disk."""
    source = """
    import sys
    with open("big", "wb", buffering=0) as file:
        while True:
            if file.write(b"x" * 4096) < 4096: raise OSError("full")
    """
    error = start(script(source)).fail()

    assert "exit code 1" in str(error)
    assert f"the disk of the run directory {str(small_disk)!r}"[:-1] in str(error)
    assert "is full" in str(error)


def test_a_full_artifact_store_does_not_hide_the_scripts_failure(script, start, services):
    """What the script did wrong comes first, when its files cannot be kept either."""
    services.store.artifacts  # noqa: B018 - made before the run
    source = "import os; os.makedirs('outputs'); open('outputs/big', 'wb').write(b'x' * (4 << 20)); raise SystemExit(3)"
    started = start(script(source))
    root = services.registry.home.store("workspaceartifactstore")
    kept = root.with_name("kept")
    root.rename(kept)
    root.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root], check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    shutil.copytree(kept, root, dirs_exist_ok=True)

    try:
        error = started.fail()
    finally:
        subprocess.run(["umount", "-l", root], check=True)

    assert "exit code 3" in str(error)
    assert any("could not be stored" in line for line in started.log)


def test_a_locked_registry_can_be_tried_again(script, start, services, monkeypatch):
    """While another process holds the registry, the error is one that a retry can help, and nothing runs."""
    started = start(script("pass"))
    with services.registry.experiments._database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 100")
    other = sqlite3.connect(services.registry.home.registry_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(ServiceException, match="locked"):
        started.run()
    other.execute("ROLLBACK")
    started.run()

    assert started.last().status == "Completed"


def test_a_script_that_removes_its_whole_run_directory_fails_in_words(script, start):
    """Without its run directory a step has no output to commit, and says so."""
    out = PipelineData("out")
    started = start(script(f"{RUN_DIRECTORY} import shutil; shutil.rmtree(place)", out, outputs=[out]))

    assert "output 'out' was declared but not written" in str(started.fail())


def test_a_failure_that_is_tried_again_is_not_the_pipelines(script, start):
    """Other steps of the pipeline do not stop for an attempt that is followed by another one."""
    started = start(script("raise SystemExit(1)"))

    with pytest.raises(StepFailedError):
        started.run(is_retried=lambda _error: True)

    assert "failure" not in started.services.registry.runs.get(started.id).details


def test_a_step_that_is_mended_completes_its_pipeline(script, start):
    """After a failed attempt a good one of the same step makes the pipeline's run complete."""
    flag = Path("flag").resolve()
    started = start(script(f"import os; raise SystemExit(0 if os.path.exists({str(flag)!r}) else 1)"))
    started.fail()
    flag.touch()

    started.run()

    assert close_pipeline(started.services, started.id).status == "Completed"
    assert [run.attempt for run in started.services.registry.runs.steps(started.id)] == [2]


def test_a_step_that_never_began_fails_its_pipeline(script, start):
    """A pipeline whose step has no record is not complete."""
    started = start(script("pass", name="one"), script("pass", name="two"))
    started.run("one")

    verdict = close_pipeline(started.services, started.id)

    assert verdict.status == "Failed"
    assert "step 'two' has not run" in verdict.error["message"]
