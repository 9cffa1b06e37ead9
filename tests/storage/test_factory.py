"""From settings to a store."""

from pathlib import Path

import pytest

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.storage.factory import BUILT_IN_KINDS, StoreContext, open_store


def test_a_local_store_without_a_root_lies_in_the_workspaces_folder(tmp_path):
    """Null means the workspace's folder, a relative root one below it, an absolute one itself."""
    roots = [
        open_store({"kind": "local", "root": root}, StoreContext("s", tmp_path)).root
        for root in (None, "sub", "/srv/data")
    ]

    assert roots == [tmp_path, tmp_path / "sub", Path("/srv/data")]


def test_an_unknown_kind_names_itself_the_known_ones_and_the_way_out():
    """A kind that no driver serves is not supported, in words."""
    with pytest.raises(NotSupportedError, match=r"kind 'gopher' is not one of \[.*'local'.*\]; register .* or install"):
        open_store({"kind": "gopher"}, StoreContext("s"))


def test_a_local_store_needs_a_root_from_somewhere():
    """Neither settings nor workspace naming a folder is an error."""
    with pytest.raises(UserErrorException, match="name no root"):
        open_store({"kind": "local", "root": None}, StoreContext("s"))


def test_more_kinds_can_be_passed(store):
    """Kinds are a table that others extend."""
    kinds = {**BUILT_IN_KINDS, "mine": lambda settings, context: store}

    assert open_store({"kind": "mine"}, StoreContext("s"), kinds=kinds) is store
