"""Trying again."""

from pathlib import Path

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.retrying import RetryPolicy, TransientError, retry_after


def failing(count, pause=None):
    """Return a function that fails for a moment so often, and then gives its number of calls."""
    calls = []

    def attempt():
        calls.append(None)
        if len(calls) <= count:
            raise TransientError("'f': the service is busy", pause=pause)
        return len(calls)

    return attempt


def test_pauses_grow_up_to_a_limit_and_are_spread():
    """Each is drawn from the upper half of twice the one before."""
    pauses = []

    assert RetryPolicy(tries=6, first_pause=1, longest_pause=4, sleep=pauses.append).run(failing(5)) == 6
    for pause, longest in zip(pauses, (1, 2, 4, 4, 4), strict=True):
        assert longest / 2 <= pause <= longest


def test_the_last_error_is_told_with_the_number_of_tries():
    """It is one of the service's, so that whoever retries steps does."""
    with pytest.raises(ServiceException, match="'f': the service is busy; gave up after 3 tries"):
        RetryPolicy(tries=3, sleep=lambda _: None).run(failing(3))


def test_what_the_other_side_asks_for_is_waited():
    """At least that long; not at all for nothing."""
    pauses = []
    policy = RetryPolicy(tries=2, first_pause=1, sleep=pauses.append)
    policy.run(failing(1, pause=7))
    policy.run(failing(1, pause=0))

    assert pauses == [7]


def test_other_errors_pass_at_once():
    """Nobody waits for what is wrong in itself."""
    with pytest.raises(FileNotFoundError):
        RetryPolicy(sleep=pytest.fail).run(Path("/no/such/file").read_bytes)


@pytest.mark.parametrize(("text", "seconds"), [(None, None), ("7", 7), ("Wed, 21 Oct", None), ("0", 0.001)])
def test_the_header_that_asks_for_a_pause_is_read(text, seconds):
    """Dates are not: clocks differ."""
    assert retry_after(text) == seconds
