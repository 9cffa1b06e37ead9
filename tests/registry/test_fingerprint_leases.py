"""Fingerprint leases: one computes, the others wait, and who has lost the lease ends nothing."""

import threading
from datetime import timedelta

import pytest

from airflow_ml.registry import DatasetRegistration, FingerprintLease, LeaseLostError, NewResult, OutputRecord
from airflow_ml.registry import values as registry_values
from airflow_ml.registry.values import utc_now

MINUTE = 60.0


def race(work, count):
    """Run a function in threads that start together, each with its number, and return what they return."""
    gate, returned = threading.Barrier(count), [None] * count

    def run(number):
        gate.wait(30)
        returned[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return returned


def test_a_lease_has_one_owner(registry):
    """While it is alive nobody else gets it; of another fingerprint there is another one."""
    leases = registry.fingerprint_leases
    lease = leases.acquire("f", "a", seconds=MINUTE)

    assert leases.acquire("f", "b", seconds=MINUTE) is None
    assert leases.acquire("g", "b", seconds=MINUTE).token == 1
    held = leases.holder("f")
    assert (held.owner, held.token) == ("a", lease.token) == ("a", 1)
    assert 0 < held.expires_in <= MINUTE


def test_a_lease_that_was_given_back_is_free(registry):
    """Whoever takes it next gets a higher token; giving back twice takes it from nobody."""
    leases = registry.fingerprint_leases
    lease = leases.acquire("f", "a", seconds=MINUTE)
    leases.release(lease)
    assert leases.holder("f") is None
    taken = leases.acquire("f", "b", seconds=MINUTE)

    leases.release(lease)

    assert taken.token == 2
    assert leases.holder("f").owner == "b"


def test_a_lease_passes_on_when_it_is_not_renewed(registry):
    """After its end the next one gets it, and the earlier owner can neither renew it nor give it back."""
    leases = registry.fingerprint_leases
    lost = leases.acquire("f", "a", seconds=0)
    assert leases.holder("f") is None
    taken = leases.acquire("f", "b", seconds=MINUTE)

    assert (taken.token, leases.renew(lost, seconds=MINUTE)) == (lost.token + 1, False)
    leases.release(lost)
    assert leases.holder("f").owner == "b"


def test_an_expired_lease_that_nobody_took_is_renewed(registry):
    """A slow heartbeat costs nothing as long as nobody waited."""
    leases = registry.fingerprint_leases
    lease = leases.acquire("f", "a", seconds=0)

    assert leases.renew(lease, seconds=MINUTE)
    assert leases.acquire("f", "b", seconds=MINUTE) is None


def test_an_owner_that_takes_its_lease_again_fences_itself(registry):
    """The owner alone gets a living lease again, and what it had before is worth nothing."""
    leases = registry.fingerprint_leases
    first = leases.acquire("f", "a", seconds=MINUTE)
    second = leases.acquire("f", "a", seconds=MINUTE)

    assert second.token == first.token + 1
    assert (leases.renew(first, seconds=MINUTE), leases.renew(second, seconds=MINUTE)) == (False, True)


def test_what_a_dead_run_holds_is_given_back_at_once(registry):
    """All leases of an owner are free, those of others are not."""
    leases = registry.fingerprint_leases
    for fingerprint, owner in (("f", "dead"), ("g", "dead"), ("h", "other")):
        leases.acquire(fingerprint, owner, seconds=MINUTE)

    assert leases.release_owner("dead") == 2
    assert leases.release_owner("dead") == 0
    assert [leases.holder(fingerprint) is None for fingerprint in "fgh"] == [True, True, False]


@pytest.mark.parametrize("minutes", [-10, 10])
def test_the_clock_of_the_worker_does_not_count(registry, monkeypatch, minutes):
    """A worker whose clock is ten minutes off takes and keeps leases as everybody does."""
    leases = registry.fingerprint_leases
    alive, expired = leases.acquire("f", "a", seconds=MINUTE), leases.acquire("g", "a", seconds=0)
    shifted = utc_now() + timedelta(minutes=minutes)
    monkeypatch.setattr(registry_values, "utc_now", lambda: shifted)
    monkeypatch.setattr("time.time", shifted.timestamp)

    assert leases.acquire("f", "b", seconds=MINUTE) is None
    assert leases.acquire("g", "b", seconds=MINUTE).token == expired.token + 1
    assert leases.renew(alive, seconds=MINUTE)
    assert 0 < leases.holder("f").expires_in <= MINUTE


@pytest.mark.parametrize("before", [None, 0])
def test_of_fifty_threads_one_gets_the_lease(registry, before):
    """A lease that is free, or expired, is given to one of all who ask at once."""
    if before is not None:
        registry.fingerprint_leases.acquire("f", "dead", seconds=before)

    taken = race(lambda number: registry.fingerprint_leases.acquire("f", f"run {number}", seconds=MINUTE), 50)

    (won,) = [lease for lease in taken if lease is not None]
    assert registry.fingerprint_leases.holder("f").owner == won.owner
    assert won.token == (1 if before is None else 2)


def test_of_eight_processes_one_gets_each_lease(registry, at_once):
    """Twenty leases that eight processes ask for at once have twenty owners in all."""

    def take(number):
        leases = registry.fingerprint_leases
        return [leases.acquire(f"f{name}", f"run {number}", seconds=MINUTE) is not None for name in range(20)]

    won = at_once(take, 8)

    assert [sum(column) for column in zip(*won, strict=True)] == [1] * 20


def finish(registry, run, lease, **options):
    """End a run as a commit does, with an output that becomes a dataset."""
    place = {"kind": "file", "datastore": "s", "path": run.id, "is_file": True}
    output = OutputRecord(run.id, "o", **place, digest="d", manifest_path="m", files=1, size=1, committed_at=utc_now())
    dataset = DatasetRegistration("o", "table", {"kind": "file", "sources": [{"datastore": "s", "path": run.id}]})
    return registry.runs.finish_step(
        run.id,
        status="Completed",
        outputs=[output],
        registrations=[dataset],
        result=NewResult("f", "train", "digits", []),
        lease=lease,
        **options,
    )


def test_the_end_of_a_run_gives_its_lease_back(registry, begin):
    """The next one who asks for the lease finds the result that it was for."""
    run = begin()
    lease = registry.fingerprint_leases.acquire("f", run.id, seconds=MINUTE)

    finish(registry, run, lease)

    assert registry.fingerprint_leases.acquire("f", "next", seconds=MINUTE) is not None
    assert [result.run_id for result in registry.results.find("f")] == [run.id]


def test_a_failed_run_gives_its_lease_back(registry, begin):
    """The next one need not wait until it expires."""
    run = begin()
    lease = registry.fingerprint_leases.acquire("f", run.id, seconds=MINUTE)

    registry.runs.finish_step(run.id, status="Failed", lease=lease)

    assert registry.fingerprint_leases.holder("f") is None


def test_the_commit_of_a_zombie_changes_nothing(registry, begin):
    """Who lost the lease ends no run: no output, dataset, result or status, and the new owner keeps the lease."""
    zombie = begin()
    lost = registry.fingerprint_leases.acquire("f", zombie.id, seconds=0)
    registry.fingerprint_leases.acquire("f", "heir", seconds=MINUTE)

    with pytest.raises(LeaseLostError, match="is lost to run 'heir'") as caught:
        finish(registry, zombie, lost)

    assert (caught.value.fingerprint, caught.value.owner) == ("f", "heir")
    assert registry.runs.get(zombie.id) == zombie
    assert [*registry.outputs.of(zombie.id), *registry.datasets.list(), *registry.results.list()] == []
    assert registry.fingerprint_leases.holder("f").owner == "heir"


def test_a_zombie_is_stopped_when_its_heir_has_ended_too(registry, begin):
    """A token is never good again: not after the lease was given back, and not in the hands of the same owner."""
    zombie = begin()
    leases = registry.fingerprint_leases
    lost = leases.acquire("f", zombie.id, seconds=0)
    leases.release(leases.acquire("f", "heir", seconds=MINUTE))

    with pytest.raises(LeaseLostError, match="is lost, because it was not renewed"):
        finish(registry, zombie, lost)
    leases.acquire("f", zombie.id, seconds=MINUTE)
    with pytest.raises(LeaseLostError):
        finish(registry, zombie, lost)


def test_a_late_end_that_nobody_waited_for_is_fine(registry, begin):
    """A lease that has expired is good as long as nobody took it."""
    run = begin()
    lease = registry.fingerprint_leases.acquire("f", run.id, seconds=0)

    assert finish(registry, run, lease).status == "Completed"


def test_a_lease_that_never_was_ends_nothing(registry, begin):
    """A lease that was made up, or that another workspace gave, is lost."""
    run = begin()

    with pytest.raises(LeaseLostError):
        finish(registry, run, FingerprintLease("f", run.id, 1, MINUTE))


def test_a_commit_and_its_heir_never_both_win(registry, begin, at_once):
    """Whoever takes an expired lease while its owner commits either finds the result or has stopped the commit."""
    for _ in range(8):
        run = begin()
        registry.results.invalidate(reason="next round")
        lease = registry.fingerprint_leases.acquire("f", run.id, seconds=0)

        def compete(number, run=run, lease=lease):
            if number:
                taken = registry.fingerprint_leases.acquire("f", f"heir {number}", seconds=MINUTE)
                return "waits" if taken is None else "takes" if registry.results.find("f") else "computes"
            try:
                return finish(registry, run, lease).status
            except LeaseLostError:
                return "lost"

        words = sorted(at_once(compete, 3))

        assert words in (["Completed", "takes", "waits"], ["computes", "lost", "waits"])
        assert (registry.results.of_run(run.id) is None) == ("lost" in words)
        for number in (1, 2):
            registry.fingerprint_leases.release_owner(f"heir {number}")
