"""Attempts that failed, died or slept, and data that changed under them: none of it is ever reused."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.compute.orphans import find_orphans
from airflow_ml.core import Dataset, Datastore
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution import attempt, reusing
from airflow_ml.execution.model import Airflow
from airflow_ml.execution.pipelines import close_pipeline
from airflow_ml.execution.reusing import Admitted, Reused, Waiting, admit, decide_first, mark_announced, plan
from airflow_ml.pipeline.core import PipelineData

PLACE = Airflow("d", "r", "")

#: Owners that are killed at random moments: a few in every run of the tests, many by `make soak`.
TRIALS = 150 if os.environ.get("AIRFLOW_ML_SOAK") else 4

WRITE = "import sys; open(sys.argv[1], 'w').write('whole')\n"
COPY = "import sys; open(sys.argv[2], 'w').write(open(sys.argv[1]).read() + '!')\n"
SLOW = """
import sys, time
print("running", flush=True)
with open(sys.argv[1], "w") as file:
    for line in range(30):
        print(line, file=file, flush=True)
        time.sleep(0.005)
"""
WHOLE = "".join(f"{line}\n" for line in range(30))


def die(*_: object, **__: object) -> None:
    """Kill this process as the kernel's out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


def fork(work: Callable[[], object]) -> int:
    """Run something in a copy of this process that never comes back."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the copy must not go on with the tests
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(0)
    return pid


def dying(owner: object, name: str, work: Callable[[], object], *, after: bool = False) -> int:
    """Run something in a process that dies before it calls a function, or after; return its wait status."""
    real = getattr(owner, name)

    def call(*arguments: object, **options: object) -> None:
        if after:
            real(*arguments, **options)
        die()

    def patched() -> None:
        setattr(owner, name, call)
        work()

    return os.waitpid(fork(patched), 0)[1]


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for something that another process does, at most half a minute."""
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)  # there is nothing to wait on


@pytest.fixture
def one(script, start):
    """Function that opens a run of one step with one output."""

    def make(source=WRITE, **options):
        out = PipelineData("out")
        return start(script(source, out, outputs=[out], **options))

    return make


def is_free(started) -> bool:
    """Say whether a step need not wait any more."""
    admission = admit(started.services, started.task("step"), started.log.append)
    if isinstance(admission, Admitted) and admission.lease is not None:
        started.services.registry.fingerprint_leases.release(admission.lease)
    return not isinstance(admission, Waiting)


def action(started) -> str:
    """Say what becomes of the step of a run that starts now."""
    return plan(started.services, started.graph, {})["step"].action


def offers(started, step_id: str = "step") -> bool:
    """Say whether the newest attempt's result may be taken."""
    return started.services.registry.results.of_run(started.last(step_id).id) is not None


@pytest.mark.parametrize(
    "end",
    [
        "sys.exit(3)",
        "import os; os.kill(os.getpid(), 9)",
        "1 / 0",
        "import os; os.remove(sys.argv[1])",
        "import signal; signal.pause()",
    ],
    ids=["failed", "killed", "raised", "without output", "over time"],
)
def test_a_failed_attempt_is_not_reused(one, end):
    """A script that wrote its output and then failed, in whatever way, has no result, and runs again."""
    config = RunConfiguration()
    config.max_run_duration_seconds = 1
    first = one(WRITE + end, runconfig=config)
    with pytest.raises(AzureMLException):
        first.run()

    assert not offers(first)
    assert action(one(WRITE + end, runconfig=config)) == "run"


def test_a_canceled_attempt_is_not_reused(one, gate):
    """A step that was stopped after it wrote its output has no result."""
    source = f"{WRITE}{gate.wait_here}; import signal; signal.pause()"
    first = one(source)

    def run():
        with pytest.raises(AzureMLException):
            first.run()

    runner = threading.Thread(target=run)
    runner.start()
    gate.wait()
    first.is_stopped = True
    gate.open()
    runner.join(30)

    assert first.last().status == "Canceled"
    assert not offers(first)
    assert action(one(source)) == "run"


def test_a_full_disk_offers_nothing(one, small_disk):
    """A script whose disk is full has no result, also when it does not notice that half of its output is missing."""
    first = one(
        "import sys\nfile = open(sys.argv[1], 'wb', buffering=0)\nwhile file.write(b'x' * 4096) == 4096: pass\n"
    )
    with pytest.raises(AzureMLException):
        first.run()

    assert not offers(first)


def test_a_full_datastore_offers_nothing(one, services):
    """An output that does not fit onto its datastore is no result, and the next attempt writes it whole."""
    services.store("workspaceblobstore")  # made before the disk
    root = services.registry.home.store("workspaceblobstore")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root], check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    source = "import sys; open(sys.argv[1], 'wb').write(b'x' * (2 << 20))"
    first = one(source)
    try:
        with pytest.raises(AzureMLException):
            first.run()
    finally:
        subprocess.run(["umount", "-l", root], check=True)

    assert not offers(first)
    again = one(source)
    again.run()
    assert again.output("out").stat().st_size == 2 << 20


def test_a_child_that_still_writes_keeps_the_result_from_others(one):
    """Where the script's end leaves a process that had to be ended, half of the output may be missing."""
    source = """
    import subprocess, sys
    child = "import sys, time\\nwhile True: print('more', file=open(sys.argv[1], 'a')); time.sleep(0.01)"
    open(sys.argv[1], "w").write("whole")
    subprocess.Popen([sys.executable, "-c", child, sys.argv[1]], start_new_session=True)
    """
    first = one(source)
    first.run()

    assert not offers(first)
    assert "left processes running" in first.last().details["reuse"]["withheld"]
    assert action(one(source)) == "run"


def test_a_child_that_leaves_by_itself_does_no_harm(one):
    """A process that ends right after the script, as multiprocessing's own does, has been waited for."""
    source = """
    import subprocess, sys
    child = "import sys, time; time.sleep(0.1); open(sys.argv[1], 'a').write(' and more')"
    open(sys.argv[1], "w").write("whole")
    subprocess.Popen([sys.executable, "-c", child, sys.argv[1]])
    """
    first = one(source)
    first.run()

    assert offers(first)
    assert first.output("out").read_text() == "whole and more"


def test_an_edited_output_of_the_producer_is_not_computed_with_for_others(script, start):
    """A step that read an output which somebody had edited on the datastore has a result for its own run alone."""

    def make():
        out, copy = PipelineData("out"), PipelineData("copy")
        producer = script(WRITE, out, outputs=[out], name="make", source_directory="a")
        return start(producer, script(COPY, out, copy, inputs=[out], outputs=[copy], name="copy", source_directory="b"))

    first = make()
    first.run("make")
    first.output("out", "make").write_text("WHOLE")
    first.run("copy")

    assert first.output("copy", "copy").read_text() == "WHOLE!"
    assert first.last("copy").details["reuse"]["withheld"].startswith("output changed: out")
    second = make()
    assert decide_first(second.services, second.graph, second.record, PLACE).reused == ()
    second.run_all()
    assert second.output("copy", "copy").read_text() == "whole!"


def test_data_that_was_changed_and_put_back_meanwhile(script, start, gate, services, workspace):
    """What a step read is not known if its data was another for a moment, whatever it is at the end."""
    place = services.store("workspaceblobstore")
    place.write("raw/a.csv", b"1")
    data = Dataset.File.from_files((Datastore.get(workspace, "workspaceblobstore"), "raw"))
    first = start(script(gate.wait_here, data.as_named_input("raw").as_mount()))
    runner = threading.Thread(target=first.run)
    runner.start()
    gate.wait()
    place.write("raw/a.csv", b"2")
    place.write("raw/a.csv", b"1")
    gate.open()
    runner.join(30)

    assert first.last().status == "Completed"
    assert not offers(first)
    assert "input data raw changed while the step ran" in first.last().details["reuse"]["withheld"]


def test_data_that_was_staged_with_a_file_that_was_there_for_a_moment(script, start, services, workspace, monkeypatch):
    """What counts is what was staged: a file that came after the admission, and went before the end, shows nowhere."""
    place = services.store("workspaceblobstore")
    place.write("raw/a.csv", b"1")
    data = Dataset.File.from_files((Datastore.get(workspace, "workspaceblobstore"), "raw"))
    first = start(script("pass", data.as_named_input("raw").as_mount()))
    begin, prepare = attempt.begin_attempt, attempt.prepare

    def begin_with_a_file(*given):
        place.write("raw/b.csv", b"2")
        return begin(*given)

    def prepare_and_remove(*given):
        prepared = prepare(*given)
        place.local_path("raw/b.csv").unlink()
        return prepared

    monkeypatch.setattr(attempt, "begin_attempt", begin_with_a_file)
    monkeypatch.setattr(attempt, "prepare", prepare_and_remove)
    first.run()

    assert not offers(first)
    assert first.last().details["reuse"]["withheld"] == "input data raw changed before the step read it"


def test_a_producer_that_was_cleared_before_its_output_was_read(script, start, services, monkeypatch):
    """A step that was admitted with one output of its producer and read another one offers nothing."""
    flag = Path("flag").resolve()
    flag.write_text("1")
    source = f"import sys; open(sys.argv[1], 'w').write(open({str(flag)!r}).read())"

    def make():
        out, copy = PipelineData("out"), PipelineData("copy")
        producer = script(source, out, outputs=[out], name="make", source_directory="a")
        return start(producer, script(COPY, out, copy, inputs=[out], outputs=[copy], name="copy", source_directory="b"))

    first = make()
    first.run("make")
    begin = attempt.begin_attempt

    def clear_producer(services, task, *rest):
        if task.step.id == "copy":
            flag.write_text("2")
            first.run("make")
        return begin(services, task, *rest)

    monkeypatch.setattr(attempt, "begin_attempt", clear_producer)
    first.run("copy")

    assert first.output("copy", "copy").read_text() == "2!"
    assert not offers(first, "copy")


@pytest.mark.parametrize(
    ("name", "after"),
    [("commit_outputs", False), ("commit_outputs", True), ("end_attempt", False)],
    ids=["before the commit", "between commit and end", "right before the end"],
)
def test_an_owner_that_is_killed_offers_nothing(one, name, after):
    """Outputs that lie there whole are nobody's result before the attempt's end is recorded."""
    first = one()
    status = dying(attempt, name, first.run, after=after)
    assert os.WIFSIGNALED(status)
    lost = first.last()

    assert not offers(first)
    assert action(one()) == "run"
    first.services.registry.fingerprint_leases.release_owner(lost.id)  # as if it had expired
    again = one()
    result = again.run()
    assert result.outputs["out"].path == f"azureml/{result.step_run_id}/out"
    close_pipeline(first.services, first.id)


def test_an_owner_that_is_killed_after_its_end_has_a_result(one):
    """What is recorded is whole: the process that died right afterwards is not missed."""
    first = one()
    assert os.WIFSIGNALED(dying(attempt, "end_attempt", first.run, after=True))

    [found] = decide_first(first.services, (second := one()).graph, second.record, PLACE).reused

    assert second.last().properties["azureml.reusedrunid"] == first.last().id
    assert found.result.outputs["out"].path == f"azureml/{first.last().id}/out"


def test_a_check_that_is_killed_between_adopting_and_announcing(one):
    """The adopted step is found again by the next check and by the step itself, and is there once."""
    one().run()
    second = one()

    def check():
        mark_announced(second.services, decide_first(second.services, second.graph, second.record, PLACE).reused)

    assert os.WIFSIGNALED(dying(sys.modules[__name__], "mark_announced", check))

    [again] = decide_first(second.services, second.graph, second.record, PLACE).reused
    taken = admit(second.services, second.task("step"), second.log.append)
    assert isinstance(taken, Reused)
    assert taken.result.step_run_id == again.result.step_run_id
    assert len(second.services.registry.runs.attempts(second.id, "step")) == 1


def test_a_check_that_is_killed_inside_adopting(one):
    """A step is adopted wholly or not at all."""
    one().run()
    second = one()
    status = dying(
        reusing, "_adopt_all", lambda: decide_first(second.services, second.graph, second.record, PLACE), after=True
    )

    assert os.WIFSIGNALED(status)
    assert second.last().status == "Completed"
    assert second.output("out").read_text() == "whole"


def test_a_sleeping_owner_commits_nothing_once_its_lease_has_passed_on(one, monkeypatch):
    """An owner that was stopped past its lease finds, awake again, that another run computed; it takes that result."""
    monkeypatch.setenv("AIRFLOW_ML_LEASE_SECONDS", "0.5")
    zombie, other = one(SLOW), one(SLOW)
    pid = fork(zombie.run)
    runs = zombie.services.registry.runs
    wait_until(lambda: (found := runs.attempts(zombie.id, "step")) and found[0].status == "Running")
    os.kill(pid, signal.SIGSTOP)
    attempt_id = zombie.last().id
    wait_until(lambda: is_free(other))
    other.run()

    os.kill(pid, signal.SIGCONT)
    os.waitpid(pid, 0)

    registry = zombie.services.registry
    assert not registry.outputs.of(attempt_id)
    assert registry.results.of_run(attempt_id) is None
    assert runs.get(attempt_id).status != "Completed"
    assert zombie.last().properties["azureml.reusedrunid"] == other.last().id
    assert zombie.output("out").read_text() == WHOLE
    assert not find_orphans(attempt_id)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_clocks_of_workers_do_not_count(one, monkeypatch, minutes):
    """A lease lives by the database's clock: a worker whose own clock is wrong neither takes nor loses one."""
    first, second = one(), one()
    held = admit(first.services, first.task("step"), first.log.append)
    shift, real = minutes * 60, time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift)

    waiting = admit(second.services, second.task("step"), second.log.append)

    assert isinstance(waiting, Waiting)
    assert second.services.registry.fingerprint_leases.renew(held.lease, seconds=60)
    second.services.registry.fingerprint_leases.release(held.lease)
    second.run()
    assert offers(second)


@pytest.mark.soak
def test_owners_that_are_killed_at_random_moments(one, monkeypatch):
    """Whenever an owner is killed: another run gets the whole result, computed or taken, and the half one nobody."""
    monkeypatch.setenv("AIRFLOW_ML_LEASE_SECONDS", "0.2")
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for trial in range(TRIALS):
        source = f"{SLOW}# {trial}\n"
        started = [one(source) for _ in range(3)]
        owners = [fork(run.run) for run in started[:2]]
        for owner in owners:
            time.sleep(chance.uniform(0.0, 0.5))  # the moment of the fault, not synchronisation
            os.kill(owner, signal.SIGKILL)
            os.waitpid(owner, 0)
        wait_until(lambda last=started[2]: is_free(last))
        check_whole(started[2], started)


def check_whole(last, started) -> None:
    """Run the last of several runs of the same; whatever has Completed is whole, and nothing else has a result."""
    registry = last.services.registry
    for run in started[:2]:
        close_pipeline(last.services, run.id)
    if not registry.runs.attempts(last.id, "step"):
        last.run()
    for run in started:
        for made in registry.runs.attempts(run.id, "step"):
            assert (made.status == "Completed") == bool(registry.outputs.of(made.id))
            assert made.status == "Completed" or registry.results.of_run(made.id) is None
            for output in registry.outputs.of(made.id):
                assert last.services.store(output.datastore).local_path(output.path).read_text() == WHOLE
    assert last.last().status == "Completed"
