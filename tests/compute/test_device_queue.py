"""Devices go to those who asked first, all or none, and nothing is left of who is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forking import die, fork
from hypothesis import given
from hypothesis import strategies as st

from airflow_ml.compute.device_leases import DeviceLease
from airflow_ml.compute.device_locks import DeviceNote, open_lock, read_note
from airflow_ml.compute.device_queue import ASIDE_SECONDS, Turn, Wish, allot, overview
from airflow_ml.exceptions import ServiceException

IDS = ("a", "b", "c", "d")
#: Processes and rounds of each in the test of exclusion.
PROCESSES, ROUNDS = (16, 60) if os.environ.get("AIRFLOW_ML_SOAK") else (6, 10)


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[..., Turn]]:
    """Return a function that asks for so many of four devices."""
    turns: list[Turn] = []

    def begin(count: int, ids: tuple[str, ...] = IDS, run: str = "r") -> Turn:
        turns.append(Turn(tmp_path, Wish(count, ids), run, f"step {run!r}"))
        return turns[-1]

    yield begin
    for turn in turns:
        turn.close()


def taken(turn: Turn, **avoided: str) -> str:
    """Look once, and return the devices that were had, which stay taken."""
    locks = turn.look(avoided)
    if locks:
        turn.close()
        turn.lease = DeviceLease(locks, turn.run, turn.step)
    return "".join(lock.device for lock in locks)


def test_free_devices_are_had_at_once(ask, tmp_path):
    """Nobody needs a ticket for devices that are free, and the note says who has them."""
    assert (taken(ask(1, run="one")), taken(ask(2, run="two"))) == ("a", "bc")

    seen = overview(tmp_path)
    assert [(device.id, device.is_held) for device in seen.devices] == [
        *zip(IDS, (True, True, True, False), strict=True)
    ]
    assert [device.note and device.note.run for device in seen.devices] == ["one", "two", "two", None]
    assert not seen.waiting


def test_all_or_none(ask, tmp_path):
    """Who asks for three devices where two are free gets none, and takes none away."""
    holder = ask(2)
    taken(holder)
    large = ask(3)

    assert taken(large) == ""
    assert [device.is_held for device in overview(tmp_path).devices] == [True, True, False, False]
    holder.lease.give_back(is_clean=True)
    assert taken(large) == "abc"


def test_a_small_request_does_not_overtake(ask):
    """Devices that become free are kept for a large request that waits, however many small ones come."""
    holders = [ask(1) for _ in IDS]
    assert [taken(turn) for turn in holders] == [*IDS]
    large, small = ask(3, run="large"), [ask(1, run=f"small {number}") for number in range(5)]
    completions = 0

    for turn in (large, *small):
        assert taken(turn) == ""
    for holder in holders:
        if taken(large):
            break
        assert [taken(turn) for turn in small] == [""] * 5
        holder.lease.give_back(is_clean=True)
        completions += 1

    assert completions == 3
    assert [ticket.run for ticket in small[2].seen.waiting] == ["large", "small 0", "small 1"]


def test_what_a_large_request_does_not_need_is_given_on(ask):
    """Who waits behind a request gets what is left over when that is satisfied."""
    holder = ask(3)
    taken(holder)
    large, small = ask(3), ask(1)
    assert (taken(large), taken(small)) == ("", "")

    holder.lease.give_back(is_clean=True)

    assert (taken(small), taken(large)) == ("d", "abc")


def test_who_cannot_be_satisfied_keeps_nobody_waiting(ask):
    """A request for more than the devices in order is passed over until they are in order again."""
    taken(ask(1))
    large, small = ask(4), ask(1)

    assert taken(large, b="lost") == ""
    assert taken(small, b="lost") == "c"


def test_requests_for_other_devices_do_not_meet(ask):
    """Workers that were given different devices of a machine wait for each other only where they share some."""
    taken(ask(2, ("a", "b")))

    assert taken(ask(2, ("a", "b"))) == ""
    assert taken(ask(2, ("c", "d"))) == "cd"


def test_a_ticket_dies_with_its_holder(ask, tmp_path):
    """The ticket of a process that was killed while it waited is passed over and removed."""
    holder = ask(4)
    taken(holder)

    def wait() -> None:
        ask(3, run="killed").look({})
        die()

    os.waitpid(fork(wait), 0)
    assert [*(tmp_path / "tickets").iterdir()]

    holder.lease.give_back(is_clean=True)
    assert taken(ask(4)) == "abcd"
    assert not overview(tmp_path).waiting
    assert not [*(tmp_path / "tickets").iterdir()]


def test_a_lock_dies_with_its_last_holder(ask, tmp_path):
    """A device is held by whoever inherited its lock, and free when the last of them was killed."""
    read_end, write_end = os.pipe()

    def hold() -> None:
        taken(ask(1, run="killed"))
        child = fork(signal.pause)
        os.write(write_end, b"%d" % child)
        die()

    os.waitpid(fork(hold), 0)
    child = int(os.read(read_end, 20))

    assert overview(tmp_path).devices[0].is_held
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while overview(tmp_path).devices[0].is_held and time.monotonic() < deadline:
        time.sleep(0.005)  # it is no child of this process, so there is nothing to wait on
    assert taken(ask(1)) == "a"


def test_a_request_to_stop_is_heard(ask, tmp_path):
    """A queue whose lock is held by a process that does not go on is left by who is stopped."""
    taken(ask(1))
    blocked = open_lock(tmp_path, "queue")

    def pause(_seconds: float) -> None:
        raise TimeoutError

    turn = ask(1)
    turn.pause = pause
    with pytest.raises(TimeoutError):
        turn.look({})
    blocked.close()


def test_a_device_with_a_fault_is_put_aside_for_a_while(ask, tmp_path):
    """Nobody gets a device that was lost a moment ago; some minutes later it is tried again."""
    losing = ask(1)
    taken(losing)
    losing.lease.put_aside({"a": "lost"})
    losing.lease.give_back(is_clean=True)

    assert overview(tmp_path).devices[0].fault == "lost"
    assert taken(ask(1)) == "b"

    lock = open_lock(tmp_path, "a")
    lock.write(DeviceNote("r", "s", time.time() - ASIDE_SECONDS - 1, 1, "lost"))
    lock.close()
    assert taken(ask(1)) == "a"


def test_a_full_disk_costs_the_note_alone(ask, tmp_path):
    """A note that was cut counts as none."""
    taken(ask(1))
    (tmp_path / "a.lock").write_text('{"run": "r", "st')

    assert read_note(tmp_path, "a") is None
    assert overview(tmp_path).devices[0].is_held


def test_a_folder_that_cannot_be_written_is_named(tmp_path, ask):
    """What stands in the way of a lock is an error with its path."""
    (tmp_path / "tickets").write_text("")

    with pytest.raises(ServiceException, match=r"queue of devices .*: File exists"):
        ask(1).look({})


@given(st.lists(st.tuples(st.integers(1, 4), st.sets(st.sampled_from(IDS), min_size=1)), min_size=1), st.data())
def test_nobody_gets_what_is_kept_for_another(asked, data):
    """Whatever is asked for: all or none, of what is free and usable, and not what earlier wishes leave room for."""
    wishes = [Wish(count, tuple(sorted(ids))) for count, ids in asked]
    own = wishes[-1]
    usable = data.draw(st.sets(st.sampled_from(IDS))) & {*own.ids}
    free = data.draw(st.sets(st.sampled_from(IDS))) & usable

    got = allot(wishes, free, usable)

    assert len(got) in (0, own.count)
    assert set(got) <= free
    same = [wish for wish in wishes[:-1] if wish.ids == own.ids and wish.count <= len(usable)]
    if got:
        assert len(free) >= sum(wish.count for wish in same) + own.count


def use_devices(ask: Callable[..., Turn], folder: Path, number: int) -> None:
    """Lease one or two devices again and again, and see that nobody else has them."""
    for round_ in range(ROUNDS):
        turn = ask(1 + (number + round_) % 2, run=f"{number}.{round_}")
        while not taken(turn):
            time.sleep(0.001)
        for device in turn.lease.ids:
            os.close(os.open(folder / f"in-use-{device}", os.O_CREAT | os.O_EXCL))
        for device in turn.lease.ids:
            (folder / f"in-use-{device}").unlink()
        turn.lease.give_back(is_clean=True)
    (folder / f"done-{number}").touch()


def test_no_device_is_had_twice(ask, tmp_path):
    """Many processes that take one or two devices at a time never meet on one."""
    children = [fork(lambda n=number: use_devices(ask, tmp_path, n)) for number in range(PROCESSES)]
    for child in children:
        os.waitpid(child, 0)

    assert len([*tmp_path.glob("done-*")]) == PROCESSES
    assert not overview(tmp_path).waiting
    assert not any(device.is_held for device in overview(tmp_path).devices)
