"""Counts and shares of what is taken of a dataset."""

from __future__ import annotations

import pytest

from airflow_ml.runtime.amounts import checked_count, checked_share


@pytest.mark.parametrize("count", [-1, 1.5, True, "1", None])
def test_counts_are_whole_numbers_from_0(count):
    """Anything else is a ValueError, as in v1, that names the call and the value."""
    assert checked_count(0, where="take") == 0
    with pytest.raises(ValueError, match=f"take: count {count!r} is not a whole number from 0"):
        checked_count(count, where="take")


@pytest.mark.parametrize("share", [-0.1, 1.1, True, "1", None, float("nan")])
def test_shares_lie_between_0_and_1(share):
    """Anything else is a ValueError, as in v1; whole numbers become the same share as fractions."""
    assert isinstance(checked_share(1, what="probability", where="take_sample"), float)
    with pytest.raises(ValueError, match=f"take_sample: probability {share!r} is not a number between 0 and 1"):
        checked_share(share, what="probability", where="take_sample")
