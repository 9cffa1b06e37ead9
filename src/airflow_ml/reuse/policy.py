"""Which reuse policy holds for a step: the step's own, the pipeline's, the workspace's, and the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import ReusePolicy

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.graph.model import InputIdentity, Verification
    from airflow_ml.registry import Registry

__all__ = ["DETAIL", "effective_policy", "policy_from_data", "workspace_policy"]

#: The workspace's policy, among the details of the workspace.
DETAIL = "reuse"

_IDENTITIES = ("content", "definition")
_VERIFICATIONS = ("exists", "size", "content")


def effective_policy(registry: Registry, graph: Graph, step: Step) -> ReusePolicy:
    """
    Return the policy of a step, complete but for `max_age`, which may be None.

    The first that says something holds, from the step up to the workspace. For `max_age` the shortest of all holds, so
    that nobody goes beyond an administrator's limit.

    Raises:
        UserErrorException: the workspace's policy cannot be read.
    """
    return combined(step.reuse, graph.reuse, workspace_policy(registry))


def combined(*policies: ReusePolicy) -> ReusePolicy:
    """Return what several policies come to, the most particular one first."""
    ages = [policy.max_age for policy in policies if policy.max_age is not None]
    return ReusePolicy(
        inputs=next((policy.inputs for policy in policies if policy.inputs is not None), "content"),
        max_age=min(ages, default=None),
        verify=next((policy.verify for policy in policies if policy.verify is not None), "size"),
    )


def workspace_policy(registry: Registry) -> ReusePolicy:
    """
    Return what the workspace says.

    Raises:
        UserErrorException: it cannot be read.
    """
    where = f"workspace {registry.workspace.name!r}: reuse"
    return policy_from_data(registry.details.get().get(DETAIL), where=where)


def policy_from_data(data: Json, *, where: str) -> ReusePolicy:
    """
    Read a policy that was kept as JSON; what is missing is None.

    Raises:
        UserErrorException: an unknown key, or a value that has no meaning.
    """
    if data is None:
        return ReusePolicy()
    if not isinstance(data, Mapping):
        raise UserErrorException(f"{where} is {data!r}, expected a mapping of inputs, max_age and verify")
    for name in data:
        if name not in ("inputs", "max_age", "verify"):
            raise UserErrorException(f"{where} has no {name!r}; it takes inputs, max_age and verify")
    for name, known in (("inputs", _IDENTITIES), ("verify", _VERIFICATIONS)):
        if data.get(name) is not None and data[name] not in known:
            raise UserErrorException(f"{where}: {name} is {data[name]!r}, expected one of {', '.join(known)}")
    age = data.get("max_age")
    if age is not None and (isinstance(age, bool) or not isinstance(age, (int, float)) or not age > 0):
        raise UserErrorException(f"{where}: max_age is {age!r}, expected seconds, above 0")
    return ReusePolicy(
        inputs=cast("InputIdentity | None", data.get("inputs")),
        max_age=None if age is None else float(age),
        verify=cast("Verification | None", data.get("verify")),
    )
