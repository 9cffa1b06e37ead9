"""Data references, data paths and how they are delivered."""

from __future__ import annotations

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import DataReferenceSource


@pytest.fixture
def store() -> AzureBlobDatastore:
    """A datastore that is never opened."""
    return AzureBlobDatastore(Workspace("s", "g", "w"), "store", None, None)


def test_name_is_given_or_follows_from_store_and_path(store: AzureBlobDatastore) -> None:
    """The store's root has the store's name; a path gets a name that is the same on every parse."""
    assert DataReference(store, "mine", "a").name == "mine"
    assert store.as_mount().name == "store"
    assert store.path("a/b.csv").name == store.path("a/b.csv").name == "store_a_b_csv"
    assert store.path("ż/").name != store.path("ó/").name


def test_text_form_is_the_variable(store: AzureBlobDatastore) -> None:
    """A reference inside a longer argument expands in the run."""
    assert f"x={DataReference(store, 'mine')}" == "x=$AZUREML_DATAREFERENCE_mine"


def test_copies_change_the_mode_alone(store: AzureBlobDatastore) -> None:
    """as_download returns a copy with name and place kept."""
    reference = store.path("a", data_reference_name="mine")

    downloaded = reference.as_download("/here", overwrite=True)

    assert reference.mode == "mount"
    assert (downloaded.mode, downloaded.path_on_compute, downloaded.overwrite) == ("download", "/here", True)
    assert downloaded.name == "mine"
    assert downloaded.source == DataReferenceSource("store", "a")


def test_path_goes_below(store: AzureBlobDatastore) -> None:
    """path() of a reference is relative to it, and mounted whatever that one is, as in v1."""
    assert store.path("a").path("b/").source.path == "a/b/"
    assert store.path("a").as_download("x").path("b", "named").mode == "mount"


def test_path_to_nothing_is_the_reference_itself(store: AzureBlobDatastore) -> None:
    """path() without a path and a name keeps name and mode, as in v1."""
    reference = DataReference(store, "mine", "a", mode="download")

    assert reference.path() is reference
    assert reference.path("") is reference
    with pytest.raises(UserErrorException, match="path 5 is no text"):
        reference.path(5)


def test_a_copy_of_one_that_overwrites_does_so_too(store: AzureBlobDatastore) -> None:
    """as_download and as_upload keep `overwrite=True`, as in v1."""
    reference = DataReference(store, "mine", "a", overwrite=True)

    assert reference.as_download().overwrite
    assert reference.as_upload().overwrite


def test_a_reference_needs_a_datastore_and_text(store: AzureBlobDatastore) -> None:
    """None in the place of the datastore, and a path that is no text, are said at once."""
    with pytest.raises(UserErrorException, match="no datastore"):
        DataReference(None, "mine")
    with pytest.raises(UserErrorException, match="path_on_datastore 5 is no text"):
        DataReference(store, "mine", 5)


def test_other_mode_is_refused(store: AzureBlobDatastore) -> None:
    """Only mount, download and upload are modes."""
    with pytest.raises(UserErrorException, match="not one of"):
        DataReference(store, mode="direct")


def test_data_path_and_binding_make_a_reference(store: AzureBlobDatastore) -> None:
    """What a parameter is made of can be joined and taken apart again."""
    path = DataPath(store, "a/b")
    binding = DataPathComputeBinding("download", path_on_compute="x")

    reference = path.create_data_reference("r", binding)

    assert (reference.name, reference.mode, reference.path_on_compute) == ("r", "download", "x")
    assert DataPath.create_from_data_reference(reference).source == path.source
    assert DataPathComputeBinding.create_from_data_reference(reference) == binding


def test_what_v1_refuses_is_a_value_error(store: AzureBlobDatastore) -> None:
    """A data path without a datastore, and a reference without a data path or of another type, are ValueErrors."""
    with pytest.raises(ValueError, match="no datastore"):
        DataPath(path_on_datastore="a")
    with pytest.raises(ValueError, match="datapath="):
        DataReference.create("r")
    with pytest.raises(ValueError, match="no DataPathComputeBinding"):
        DataReference.create("r", DataPath(store, "a"), 5)
    with pytest.raises(ValueError, match="no DataReference"):
        DataPath.create_from_data_reference(None)
    with pytest.raises(ValueError, match="no DataReference"):
        DataPathComputeBinding.create_from_data_reference(5)


def test_binding_does_not_check_its_mode() -> None:
    """As in v1, the mode is looked at where the binding is used."""
    assert DataPathComputeBinding(mode="other").mode == "other"


def test_to_config_names_the_same_path(store: AzureBlobDatastore) -> None:
    """v1's `data_references = {name: reference.to_config()}` gives what run configurations hold."""
    reference = DataReference(store, "raw", "a/b", mode="download", path_on_compute="c")

    config = reference.to_config()

    assert (config.data_store_name, config.path_on_data_store) == ("store", "a/b")
    assert (config.mode, config.path_on_compute, config.overwrite) == ("download", "c", False)
