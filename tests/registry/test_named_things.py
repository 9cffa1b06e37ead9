"""Datastores, compute targets, environments, models and snapshots."""

import pytest

from airflow_ml.exceptions import (
    ComputeTargetException,
    ModelNotFoundException,
    RunEnvironmentException,
    SnapshotException,
    UserErrorException,
    WebserviceException,
)


def test_a_fresh_workspace_has_the_datastores_of_v1(registry):
    """Four local datastores below the workspace's home, workspaceblobstore the default."""
    stores = registry.datastores.list()

    assert [store.name for store in stores] == [
        "workspaceartifactstore",
        "workspaceblobstore",
        "workspacefilestore",
        "workspaceworkingdirectory",
    ]
    assert {store.type for store in stores} == {"Local"}
    assert all(store.settings == {"kind": "local", "root": None} for store in stores)
    assert registry.datastores.default().name == "workspaceblobstore"
    assert [store.name for store in stores if store.is_default] == ["workspaceblobstore"]


def test_a_datastore_keeps_its_secret_apart(registry):
    """A secret comes back as bytes and is in no printed record."""
    put = registry.datastores.put("lake", type="AzureBlob", settings={"container": "c"}, secret=b"\0encrypted")

    assert registry.datastores.get("lake") == put
    assert put.secret == b"\0encrypted"
    assert "encrypted" not in repr(put)


def test_a_datastore_is_replaced_when_that_is_wanted(registry):
    """The same name again replaces the settings, unless overwrite is off."""
    registry.datastores.put("lake", type="AzureBlob", settings={"container": "a"}, secret=b"s")

    with pytest.raises(UserErrorException, match="pass overwrite=True"):
        registry.datastores.put("lake", type="AzureBlob", settings={}, overwrite=False)
    replaced = registry.datastores.put("lake", type="AzureFile", settings={"share": "b"})
    assert (replaced.type, replaced.settings, replaced.secret) == ("AzureFile", {"share": "b"}, None)


def test_the_default_datastore_stays(registry):
    """The default can be moved to another datastore, and only then be removed."""
    with pytest.raises(UserErrorException, match="is the default"):
        registry.datastores.remove("workspaceblobstore")
    registry.datastores.set_default("workspacefilestore")
    registry.datastores.remove("workspaceblobstore")

    assert registry.datastores.default().name == "workspacefilestore"
    assert registry.datastores.find("workspaceblobstore") is None


@pytest.mark.parametrize("method", ["get", "set_default", "remove"])
def test_a_missing_datastore_is_named(registry, method):
    """Whatever is asked of a datastore that is not there, the error quotes it."""
    with pytest.raises(UserErrorException, match="datastore 'nowhere' is not registered"):
        getattr(registry.datastores, method)("nowhere")


def test_a_compute_target_is_put_and_removed(registry):
    """Putting a name again changes it and keeps its first time."""
    first = registry.compute_targets.put("cpu", type="AmlCompute", settings={"max_nodes": 2})
    second = registry.compute_targets.put("cpu", type="AmlCompute", settings={"max_nodes": 4})

    assert (second.created_at, second.settings) == (first.created_at, {"max_nodes": 4})
    assert second.modified_at > first.modified_at
    assert list(registry.compute_targets.list()) == [second]
    assert [registry.compute_targets.remove("cpu") for _ in range(2)] == [True, False]


def test_a_missing_compute_target_has_the_word_of_v1(registry):
    """Notebooks look for ComputeTargetNotFound in the text."""
    with pytest.raises(ComputeTargetException, match=r"ComputeTargetNotFound.*'gpu'"):
        registry.compute_targets.get("gpu")


def test_an_environment_has_one_version_per_definition(registry):
    """The same definition has the same version, and what was registered last is the latest."""
    first, second = {"python": "3.11"}, {"python": "3.12"}
    versions = [registry.environments.register("sklearn", each).version for each in (first, second, second, first)]

    assert versions == ["1", "2", "2", "1"]
    assert registry.environments.get("sklearn").definition == first
    assert registry.environments.get("sklearn", "2").definition == second
    assert [record.version for record in registry.environments.list()] == ["1"]


def test_a_missing_environment_is_named(registry):
    """The error says which versions there are."""
    registry.environments.register("sklearn", {})

    with pytest.raises(RunEnvironmentException, match=r"'sklearn' version '9' is not registered.*\['1'\]"):
        registry.environments.get("sklearn", "9")


def test_models_are_versioned(registry):
    """Versions count from 1, None is the latest, and a removed number is not given out again."""
    first, second = (registry.models.register("digits", datastore="s", path=f"models/{n}") for n in (1, 2))
    registry.models.remove("digits", 2)
    third = registry.models.register("digits", datastore="s", path="models/3")

    assert [model.id for model in (first, second, third)] == ["digits:1", "digits:2", "digits:3"]
    assert registry.models.get("digits") == third
    assert registry.models.get("digits", 1) == first
    with pytest.raises(ModelNotFoundException, match=r"ModelNotFound.*version 2, its versions are \[3, 1\]"):
        registry.models.get("digits", 2)


def test_many_processes_register_models(registry, at_once):
    """Versions given out at once are all different."""

    def register(_number):
        return registry.models.register("digits", datastore="s", path="p").version

    assert sorted(at_once(register)) == [1, 2, 3, 4, 5, 6]


def test_models_are_filtered(registry):
    """By name, tags, properties and run; only the latest of each name if asked."""
    registry.models.register("a", datastore="s", path="p", tags={"stage": "dev"}, properties={"p": "1"}, run_id="r")
    registry.models.register("a", datastore="s", path="p", tags={"stage": "prod"})
    registry.models.register("b", datastore="s", path="p", tags={"stage": "dev"})

    def listed(**wanted):
        return [model.id for model in registry.models.list(**wanted)]

    assert listed() == ["b:1", "a:2", "a:1"]
    assert listed(latest=True) == ["b:1", "a:2"]
    assert listed(tags={"stage": "dev"}) == ["b:1", "a:1"]
    assert listed(tags={"stage": None}, name="a") == ["a:2", "a:1"]
    assert listed(run_id="r", properties={"p": "1"}) == ["a:1"]


def test_labels_of_a_model(registry):
    """Tags are replaced as a whole; properties are added and never change."""
    registry.models.register("a", datastore="s", path="p", tags={"old": "1"}, properties={"p": "1"})

    assert registry.models.set_tags("a", 1, {"new": "2"}).tags == {"new": "2"}
    assert registry.models.add_properties("a", 1, {"p": "1", "q": "3"}).properties == {"p": "1", "q": "3"}
    with pytest.raises(WebserviceException, match="'a:1': property 'p' is '1' and cannot become '2'"):
        registry.models.add_properties("a", 1, {"r": "4", "p": "2"})
    assert registry.models.get("a", 1).properties == {"p": "1", "q": "3"}


def test_a_snapshot_is_recorded_once(registry):
    """Recording a snapshot again does not change what it says of the content."""
    assert not registry.snapshots.exists("abc")
    for size in (10, 20):
        registry.snapshots.record("abc", files=2, size=size)

    assert registry.snapshots.exists("abc")
    assert registry.snapshots.get("abc").size == 10
    with pytest.raises(SnapshotException, match="'nowhere' is not recorded"):
        registry.snapshots.get("nowhere")


def test_what_fingerprints_take_of_a_snapshot_is_filled_in_once(registry):
    """A snapshot of an older version gets its source digest when it is taken again, and keeps it."""
    for digest in (None, "sources", None, "others"):
        registry.snapshots.record("abc", files=2, size=10, source_digest=digest)

    assert registry.snapshots.get("abc").source_digest == "sources"


def test_a_label_means_one_version(registry):
    """A label moves to the version that it is set on, and `latest` is always the newest one."""
    for version in ("a", "b"):
        registry.environments.register("train", {"image": version})
    registry.environments.set_labels("train", "1", ["stable"])
    registry.environments.set_labels("train", "2", ["stable", "fast"])

    assert registry.environments.labelled("train", "stable").version == "2"
    assert registry.environments.get("train", "1").labels == ()
    assert registry.environments.labelled("train", "latest").version == "2"
    with pytest.raises(RunEnvironmentException, match=r"label 'gone'.*'stable', 'fast'"):
        registry.environments.labelled("train", "gone")


def test_details_of_a_workspace_change_one_by_one(registry):
    """What is not named stays as it was."""
    assert registry.details.get() == {}
    registry.details.put({"description": "first", "tags": {"a": "b"}})
    registry.details.put({"description": "second"})

    assert registry.details.get() == {"description": "second", "tags": {"a": "b"}}


def test_what_is_said_of_a_model_can_change(registry):
    """Description and details are replaced; files and version are not touched."""
    registry.models.register("net", datastore="d", path="p", details={"a": 1})
    registry.models.set_description("net", 1, "better")
    changed = registry.models.set_details("net", 1, {"b": 2})

    assert (changed.description, changed.details, changed.path) == ("better", {"a": 1, "b": 2}, "p")
