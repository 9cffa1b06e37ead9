"""Datastore paths and datasets as one string."""

from __future__ import annotations

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import (
    DataReferenceSource,
    DatasetSource,
    datapath_uri,
    dataset_uri,
    parse_datapath,
    parse_dataset,
)


@pytest.mark.parametrize("path", ["", "a", "a/b/", "a b/%20#+?.csv", "žluť/シ", "x/*.csv", "a@b/datastore://c"])
def test_datapaths_come_back(path: str) -> None:
    """A path is taken as it is, without quoting."""
    source = DataReferenceSource("store", path)

    assert parse_datapath(datapath_uri(source), where="here") == source


def test_leading_slashes_of_paths_mean_nothing() -> None:
    """A path begins at the datastore's root however it is written."""
    assert datapath_uri(DataReferenceSource("s", "/a/b")) == "datastore://s/a/b"


@pytest.mark.parametrize(
    "text", ["", "a/b", "datastore://", "datastore://s", "datastore:///p", "dataset://s/p", "DATASTORE://s/p"]
)
def test_other_datapaths_are_refused(text: str) -> None:
    """The error says where the text stands, what it is and how it is written."""
    with pytest.raises(UserErrorException, match=r"parameter 'p': .*datastore://name/path"):
        parse_datapath(text, where="parameter 'p'")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("dataset://iris", DatasetSource(name="iris")),
        ("dataset://iris@latest", DatasetSource(name="iris")),
        ("dataset://iris@", DatasetSource(name="iris")),
        ("dataset://iris@12", DatasetSource(name="iris", version="12")),
        ("dataset://my data+%#@3", DatasetSource(name="my data+%#", version="3")),
        ("dataset://id/0-1", DatasetSource(saved_id="0-1")),
    ],
)
def test_datasets_are_read(text: str, source: DatasetSource) -> None:
    """A dataset is a name with or without a version, or an id."""
    assert parse_dataset(text, where="here") == source
    assert parse_dataset(dataset_uri(source) or "", where="here") == source


@pytest.mark.parametrize(
    "text",
    ["", "iris", "dataset://", "dataset://@3", "dataset://a/b", "dataset://a@x", "dataset://a@-1", "dataset://id/"],
)
def test_other_datasets_are_refused(text: str) -> None:
    """A version is a number or `latest`, and a name has no slash."""
    with pytest.raises(UserErrorException, match="is not a dataset"):
        parse_dataset(text, where="here")


def test_dataset_without_name_and_id_has_no_text() -> None:
    """A dataset that was only defined cannot be written as a string."""
    assert dataset_uri(DatasetSource(definition={"kind": "file"})) is None
