"""Nodes of a distributed step tell each other where they are."""

from airflow_ml.registry import Registry


def test_nodes_see_each_other(registry: Registry):
    """Each says where it is, and every answer holds all of them."""
    registry.meetings.join("run", 1, address="b", ports=[7, 8])
    registry.meetings.join("run", 0, address="a", ports=[5])
    registry.meetings.join("other", 0, address="c", ports=[])

    first, second = registry.meetings.tell("run", 0, "ready")

    assert (first.node, first.address, first.ports, first.state) == (0, "a", (5,), "ready")
    assert (second.node, second.address, second.ports, second.state) == (1, "b", (7, 8), "coming")
    assert 0 <= second.silent_for < 60


def test_a_failure_is_told(registry: Registry):
    """What went wrong on a node reaches the others."""
    registry.meetings.join("run", 0, address="a", ports=[5])
    registry.meetings.tell("run", 0, "failed", "rank 0 ended with exit code 3")

    [node] = registry.meetings.nodes("run")

    assert (node.state, node.message) == ("failed", "rank 0 ended with exit code 3")


def test_a_node_that_comes_again_replaces_itself(registry: Registry):
    """The task of a node that was started anew is the same node at another place."""
    registry.meetings.join("run", 1, address="a", ports=[5])
    registry.meetings.tell("run", 1, "failed", "lost")
    registry.meetings.join("run", 1, address="b", ports=[6])

    [node] = registry.meetings.nodes("run")

    assert (node.address, node.ports, node.state, node.message) == ("b", (6,), "coming", None)
