"""The three words for how a run uses the results of earlier ones."""

from __future__ import annotations

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import REUSE_MODES, mode_of_submit, read_reuse_mode


@pytest.mark.parametrize("mode", REUSE_MODES)
def test_the_words_are_taken_in_any_case(mode: str) -> None:
    """REST bodies of v1 begin words with a capital letter."""
    assert read_reuse_mode(mode.title(), where="here") == mode


@pytest.mark.parametrize("word", ["", "never", None, True, ["off"]])
def test_other_words_are_refused(word: object) -> None:
    """The error says where the word stands and which there are."""
    with pytest.raises(UserErrorException, match=r"here: .* say 'normal' .* 'off' .* or 'refresh'"):
        read_reuse_mode(word, where="here")


def test_v1s_argument_is_the_mode_refresh() -> None:
    """`regenerate_outputs=True` runs every step and offers the results; both arguments may say so."""
    assert mode_of_submit(None, regenerate_outputs=False) == "normal"
    assert mode_of_submit(None, regenerate_outputs=True) == "refresh"
    assert mode_of_submit("refresh", regenerate_outputs=True) == "refresh"
    assert mode_of_submit("off", regenerate_outputs=False) == "off"


@pytest.mark.parametrize("mode", ["normal", "off"])
def test_contradictions_are_refused(mode: str) -> None:
    """`regenerate_outputs=True` beside another mode is an error."""
    with pytest.raises(UserErrorException, match=f"reuse='{mode}' is given too; leave one out"):
        mode_of_submit(mode, regenerate_outputs=True)
