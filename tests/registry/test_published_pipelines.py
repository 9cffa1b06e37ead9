"""Published pipelines."""

import uuid

import pytest

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import PublishedPipelineNotFoundError, open_registry


def test_a_published_pipeline_is_kept_whole(registry):
    """Everything that was said comes back, with an id of its own, active, and with its graph."""
    added = registry.published_pipelines.add(
        "digits", graph_json='{"a": 1}', steps=2, description="d", version="0.1", continue_on_step_failure=True
    )

    assert registry.published_pipelines.get(added.id) == added
    assert uuid.UUID(added.id)
    assert uuid.UUID(added.graph_id)
    assert (added.name, added.description, added.version, added.steps) == ("digits", "d", "0.1", 2)
    assert (added.status, added.continue_on_step_failure) == ("Active", True)
    assert registry.published_pipelines.graph(added.id) == '{"a": 1}'


def test_what_was_not_said_is_none(registry):
    """Description, version and the failure rule are optional."""
    added = registry.published_pipelines.add("digits", graph_json="{}", steps=0)

    assert (added.description, added.version, added.continue_on_step_failure) == (None, None, None)


def test_equal_graphs_share_an_id(registry):
    """Two published pipelines of one name and one graph are two, with one graph id."""
    first, second = [registry.published_pipelines.add("same", graph_json="{}", steps=0) for _ in range(2)]

    assert first.id != second.id
    assert first.graph_id == second.graph_id


def test_lists_are_in_the_order_of_publishing(registry):
    """Disabled ones are left out unless they are asked for."""
    added = [registry.published_pipelines.add(name, graph_json="{}", steps=0) for name in "zam"]
    registry.published_pipelines.set_active(added[1].id, active=False)

    active = [record.name for record in registry.published_pipelines.list()]
    everything = [(record.name, record.status) for record in registry.published_pipelines.list(active_only=False)]

    assert active == ["z", "m"]
    assert everything == [("z", "Active"), ("a", "Disabled"), ("m", "Active")]


def test_a_disabled_one_can_be_enabled(registry):
    """The status goes back and forth."""
    added = registry.published_pipelines.add("p", graph_json="{}", steps=0)
    registry.published_pipelines.set_active(added.id, active=False)
    registry.published_pipelines.set_active(added.id, active=True)

    assert registry.published_pipelines.get(added.id).status == "Active"


def test_those_of_another_workspace_are_not_found(registry, ref):
    """An id means nothing in another workspace, whatever is asked."""
    added = registry.published_pipelines.add("p", graph_json="{}", steps=0)

    with open_registry(WorkspaceRef(f"{ref.name}-other", registry_url=ref.registry_url)) as other:
        for ask in (other.published_pipelines.get, other.published_pipelines.graph):
            with pytest.raises(PublishedPipelineNotFoundError, match=f"{added.id!r} does not exist"):
                ask(added.id)
        with pytest.raises(PublishedPipelineNotFoundError):
            other.published_pipelines.set_active(added.id, active=False)
        assert other.published_pipelines.list(active_only=False) == []
