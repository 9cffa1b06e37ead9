"""Owners of a computation that die or sleep, at whatever moment: what they leave half is nobody's result."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable

import pytest
from forking import die, fork

from airflow_ml.compute.orphans import find_orphans
from airflow_ml.execution import reusing, step_attempt
from airflow_ml.execution.model import Airflow
from airflow_ml.execution.pipelines import close_pipeline
from airflow_ml.execution.reusing import Admitted, Reused, Waiting, admit, decide_first, mark_announced

PLACE = Airflow("d", "r", "")

#: Owners that are killed at random moments: a few in every run of the tests, many by `make soak`.
TRIALS = 150 if os.environ.get("AIRFLOW_ML_SOAK") else 4

SLOW = """
import sys, time
print("running", flush=True)
with open(sys.argv[1], "w") as file:
    for line in range(30):
        print(line, file=file, flush=True)
        time.sleep(0.005)
"""
WHOLE = "".join(f"{line}\n" for line in range(30))


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


def is_free(started) -> bool:
    """Say whether a step need not wait any more."""
    admission = admit(started.services, started.task("step"), started.log.append)
    if isinstance(admission, Admitted) and admission.lease is not None:
        started.services.registry.fingerprint_leases.release(admission.lease)
    return not isinstance(admission, Waiting)


@pytest.mark.parametrize(
    ("name", "after"),
    [("commit_outputs", False), ("commit_outputs", True), ("end_attempt", False)],
    ids=["before the commit", "between commit and end", "right before the end"],
)
def test_an_owner_that_is_killed_offers_nothing(one, name, after):
    """Outputs that lie there whole are nobody's result before the attempt's end is recorded."""
    first = one()
    status = dying(step_attempt, name, first.run, after=after)
    assert os.WIFSIGNALED(status)
    lost = first.last()

    assert not first.offers()
    assert one().foreseen() == "run"
    first.services.registry.fingerprint_leases.release_owner(lost.id)  # as if it had expired
    again = one()
    result = again.run()
    assert result.outputs["out"].path == f"azureml/{result.step_run_id}/out"
    close_pipeline(first.services, first.id)


def test_an_owner_that_is_killed_after_its_end_has_a_result(one):
    """What is recorded is whole: the process that died right afterwards is not missed."""
    first = one()
    assert os.WIFSIGNALED(dying(step_attempt, "end_attempt", first.run, after=True))

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
    assert second.offers()


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
