"""Descriptions of searches: v1's plain data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.train import hyperdrive
from airflow_ml.train.hyperdrive import (
    BanditPolicy,
    BayesianParameterSampling,
    GridParameterSampling,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    PrimaryMetricGoal,
    RandomParameterSampling,
    TruncationSelectionPolicy,
    choice,
    loguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)
from airflow_ml.train.hyperdrive.exceptions import HyperDriveConfigException


def test_every_public_name_can_be_imported() -> None:
    """`__all__` is true."""
    assert [name for name in hyperdrive.__all__ if not hasattr(hyperdrive, name)] == []


def test_distributions_are_lists() -> None:
    """A distribution is its name and its parameters, as v1 sent it."""
    assert choice(1, 2) == choice([1, 2]) == ["choice", [[1, 2]]]
    assert choice(range(3)) == ["choice", [[0, 1, 2]]]
    assert choice((1, 2)) == ["choice", [[(1, 2)]]]
    assert randint(5) == ["randint", [5]]
    assert quniform(1, 2, 2.0) == ["quniform", [1, 2, 2.0]]
    assert loguniform(-3, -3) == ["loguniform", [-3, -3]]
    assert qnormal(0, 1.5, 2) == ["qnormal", [0, 1.5, 2]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: choice(),
        lambda: choice([1], 2),
        lambda: choice([]),
        lambda: randint(0),
        lambda: uniform(1, 1),
        lambda: uniform("0", 1),
        lambda: qnormal(0, -1, 2),
        lambda: quniform(0, 1, 0.5),
        lambda: GridParameterSampling({"lr": uniform(0, 1)}),
        lambda: GridParameterSampling(None),
        lambda: BayesianParameterSampling({"lr": choice(1, "a")}),
        lambda: BayesianParameterSampling({"lr": quniform(0.5, 2, 1)}),
        lambda: BanditPolicy(),
        lambda: BanditPolicy(slack_factor=0.1, slack_amount=0.1),
        lambda: BanditPolicy("1", slack_factor=0.1),
        lambda: TruncationSelectionPolicy(0),
        lambda: TruncationSelectionPolicy(2.5),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], object]) -> None:
    """The same calls as in v1 raise v1's error class."""
    with pytest.raises(HyperDriveConfigException) as caught:
        make()

    assert isinstance(caught.value, UserErrorException)


def test_samplings_and_policies_are_v1s_data() -> None:
    """`to_json` gives the dict that v1 sent."""
    assert RandomParameterSampling({"lr": uniform(0, 1)}).to_json() == {
        "name": "RANDOM",
        "parameter_space": {"lr": ["uniform", [0, 1]]},
    }
    assert BanditPolicy(slack_factor=0.1, evaluation_interval=2).to_json() == {
        "name": "Bandit",
        "properties": {"evaluation_interval": 2, "delay_evaluation": 0, "slack_factor": 0.1},
    }
    assert TruncationSelectionPolicy(20).to_json()["properties"] == {
        "evaluation_interval": 1,
        "delay_evaluation": 0,
        "truncation_percentage": 20,
        "exclude_finished_jobs": False,
    }
    assert NoTerminationPolicy().to_json() == {"name": "Default"}
    assert PrimaryMetricGoal.MAXIMIZE.value == "MAXIMIZE"


def test_equal_descriptions_compare_equal() -> None:
    """By content, as in v1."""
    assert MedianStoppingPolicy(2) == MedianStoppingPolicy(2) != MedianStoppingPolicy(3)
    assert RandomParameterSampling({"a": choice(1)}) == RandomParameterSampling({"a": choice(1)})
