"""How results of earlier runs are taken, as a step, a pipeline or a workspace says it (ours; v1 had one fixed rule)."""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import model

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping
    from typing import cast

    from airflow_ml.graph.model import InputIdentity, Json, Verification
else:
    from airflow_ml._typing import cast

__all__ = ["ReusePolicy", "policy_of_graph"]

_WORDS = {"inputs": ("content", "definition"), "verify": ("exists", "size", "content")}


class ReusePolicy:
    """
    How a step takes the result of an earlier run. What is None is left to the pipeline, then to the workspace.

    Args:
        inputs: what of the data counts: its `content` (the default), or its `definition`, which is v1's rule: id and
            version of a dataset, datastore and path of a data reference.
        max_age: how old a result may be, as a timedelta or in seconds. The shortest that step, pipeline and workspace
            say holds, so that nobody goes beyond a limit of the workspace. Default: no limit.
        verify: what is looked at before outputs are taken: that they `exists`, that their `size` and ETag are what
            they were (the default), or their whole `content`.

    Raises:
        UserErrorException: another word, or an age that is not above 0.
    """

    def __init__(
        self,
        inputs: InputIdentity | None = None,
        *,
        max_age: datetime.timedelta | float | None = None,
        verify: Verification | None = None,
    ) -> None:
        for name, value in (("inputs", inputs), ("verify", verify)):
            if value is not None and value not in _WORDS[name]:
                raise UserErrorException(
                    f"reuse policy: {name} is {value!r}, expected one of {', '.join(map(repr, _WORDS[name]))}"
                )
        self._policy = model.ReusePolicy(inputs, _seconds(max_age), verify)

    @property
    def inputs(self) -> InputIdentity | None:
        """What of the data counts."""
        return self._policy.inputs

    @property
    def max_age(self) -> float | None:
        """How old a result may be, in seconds."""
        return self._policy.max_age

    @property
    def verify(self) -> Verification | None:
        """What is looked at before outputs are taken."""
        return self._policy.verify

    @classmethod
    def _of_data(cls, data: Json) -> ReusePolicy:
        """Return the policy that was kept as JSON, or one that says nothing."""
        said = cast("Mapping[str, Json]", data or {})
        return cls(
            cast("InputIdentity | None", said.get("inputs")),
            max_age=cast("float | None", said.get("max_age")),
            verify=cast("Verification | None", said.get("verify")),
        )

    def _to_data(self) -> dict[str, Json]:
        said: dict[str, Json] = {"inputs": self.inputs, "max_age": self.max_age, "verify": self.verify}
        return {name: value for name, value in said.items() if value is not None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReusePolicy) and self._policy == other._policy

    def __hash__(self) -> int:
        return hash(self._policy)

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self._to_data().items())
        return f"ReusePolicy({said})"


def policy_of_graph(policy: object, *, where: str) -> model.ReusePolicy:
    """
    Return a policy as the graph holds it; None says nothing.

    Raises:
        UserErrorException: it is no ReusePolicy.
    """
    if policy is None:
        return _NOTHING
    if not isinstance(policy, ReusePolicy):
        raise UserErrorException(
            f"{where}: reuse_policy {policy!r} is no ReusePolicy; give one of airflow_ml.pipeline.core"
        )
    return policy._policy


_NOTHING = model.ReusePolicy()


def _seconds(age: object) -> float | None:
    if age is None:
        return None
    seconds = age.total_seconds() if hasattr(age, "total_seconds") else age
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < float("inf"):
        raise UserErrorException(f"reuse policy: max_age is {age!r}, expected a timedelta or seconds, above 0")
    return float(seconds)
