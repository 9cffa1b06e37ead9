"""
Distributions of a hyperparameter (`azureml.train.hyperdrive.parameter_expressions`).

Each function gives v1's plain data: a list of the distribution's name and its parameters.

Raises, all of them:
    HyperDriveConfigException: a parameter of a wrong type or size.
"""

from __future__ import annotations

from airflow_ml.train.hyperdrive.exceptions import HyperDriveConfigException

__all__ = [
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]


def choice(*options: object) -> list[object]:
    """
    Return a choice between values.

    Args:
        options: the values, or one list or range of them; a tuple is one value, as in v1.
    """
    given: list[object] = list(options)
    for item in options:
        if isinstance(item, (list, range)):
            if len(options) > 1:
                raise HyperDriveConfigException(f"choice: {item!r} stands beside other values; give it alone")
            given = item if isinstance(item, list) else list(item)
    if not given:
        raise HyperDriveConfigException("choice: there is nothing to choose from; give at least one value")
    return ["choice", [given]]


def randint(upper: int) -> list[object]:
    """Return a whole number from 0 up to, and without, `upper`."""
    if not isinstance(upper, int) or upper <= 0:
        raise HyperDriveConfigException(f"randint: upper is {upper!r}; give a whole number above 0")
    return ["randint", [upper]]


def uniform(min_value: float, max_value: float) -> list[object]:
    """Return a number between the two."""
    _check_numbers("uniform", min_value=min_value, max_value=max_value)
    _check_order("uniform", min_value, max_value)
    return ["uniform", [min_value, max_value]]


def quniform(min_value: float, max_value: float, q: float) -> list[object]:
    """Return a number between the two, rounded to a multiple of `q`, a whole number."""
    _check_numbers("quniform", min_value=min_value, max_value=max_value)
    _check_whole("quniform", q)
    _check_order("quniform", min_value, max_value)
    return ["quniform", [min_value, max_value, q]]


def loguniform(min_value: float, max_value: float) -> list[object]:
    """Return e to the power of a number between the two, which may be equal."""
    _check_numbers("loguniform", min_value=min_value, max_value=max_value)
    _check_order("loguniform", min_value, max_value, is_equal_allowed=True)
    return ["loguniform", [min_value, max_value]]


def qloguniform(min_value: float, max_value: float, q: float) -> list[object]:
    """Return the same as `loguniform`, rounded to a multiple of `q`, a whole number."""
    _check_numbers("qloguniform", min_value=min_value, max_value=max_value)
    _check_whole("qloguniform", q)
    _check_order("qloguniform", min_value, max_value, is_equal_allowed=True)
    return ["qloguniform", [min_value, max_value, q]]


def normal(mu: float, sigma: float) -> list[object]:
    """Return a normally distributed number."""
    _check_normal("normal", mu, sigma)
    return ["normal", [mu, sigma]]


def qnormal(mu: float, sigma: float, q: float) -> list[object]:
    """Return a normally distributed number, rounded to a multiple of `q`, a whole number."""
    _check_normal("qnormal", mu, sigma)
    _check_whole("qnormal", q)
    return ["qnormal", [mu, sigma, q]]


def lognormal(mu: float, sigma: float) -> list[object]:
    """Return e to the power of a normally distributed number."""
    _check_normal("lognormal", mu, sigma)
    return ["lognormal", [mu, sigma]]


def qlognormal(mu: float, sigma: float, q: float) -> list[object]:
    """Return the same as `lognormal`, rounded to a multiple of `q`, a whole number."""
    _check_normal("qlognormal", mu, sigma)
    _check_whole("qlognormal", q)
    return ["qlognormal", [mu, sigma, q]]


def _check_numbers(distribution: str, **values: object) -> None:
    for name, value in values.items():
        if not isinstance(value, (int, float)):
            raise HyperDriveConfigException(f"{distribution}: {name} is {value!r}; give a number")


def _check_whole(distribution: str, q: object) -> None:
    if not (isinstance(q, int) or (isinstance(q, float) and q.is_integer())):
        raise HyperDriveConfigException(f"{distribution}: q is {q!r}; give a whole number")


def _check_order(distribution: str, low: float, high: float, *, is_equal_allowed: bool = False) -> None:
    if low > high or (low == high and not is_equal_allowed):
        raise HyperDriveConfigException(f"{distribution}: min_value {low!r} is not below max_value {high!r}")


def _check_normal(distribution: str, mu: object, sigma: float) -> None:
    _check_numbers(distribution, mu=mu, sigma=sigma)
    if sigma < 0:
        raise HyperDriveConfigException(f"{distribution}: sigma is {sigma!r}; give a number that is not negative")
