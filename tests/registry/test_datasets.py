"""Datasets."""

import pytest

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException

FIRST = {"kind": "file", "sources": [{"datastore": "workspaceblobstore", "path": "digits/"}]}
SECOND = {"kind": "file", "sources": [{"url": "https://example.org/zażółć.csv"}]}


def test_the_same_definition_has_the_same_id(registry):
    """Saving by content: the order of keys does not matter, everything else does."""
    saved = registry.datasets.save(FIRST)

    assert registry.datasets.save(dict(reversed(FIRST.items()))) == saved
    assert registry.datasets.save(SECOND) != saved
    assert (registry.datasets.get(saved).definition, registry.datasets.get(saved).name) == (FIRST, None)


def test_versions_count_from_one(registry):
    """A name's versions are numbered, and "latest" is the highest."""
    first = registry.datasets.register("digits", FIRST, description="d", tags={"a": "b"})
    second = registry.datasets.register("digits", SECOND, create_new_version=True)

    assert (first.version, second.version) == (1, 2)
    assert registry.datasets.by_name("digits") == second
    assert registry.datasets.by_name("digits", 1) == registry.datasets.by_name("digits", "1") == first
    assert list(registry.datasets.versions("digits")) == [second, first]
    assert list(registry.datasets.list()) == [second]
    assert registry.datasets.get(first.id) == first


def test_a_taken_name_needs_create_new_version(registry):
    """A second definition of a name is refused with the argument to pass."""
    registry.datasets.register("digits", FIRST)

    with pytest.raises(UserErrorException, match="create_new_version=True"):
        registry.datasets.register("digits", SECOND)


@pytest.mark.parametrize("create_new_version", [True, False])
def test_an_identical_dataset_is_refused(registry, create_new_version):
    """The latest version again is an error that names the version."""
    registry.datasets.register("digits", FIRST)

    with pytest.raises(UserErrorException, match="identical dataset is registered as version 1"):
        registry.datasets.register("digits", FIRST, create_new_version=create_new_version)


def test_an_old_definition_can_be_the_latest_again(registry):
    """Going back to the definition of an older version is a new version."""
    for definition in (FIRST, SECOND, FIRST):
        last = registry.datasets.register("digits", definition, create_new_version=True)

    assert last.version == 3


def test_an_unregistered_name_is_free_and_its_versions_are_not_reused(registry):
    """A version number in an old run's lineage never comes to mean another dataset."""
    first = registry.datasets.register("digits", FIRST)

    assert registry.datasets.unregister("digits") == 1
    assert list(registry.datasets.list()) == []
    assert registry.datasets.get(first.id).name is None
    assert registry.datasets.register("digits", FIRST).version == 2


def test_many_processes_register_versions(registry, at_once):
    """Versions given out at once are all different."""

    def register(number):
        return registry.datasets.register("digits", {**FIRST, "number": number}, create_new_version=True).version

    assert sorted(at_once(register)) == [1, 2, 3, 4, 5, 6]


def test_description_and_tags_are_of_a_version(registry):
    """Updating one version leaves what is not given, and the other versions."""
    registry.datasets.register("digits", FIRST, description="first", tags={"a": "1"})
    registry.datasets.register("digits", SECOND, create_new_version=True)

    changed = registry.datasets.update("digits", 1, tags={"b": "2"})

    assert (changed.tags, changed.description) == ({"b": "2"}, "first")
    assert registry.datasets.by_name("digits").tags == {}


def test_a_missing_dataset_is_named(registry):
    """The error of an unknown version says which there are."""
    registry.datasets.register("digits", FIRST)

    with pytest.raises(DatasetNotFoundError, match=r"version 7 is not registered, its versions are \[1\]"):
        registry.datasets.by_name("digits", 7)
    with pytest.raises(DatasetNotFoundError, match="nor is the name"):
        registry.datasets.by_name("letters")
    with pytest.raises(DatasetNotFoundError, match="dataset id 'x' does not exist"):
        registry.datasets.get("x")
    with pytest.raises(UserErrorException, match="cannot be written as JSON"):
        registry.datasets.save({"kind": {1, 2}})
