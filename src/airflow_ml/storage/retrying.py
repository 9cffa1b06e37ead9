"""
Trying again what failed for a moment: the one place that decides how often and after which pause.

Drivers say of a failed attempt whether another one may succeed (`TransientError`); everything else passes at once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from airflow_ml.exceptions import ServiceException

__all__ = ["RetryPolicy", "TransientError", "retry_after"]

_Result = TypeVar("_Result")


class TransientError(Exception):
    """
    An attempt failed, and the next one may not.

    Args:
        sentence: what happened and where; the error's text when no attempt is left. Holds no secret.
        pause: seconds that the other side asked to wait; 0 for at once, None where it said nothing.
    """

    def __init__(self, sentence: str, *, pause: float | None = None) -> None:
        super().__init__(sentence)
        self.pause = pause


@dataclass(frozen=True)
class RetryPolicy:
    """
    How often and how fast to try again.

    The pauses double and are drawn from the upper half of their length, so that many clients do not come back at once.

    Attributes:
        tries: in all.
        first_pause: in seconds.
        longest_pause: in seconds; also the most that is waited when the other side asks for more.
        sleep: waits that many seconds.
    """

    tries: int = 7
    first_pause: float = 0.4
    longest_pause: float = 20.0
    sleep: Callable[[float], None] = time.sleep

    def run(self, attempt: Callable[[], _Result]) -> _Result:
        """
        Return what the first attempt returns that does not fail for a moment.

        Raises:
            ServiceException: all attempts failed.
        """
        for number in range(1, self.tries + 1):
            try:
                return attempt()
            except TransientError as exc:  # noqa: PERF203 - a request costs more
                if number == self.tries:
                    raise ServiceException(f"{exc}; gave up after {number} tries", inner_exception=exc) from exc
                self._pause(number, exc.pause)
        raise ValueError(f"tries is {self.tries}; expected at least 1")

    def _pause(self, number: int, asked: float | None) -> None:
        if asked == 0:
            return
        longest = min(self.first_pause * 2 ** (number - 1), self.longest_pause)
        drawn = longest * random.uniform(0.5, 1)  # noqa: S311 - spreads clients, keeps nothing secret
        self.sleep(min(max(drawn, asked or 0), self.longest_pause))


def retry_after(text: str | None) -> float | None:
    """Return the seconds of a `Retry-After` header; None where it is missing or a date."""
    try:
        return None if text is None else max(float(text), 0.001)
    except ValueError:
        return None
