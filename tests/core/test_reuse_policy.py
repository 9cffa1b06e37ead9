"""Reuse policies, and the one of a workspace."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_ml.core import Workspace
from airflow_ml.core.reuse_policy import ReusePolicy
from airflow_ml.exceptions import UserErrorException


def test_a_policy_says_what_it_was_given() -> None:
    """Ages are seconds, and what was not said is None."""
    policy = ReusePolicy("definition", max_age=timedelta(minutes=1))

    assert (policy.inputs, policy.max_age, policy.verify) == ("definition", 60.0, None)
    assert policy == ReusePolicy("definition", max_age=60)
    assert repr(policy) == "ReusePolicy(inputs='definition', max_age=60.0)"


@pytest.mark.parametrize("given", [{"inputs": "bytes"}, {"verify": "hash"}, {"verify": ""}])
def test_other_words_are_refused(given: dict) -> None:
    """The error names the argument and the words that there are."""
    with pytest.raises(UserErrorException, match=r"reuse policy: \w+ is '\w*', expected one of '"):
        ReusePolicy(**given)


@pytest.mark.parametrize("age", [0, -1, True, "1 day", float("nan"), float("inf"), timedelta(0)])
def test_ages_are_above_zero(age: object) -> None:
    """An age that would let nothing or everything through is a mistake."""
    with pytest.raises(UserErrorException, match=r"max_age is .*, expected a timedelta or seconds, above 0"):
        ReusePolicy(max_age=age)  # type: ignore[arg-type]  # what is tested


def test_a_workspace_keeps_its_policy(workspace: Workspace) -> None:
    """For every process that opens it, until another one takes its place."""
    assert workspace.reuse_policy == ReusePolicy()
    workspace.set_reuse_policy(ReusePolicy("definition", max_age=3600))

    again = Workspace.get(workspace.name)
    assert again.reuse_policy == ReusePolicy("definition", max_age=3600)
    assert again.registry().details.get()["reuse"] == {"inputs": "definition", "max_age": 3600.0}

    workspace.set_reuse_policy(None)
    assert again.reuse_policy == ReusePolicy()


def test_a_workspace_takes_policies_alone(workspace: Workspace) -> None:
    """Anything else is refused, and what was said stays."""
    workspace.set_reuse_policy(ReusePolicy(verify="exists"))

    with pytest.raises(UserErrorException, match="is no ReusePolicy"):
        workspace.set_reuse_policy("exists")  # type: ignore[arg-type]  # what is tested

    assert workspace.reuse_policy.verify == "exists"
