"""Inputs where a step finds them."""

import pytest

from airflow_ml.exceptions import DatasetNotFoundError
from airflow_ml.storage.staging import stage_input

FILES = {"in/a.txt": "1", "in/sub dir/b%20.txt": "2", "in/.hidden": "3", "other": "4"}


@pytest.fixture(params=["mount", "download"])
def stage(request, store, cache, tmp_path, fill):
    """Function that stages a path of a filled store in one of the two modes."""
    fill(store, FILES)

    def run(path, **options):
        return stage_input(store, path, tmp_path / "inputs/x", request.param, cache=cache, datastore="blobs", **options)

    run.mode = request.param
    return run


def texts(root):
    """Return the texts below a folder by relative path."""
    return {place.relative_to(root).as_posix(): place.read_text() for place in root.rglob("*") if place.is_file()}


def test_a_folder_becomes_the_target(stage, tmp_path):
    """The script gets the target, with the files at their paths below the folder."""
    assert stage("in/") == tmp_path / "inputs/x"
    assert texts(tmp_path / "inputs/x") == {"a.txt": "1", "sub dir/b%20.txt": "2", ".hidden": "3"}


def test_a_single_file_keeps_its_name(stage, tmp_path):
    """The script gets the file's own path, with the name that tells its type."""
    assert stage("in/a.txt") == tmp_path / "inputs/x/a.txt"
    assert texts(tmp_path / "inputs/x") == {"a.txt": "1"}


def test_the_whole_store_can_be_staged(stage, tmp_path):
    """The empty path is the root."""
    stage("")
    assert texts(tmp_path / "inputs/x") == FILES


def test_files_of_a_manifest_are_staged_alone(stage, tmp_path):
    """Old files of a folder that was written over are not part of the input."""
    stage("in", files=["a.txt"])
    assert texts(tmp_path / "inputs/x") == {"a.txt": "1"}


def test_a_single_file_of_a_manifest(stage, tmp_path):
    """The empty relative path is the output that is one file; no files is an empty folder."""
    assert stage("in/a.txt", files=[""]) == tmp_path / "inputs/x/a.txt"
    assert stage("gone", files=[]) == tmp_path / "inputs/x"


def test_a_missing_file_of_a_manifest_is_told(stage):
    """What a manifest lists must be there."""
    with pytest.raises(DatasetNotFoundError, match=r"datastore 'blobs': 1 of 2 files are not there, .*'in/gone'"):
        stage("in", files=["a.txt", "gone"])


def test_a_missing_path_names_datastore_and_path(stage):
    """Nothing there is an error, in the words of the dataset."""
    with pytest.raises(DatasetNotFoundError, match="datastore 'blobs': path 'nothing' is not there"):
        stage("nothing")


def test_a_data_reference_may_point_to_nothing(stage, tmp_path):
    """With `allow_missing` the place is there, and empty (v1's mount)."""
    assert stage("nothing", allow_missing=True) == tmp_path / "inputs/x"
    assert list((tmp_path / "inputs/x").iterdir()) == []


def test_the_store_cannot_be_changed_through_an_input(stage, store, tmp_path):
    """Whatever a script does to its input, even as root, the store keeps its bytes."""
    place = stage("in/a.txt")
    place.chmod(0o644)
    place.write_text("changed")

    assert (store.root / "in/a.txt").read_text() == "1"


def test_only_downloads_can_be_written(stage):
    """A mount is read-only, a download belongs to the script."""
    assert bool(stage("in/a.txt").stat().st_mode & 0o200) == (stage.mode == "download")


def test_staging_twice_is_staging_once(stage, tmp_path):
    """A second try over what a cut one left gives the same tree."""
    stage("in")
    stage("in")
    assert len(texts(tmp_path / "inputs/x")) == 3
