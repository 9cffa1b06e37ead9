"""How a search draws its candidates (`azureml.train.hyperdrive.sampling`): plain data."""

from __future__ import annotations

from airflow_ml.train.hyperdrive.exceptions import HyperDriveConfigException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

__all__ = [
    "BayesianParameterSampling",
    "GridParameterSampling",
    "HyperParameterSampling",
    "RandomParameterSampling",
]

#: More steps than this between the ends of a `quniform` are refused by v1's Bayesian sampling.
_MOST_POINTS = 100_000


class HyperParameterSampling:
    """
    Parent of the samplings; equal ones compare equal.

    Args:
        parameter_space: name to distribution, see `parameter_expressions`.
        supported_distributions: None allows all of them.
        distributions_validators: distribution to a function that gives (is it good, why not), as in v1.

    Raises:
        HyperDriveConfigException: a distribution that the sampling cannot draw from.
    """

    def __init__(
        self,
        sampling_method_name: str,
        parameter_space: Mapping[str, object],
        properties: Mapping[str, object] | None = None,
        supported_distributions: Collection[str] | None = None,
        distributions_validators: Mapping[str, Callable[[list[Any]], tuple[bool, str | None]]] | None = None,
    ) -> None:
        self._sampling_method_name = sampling_method_name
        self._parameter_space = parameter_space
        self._properties = properties
        if supported_distributions is not None:
            self._check(parameter_space, supported_distributions, distributions_validators or {})

    def to_json(self) -> dict[str, object]:
        """Return the sampling as v1's dict (not text, in spite of the name)."""
        definition: dict[str, object] = {
            "name": self._sampling_method_name,
            "parameter_space": self._parameter_space,
        }
        if self._properties:
            definition["properties"] = self._properties
        return definition

    def _check(
        self,
        space: object,
        supported: Collection[str],
        validators: Mapping[str, Callable[[list[Any]], tuple[bool, str | None]]],
    ) -> None:
        kind = type(self).__name__
        if not isinstance(space, dict):
            raise HyperDriveConfigException(f"{kind}: the parameter space is {space!r}; give a dict")
        for name, distribution in space.items():
            word = str(distribution[0]) if isinstance(distribution, list) and distribution else None
            if word is None or word not in supported:
                raise HyperDriveConfigException(
                    f"{kind}: parameter {name!r} has the distribution {distribution!r}; "
                    f"it takes {', '.join(sorted(supported))}"
                )
            is_good, why = validators[word](distribution) if word in validators else (True, None)
            if not is_good:
                raise HyperDriveConfigException(f"{kind}: parameter {name!r}: {why}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HyperParameterSampling) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # compares by content that may change, as in v1


class RandomParameterSampling(HyperParameterSampling):
    """Draw at random, from distributions of every kind."""

    SAMPLING_NAME = "RANDOM"

    def __init__(self, parameter_space: Mapping[str, object], properties: Mapping[str, object] | None = None) -> None:
        super().__init__(self.SAMPLING_NAME, parameter_space, properties)


class GridParameterSampling(HyperParameterSampling):
    """Try every combination; takes `choice` alone."""

    SAMPLING_NAME = "GRID"

    def __init__(self, parameter_space: Mapping[str, object], properties: Mapping[str, object] | None = None) -> None:
        super().__init__(self.SAMPLING_NAME, parameter_space, properties, {"choice"})


class BayesianParameterSampling(HyperParameterSampling):
    """Draw where earlier results were good; takes `choice`, `quniform` and `uniform`."""

    SAMPLING_NAME = "BayesianOptimization"

    def __init__(self, parameter_space: Mapping[str, object], properties: Mapping[str, object] | None = None) -> None:
        super().__init__(
            self.SAMPLING_NAME,
            parameter_space,
            properties,
            {"choice", "quniform", "uniform"},
            {"choice": _check_choice, "quniform": _check_quniform},
        )


def _check_choice(distribution: list[Any]) -> tuple[bool, str | None]:
    """Return whether the values can be compared: numbers, or text alone (v1's rule)."""
    values = distribution[1][0]
    kinds = {type(value) for value in values}
    if not kinds <= {int, float, str}:
        return False, f"the values {values!r} are not all numbers or text"
    if str in kinds and len(kinds) > 1:
        return False, f"the values {values!r} mix text and numbers"
    return True, None


def _check_quniform(distribution: list[Any]) -> tuple[bool, str | None]:
    """Return whether the ends and the step are whole numbers, and few enough points lie between (v1's rule)."""
    low, high, step = distribution[1]
    if any(type(number) is not int for number in (low, high, step)):
        return False, f"quniform takes whole numbers here, not {low!r}, {high!r}, {step!r}"
    if (high - low) / step > _MOST_POINTS:
        return False, f"quniform has more than {_MOST_POINTS} points; take a larger q, or uniform"
    return True, None
