"""Endpoints, drafts and modules."""

from dataclasses import replace

import pytest

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import (
    DraftContent,
    DraftNotFoundError,
    EndpointNotFoundError,
    NameTakenError,
    PublishedPipelineNotFoundError,
    StepModuleNotFoundError,
    open_registry,
)


@pytest.fixture
def publish(registry):
    """Return what publishes an empty pipeline and returns its id."""
    return lambda name="p": registry.published_pipelines.add(name, graph_json="{}", steps=0).id


def test_versions_of_an_endpoint_are_numbered_from_0(registry, publish):
    """The first is the default until another one is made it."""
    first, second, third = publish(), publish(), publish()
    made = registry.pipeline_endpoints.create("e", pipeline_id=first, description="d")

    registry.pipeline_endpoints.add(made.id, second)
    added = registry.pipeline_endpoints.add(made.id, third, is_default=True)

    assert (made.default_version, added.default_version) == ("0", "2")
    assert [*added.versions.items()] == [("0", first), ("1", second), ("2", third)]
    assert registry.pipeline_endpoints.get(made.id) == registry.pipeline_endpoints.named("e") == added
    assert registry.pipeline_endpoints.set_default(made.id, "1").default_version == "1"


def test_a_published_pipeline_is_one_version(registry, publish):
    """Adding it again names the version that it is; another workspace's, and other versions, are not there."""
    first = publish()
    made = registry.pipeline_endpoints.create("e", pipeline_id=first)

    with pytest.raises(NameTakenError, match="is its version '0' already"):
        registry.pipeline_endpoints.add(made.id, first)
    with pytest.raises(PublishedPipelineNotFoundError, match="'x' does not exist"):
        registry.pipeline_endpoints.add(made.id, "x")
    with pytest.raises(EndpointNotFoundError, match="no version '7'; its versions are 0"):
        registry.pipeline_endpoints.set_default(made.id, "7")


def test_a_name_of_an_endpoint_is_taken_once(registry, publish):
    """Creating and renaming refuse it; archiving gives it up, and coming back needs a free one."""
    endpoints = registry.pipeline_endpoints
    one, other = endpoints.create("a", pipeline_id=publish()), endpoints.create("b", pipeline_id=publish())

    for attempt in (lambda: endpoints.create("a", pipeline_id=publish()), lambda: endpoints.set_name(other.id, "a")):
        with pytest.raises(NameTakenError, match="a pipeline endpoint 'a' exists"):
            attempt()
    archived = endpoints.archive(one.id)
    assert archived.status == "Archived"
    assert one.id in archived.name
    assert endpoints.set_name(other.id, "a").name == "a"
    with pytest.raises(NameTakenError):
        endpoints.reactivate(one.id, "a")
    assert endpoints.reactivate(one.id, "c").is_active


def test_lists_of_endpoints_are_in_the_order_in_which_they_were_made(registry, publish):
    """Those that take no runs are left out unless they are asked for."""
    made = [registry.pipeline_endpoints.create(name, pipeline_id=publish()) for name in "zam"]
    registry.pipeline_endpoints.set_active(made[1].id, active=False)

    assert [record.name for record in registry.pipeline_endpoints.list()] == ["z", "m"]
    assert [record.name for record in registry.pipeline_endpoints.list(active_only=False, limit=2)] == ["z", "a"]


def test_a_draft_is_kept_whole_and_may_change(registry):
    """Everything that was said comes back, secrets too, and is replaced as a whole."""
    content = DraftContent(
        "d", '{"a": 1}', "text", "e", {"rate": 1, "api_key": "hidden"}, True, {"t": "1"}, {"p": "2"}, {"run": "r"}
    )
    made = registry.pipeline_drafts.create(content)

    assert registry.pipeline_drafts.get(made.id).content == content
    changed = replace(content, name="new", graph_json="{}")
    registry.pipeline_drafts.put(made.id, changed)
    registry.pipeline_drafts.set_last_run(made.id, "run")
    (found,) = registry.pipeline_drafts.list()
    assert (found.content, found.last_run_id, found.created_at) == (changed, "run", made.created_at)


def test_a_deleted_draft_is_not_found(registry):
    """Nothing can be asked of it."""
    made = registry.pipeline_drafts.create(DraftContent("d", "{}"))
    registry.pipeline_drafts.delete(made.id)

    with pytest.raises(DraftNotFoundError, match=f"{made.id!r} does not exist"):
        registry.pipeline_drafts.get(made.id)


def test_versions_of_a_module_are_named(registry):
    """Who names none gets the next number; the default is chosen by name or id."""
    module = registry.modules.create("m", "d")
    named = registry.modules.add_version(module.id, definition={"script": "a.py"}, version="7", category="c")
    numbered = registry.modules.add_version(module.id, definition={"script": "b.py"}, is_default=True)

    found = registry.modules.named("m")
    assert found == registry.modules.get(module.id)
    assert (found.default_version, [*found.versions]) == ("8", [("7", named.id), ("8", numbered.id)])
    assert registry.modules.version(named.id) == named
    assert registry.modules.set_default(module.id, named.id).default_version == "7"
    with pytest.raises(NameTakenError, match="version '7' exists"):
        registry.modules.add_version(module.id, definition={}, version="7")
    with pytest.raises(StepModuleNotFoundError, match="no version '9'; its versions are 7, 8"):
        registry.modules.set_default(module.id, "9")


def test_modules_change_but_their_versions_code_does_not(registry):
    """Name, text and status of a module, text and status of a version."""
    module = registry.modules.create("m")
    version = registry.modules.add_version(module.id, definition={"environment_variables": {"KEY": "hidden"}})

    registry.modules.set_name(module.id, "n")
    registry.modules.set_description(module.id, "text")
    registry.modules.set_status(module.id, "Disabled")
    changed = registry.modules.change_version(version.id, status="Deprecated", description="old")

    found = registry.modules.named("n")
    assert (found.description, found.status) == ("text", "Disabled")
    assert (changed.status, changed.description, changed.definition) == ("Deprecated", "old", version.definition)
    with pytest.raises(NameTakenError, match="a module 'n' exists"):
        registry.modules.create("n")


def test_those_of_another_workspace_are_not_found(registry, publish, ref):
    """An id or a name means nothing in another workspace."""
    endpoint = registry.pipeline_endpoints.create("e", pipeline_id=publish())
    draft = registry.pipeline_drafts.create(DraftContent("d", "{}"))
    module = registry.modules.create("m")
    version = registry.modules.add_version(module.id, definition={})

    with open_registry(WorkspaceRef(f"{ref.name}-other", registry_url=ref.registry_url)) as other:
        for error, ask, asked in (
            (EndpointNotFoundError, other.pipeline_endpoints.get, endpoint.id),
            (EndpointNotFoundError, other.pipeline_endpoints.named, "e"),
            (DraftNotFoundError, other.pipeline_drafts.get, draft.id),
            (StepModuleNotFoundError, other.modules.get, module.id),
            (StepModuleNotFoundError, other.modules.named, "m"),
            (StepModuleNotFoundError, other.modules.version, version.id),
        ):
            with pytest.raises(error, match=f"{asked!r} does not exist"):
                ask(asked)


def test_what_may_be_run_later_keeps_its_code(registry):
    """Snapshots that a draft's graph or a module's version names are among what is kept."""
    registry.pipeline_drafts.create(DraftContent("d", '{"draft": 1}', parameters={"place": "datastore://s/p"}))
    module = registry.modules.create("m")
    registry.modules.add_version(module.id, definition={"snapshot": {"id": "s"}})

    kept = registry.retention.published_graphs()

    assert kept == ['{"draft": 1}', '{"place": "datastore://s/p"}', '{"snapshot": {"id": "s"}}']
