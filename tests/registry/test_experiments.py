"""Experiments."""

import pytest

from airflow_ml.exceptions import UserErrorException


def test_an_experiment_is_created_once(registry):
    """Asking twice for a name gives the same experiment."""
    first = registry.experiments.get_or_create("digits")

    assert registry.experiments.get_or_create("digits") == first
    assert registry.experiments.get("digits") == first
    assert list(registry.experiments.list()) == [first]


def test_an_archived_experiment_is_not_listed(registry):
    """Archiving hides an experiment from lists, and it can be undone."""
    registry.experiments.get_or_create("digits")

    archived = registry.experiments.archive("digits")

    assert archived.archived_at is not None
    assert list(registry.experiments.list()) == []
    assert list(registry.experiments.list(include_archived=True)) == [archived]
    assert registry.experiments.reactivate("digits").archived_at is None


def test_tags_are_added_to_those_that_are_there(registry):
    """A tag that is there gets the new value, the others stay."""
    registry.experiments.get_or_create("digits")
    registry.experiments.set_tags("digits", {"a": "1", "b": "1"})

    assert registry.experiments.set_tags("digits", {"b": "2"}).tags == {"a": "1", "b": "2"}


def test_an_archived_experiment_takes_no_new_runs(registry):
    """A root run of an archived experiment is refused, with the way out; runs below one that goes on are not."""
    root = registry.runs.create("digits", "a", kind="script")
    registry.experiments.archive("digits")

    with pytest.raises(UserErrorException, match=r"'digits': it was archived at .* reactivate\(\)"):
        registry.runs.create("digits", "b", kind="script")
    registry.runs.create("digits", "c", kind="child", parent_id=root.id)
    registry.experiments.reactivate("digits")
    assert registry.runs.create("digits", "b", kind="script").number == 2


def test_tags_are_removed_by_name(registry):
    """Names that are not there are passed over."""
    registry.experiments.get_or_create("digits")
    registry.experiments.set_tags("digits", {"a": "1", "b": "1"})

    assert registry.experiments.remove_tags("digits", ["a", "c"]).tags == {"b": "1"}


def test_an_experiment_without_runs_is_deleted(registry):
    """One that has runs stays, and an unknown id is said."""
    empty = registry.experiments.get_or_create("empty")
    registry.runs.create("full", "a", kind="script")

    registry.experiments.delete(empty.id)

    assert registry.experiments.find("empty") is None
    with pytest.raises(UserErrorException, match=r"'full': it has runs, .* archive it"):
        registry.experiments.delete(registry.experiments.get("full").id)
    with pytest.raises(UserErrorException, match="no experiment has the id"):
        registry.experiments.delete(empty.id)


def test_a_missing_experiment_is_named(registry):
    """The error of an unknown name quotes it."""
    with pytest.raises(UserErrorException, match="'nowhere' does not exist"):
        registry.experiments.get("nowhere")


@pytest.mark.parametrize("name", ["", "x" * 1001])
def test_a_name_that_no_index_holds_is_refused(registry, name):
    """Empty names and those of more than a thousand bytes are errors."""
    with pytest.raises(UserErrorException, match="experiment"):
        registry.experiments.get_or_create(name)


@pytest.mark.parametrize("name", ["zażółć gęślą", "数字", "a%b_c'd\"e\\", "\N{GRINNING FACE}", "nul\0 and \udcff"])
def test_odd_names_come_back(registry, name):
    """Any text can be a name; what a database cannot hold is replaced, and is still found by the same name."""
    created = registry.experiments.get_or_create(name)

    assert registry.experiments.get(name) == created
    assert created.name == name.replace("\0", "\ufffd").replace("\udcff", "\ufffd")
