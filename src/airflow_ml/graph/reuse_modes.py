"""How one pipeline run uses the results of earlier ones: the three words, wherever somebody can say one."""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

__all__ = ["REUSE_MODES", "ReuseMode", "mode_of_submit", "read_reuse_mode"]

ReuseMode: TypeAlias = "Literal['normal', 'off', 'refresh']"

#: `refresh` runs every step and offers the results to later runs (v1's regenerate_outputs); `off` does not offer them.
REUSE_MODES: tuple[ReuseMode, ...] = ("normal", "off", "refresh")


def read_reuse_mode(value: object, *, where: str) -> ReuseMode:
    """
    Return the mode that a word in any case says.

    Args:
        where: who said it, for the error.

    Raises:
        UserErrorException: it is none of the three.
    """
    word = value.lower() if isinstance(value, str) else value
    for mode in REUSE_MODES:
        if word == mode:
            return mode
    raise UserErrorException(
        f"{where}: {value!r} is no way to reuse results; say 'normal' (take those that are there), 'off' (run every"
        " step, and offer nothing to later runs) or 'refresh' (run every step, and offer its results)"
    )


def mode_of_submit(reuse: object, *, regenerate_outputs: bool) -> ReuseMode:
    """
    Return the mode that the arguments of a submit say; `regenerate_outputs=True` is v1's word for `refresh`.

    Raises:
        UserErrorException: no such mode, or the two arguments contradict each other.
    """
    if reuse is None:
        return "refresh" if regenerate_outputs else "normal"
    mode = read_reuse_mode(reuse, where="submit: reuse")
    if regenerate_outputs and mode != "refresh":
        raise UserErrorException(
            f"submit: regenerate_outputs=True is reuse='refresh', and reuse={reuse!r} is given too; leave one out"
        )
    return mode
