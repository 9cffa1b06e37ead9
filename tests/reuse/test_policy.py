"""Whose word on reuse holds."""

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import Graph, ReusePolicy, Step, WorkspaceRef
from airflow_ml.reuse.policy import effective_policy, policy_from_data


def effective(context, step=ReusePolicy(), graph=ReusePolicy(), workspace=None):  # noqa: B008 - records are frozen
    """Return the policy that holds when step, pipeline and workspace say this."""
    if workspace is not None:
        context.registry.details.put({"reuse": workspace})
    node = Step("s", "s", "python_script", reuse=step)
    return effective_policy(context.registry, Graph("p", WorkspaceRef("w"), (node,), reuse=graph), node)


def test_the_default(context):
    """Nobody says anything: data counts by content, sizes are verified, results do not grow too old."""
    assert effective(context) == ReusePolicy(inputs="content", max_age=None, verify="size")


def test_who_comes_first(context):
    """The step's word holds, then the pipeline's, then the workspace's."""
    found = effective(
        context,
        ReusePolicy(inputs="content"),
        ReusePolicy(inputs="definition", verify="content"),
        {"inputs": "definition", "verify": "exists", "max_age": 60},
    )

    assert found == ReusePolicy(inputs="content", max_age=60.0, verify="content")


@pytest.mark.parametrize("ages", [(10, 20, 30), (30, 10, 20), (20, 30, 10), (10, None, None), (None, None, 10)])
def test_the_shortest_age(context, ages):
    """The shortest age holds, whoever gives it: nobody goes beyond an administrator's limit."""
    step, graph, workspace = ages

    assert (
        effective(context, ReusePolicy(max_age=step), ReusePolicy(max_age=graph), {"max_age": workspace}).max_age == 10
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (7, "reuse is 7, expected a mapping"),
        ({"age": 1}, "reuse has no 'age'; it takes inputs, max_age and verify"),
        ({"inputs": "bytes"}, "reuse: inputs is 'bytes', expected one of content, definition"),
        ({"verify": True}, "reuse: verify is True, expected one of exists, size, content"),
        ({"max_age": 0}, "reuse: max_age is 0, expected seconds, above 0"),
        ({"max_age": True}, "reuse: max_age is True"),
        ({"max_age": float("nan")}, "reuse: max_age is nan"),
    ],
)
def test_a_policy_that_cannot_be_read(data, text):
    """A policy with a mistake is an error that names it."""
    with pytest.raises(UserErrorException, match=text):
        policy_from_data(data, where="reuse")
