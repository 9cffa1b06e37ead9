"""When a search gives up on a candidate (`azureml.train.hyperdrive.policy`): plain data."""

from __future__ import annotations

from airflow_ml.train.hyperdrive.exceptions import HyperDriveConfigException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BanditPolicy",
    "EarlyTerminationPolicy",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "TruncationSelectionPolicy",
]


class EarlyTerminationPolicy:
    """Parent of the policies; equal ones compare equal."""

    def __init__(self, name: str, properties: Mapping[str, object] | None = None) -> None:
        self._name = name
        self._properties = properties

    def to_json(self) -> dict[str, object]:
        """Return the policy as v1's dict (not text, in spite of the name)."""
        definition: dict[str, object] = {"name": self._name}
        if self._properties is not None:
            definition["properties"] = self._properties
        return definition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EarlyTerminationPolicy) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # compares by content, as in v1


class _IntervalPolicy(EarlyTerminationPolicy):
    """A policy that looks at every n-th logged value of the metric, after a delay."""

    def __init__(self, name: str, evaluation_interval: int, delay_evaluation: int, more: Mapping[str, object]) -> None:
        _check_whole(type(self), evaluation_interval=evaluation_interval, delay_evaluation=delay_evaluation)
        super().__init__(
            name, {"evaluation_interval": evaluation_interval, "delay_evaluation": delay_evaluation, **more}
        )
        self._evaluation_interval = evaluation_interval
        self._delay_evaluation = delay_evaluation

    @property
    def evaluation_interval(self) -> int:
        """How many logged values lie between two looks."""
        return self._evaluation_interval

    @property
    def delay_evaluation(self) -> int:
        """How many logged values come before the first look."""
        return self._delay_evaluation


class BanditPolicy(_IntervalPolicy):
    """
    Give up on what falls behind the best by more than a slack.

    Args:
        slack_factor: as a share of the best; this or `slack_amount`.
        slack_amount: as an absolute difference.

    Raises:
        HyperDriveConfigException: both slacks or none, or an interval that is no whole number.
    """

    POLICY_NAME = "Bandit"

    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: float | None = None,
        slack_amount: float | None = None,
        delay_evaluation: int = 0,
    ) -> None:
        if (slack_factor is None and slack_amount is None) or (slack_factor and slack_amount):
            raise HyperDriveConfigException(
                f"BanditPolicy: slack_factor is {slack_factor!r} and slack_amount is {slack_amount!r}; give one of them"
            )
        slack = {"slack_factor": slack_factor} if slack_factor else {"slack_amount": slack_amount}
        super().__init__(self.POLICY_NAME, evaluation_interval, delay_evaluation, slack)
        self._slack_factor = slack_factor

    @property
    def slack_factor(self) -> float | None:
        """The slack as a share of the best."""
        return self._slack_factor


class MedianStoppingPolicy(_IntervalPolicy):
    """Give up on what is worse than the median of the others' running averages."""

    POLICY_NAME = "MedianStopping"

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        super().__init__(self.POLICY_NAME, evaluation_interval, delay_evaluation, {})


class TruncationSelectionPolicy(_IntervalPolicy):
    """
    Give up on the worst share at each look.

    Args:
        truncation_percentage: from 1 to 99.
    """

    POLICY_NAME = "TruncationSelection"

    def __init__(self, truncation_percentage: int, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        _check_whole(type(self), truncation_percentage=truncation_percentage)
        if not 1 <= truncation_percentage <= 99:
            raise HyperDriveConfigException(
                f"TruncationSelectionPolicy: truncation_percentage is {truncation_percentage!r}; give 1 to 99"
            )
        share = {"truncation_percentage": truncation_percentage, "exclude_finished_jobs": False}
        super().__init__(self.POLICY_NAME, evaluation_interval, delay_evaluation, share)
        self._truncation_percentage = truncation_percentage

    @property
    def truncation_percentage(self) -> int:
        """The share that is given up at each look."""
        return self._truncation_percentage


class NoTerminationPolicy(EarlyTerminationPolicy):
    """Never give up."""

    POLICY_NAME = "Default"

    def __init__(self) -> None:
        super().__init__(self.POLICY_NAME)


def _check_whole(policy: type, **values: object) -> None:
    for name, value in values.items():
        if not isinstance(value, int):
            raise HyperDriveConfigException(f"{policy.__name__}: {name} is {value!r}; give a whole number")
