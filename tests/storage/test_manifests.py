"""The manifest of an output."""

import json

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.manifest_lines import open_manifest
from airflow_ml.storage.manifests import Manifest, ManifestFile, manifest_path, read_manifest

FILES = (ManifestFile("a b.txt", 1, "11"), ManifestFile("zażółć/c", 2, "22"))
MANIFEST = Manifest("run1", "model", "store", "azureml/run1/model", is_file=False, files=FILES)


def test_json_round_trip():
    """What is written is read back equal."""
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_version_1_is_still_read():
    """A manifest of before, with files as objects and without ETags, says what it said; its identity is its digest."""
    old = {**vars(MANIFEST), "version": 1}
    old["files"] = [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in FILES]

    manifest = Manifest.from_json(json.dumps(old, sort_keys=True, indent=1))

    assert (manifest.version, manifest.digest, manifest.identity) == (1, MANIFEST.digest, MANIFEST.digest)
    assert manifest.files == FILES


@pytest.mark.parametrize("layout", ["ours", "version 1", "reformatted", "without files"])
def test_a_manifest_is_read_file_by_file(store, layout):
    """Going through a manifest gives what reading it whole gives, in whatever layout it was written."""
    manifest = MANIFEST.with_files(()) if layout == "without files" else MANIFEST
    text = manifest.to_json()
    if layout == "reformatted":
        text = json.dumps(json.loads(text), indent=2)
    elif layout == "version 1":
        text = json.dumps({**vars(MANIFEST), "files": [vars(file) for file in FILES]}, indent=1)
    store.write("m.json", text.encode())

    with open_manifest(store, "m.json") as opened:
        assert opened.blank == MANIFEST.with_files(())
        assert tuple(opened.files) == manifest.files == Manifest.from_json(text).files


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_manifest_that_ends_in_the_middle_is_told(store, kept):
    """Lines that are missing at the end are noticed while it is gone through."""
    store.write("m.json", "".join(MANIFEST.to_json().splitlines(keepends=True)[:kept]).encode())

    with (
        pytest.raises(ServiceException, match=r"manifest 'm.json': cannot be read"),
        open_manifest(store, "m.json") as opened,
    ):
        list(opened.files)


def test_normalised_content_counts_for_the_identity_alone():
    """The identity takes a normaliser's words for content and size; the digest stays that of the bytes."""

    def manifest(*files):
        return MANIFEST.with_files(ManifestFile(*file) for file in files)

    one = manifest(("a", 1, "11", "", "n"), ("b", 2, "22"))
    other = manifest(("a", 9, "99", "", "n"), ("b", 2, "22"))

    assert one.identity == other.identity
    assert len({one.digest, one.identity, other.digest, manifest(("a", 1, "n"), ("b", 2, "22")).digest}) == 4
    assert manifest(("a", 1, "11", "", "n"), ("b", 2, "33")).identity != one.identity


def test_the_digest_is_that_of_the_files_alone():
    """The same files under another run, name, store and order have the same digest; it is pinned."""
    other = Manifest("run2", "other", "elsewhere", "x/y", is_file=False, files=FILES[::-1])

    assert other.digest == MANIFEST.digest
    assert MANIFEST.digest == "f10b1c13b28dc8ea80cf8fda374732afd9568c572192db9d8ab73f78ed1f813d"


@pytest.mark.parametrize("changed", [("b", 1, "11"), ("a b.txt", 2, "11"), ("a b.txt", 1, "12")])
def test_any_change_of_a_file_changes_the_digest(changed):
    """Path, size and content each count."""
    files = (ManifestFile(*changed), FILES[1])

    assert Manifest("r", "o", "d", "p", is_file=False, files=files).digest != MANIFEST.digest


def test_a_single_file_is_not_a_folder_with_one_file():
    """The file of a single-file output has the empty path, and so another digest than a folder's file."""
    single = Manifest("r", "o", "d", "p/model", is_file=True, files=(ManifestFile("", 1, "11"),))

    assert single.location(single.files[0]) == "p/model"
    assert single.digest != Manifest("r", "o", "d", "p", is_file=False, files=(ManifestFile("model", 1, "11"),)).digest


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "files": [{"x": 1}]}'])
def test_what_is_no_manifest_is_told(text):
    """Damaged text is an error of the store, not a traceback."""
    with pytest.raises(ServiceException, match="manifest: cannot be read"):
        Manifest.from_json(text)


def test_a_newer_version_asks_for_an_upgrade():
    """A manifest of a later release is not guessed at."""
    with pytest.raises(ServiceException, match="version 99, this release reads up to 2; upgrade"):
        Manifest.from_json(json.dumps({"version": 99}))


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_names_that_are_no_path_element_are_refused(name):
    """Neither run nor output can lead the manifest elsewhere."""
    with pytest.raises(UserErrorException, match="cannot be part of a path"):
        manifest_path("run", name)
    with pytest.raises(UserErrorException, match="cannot be part of a path"):
        manifest_path(name, "output")


def test_no_manifest_and_an_empty_one_are_no_output(store):
    """An empty manifest, left by a crash on a file system without links, counts as none."""
    assert read_manifest(store, "run1", "model") is None
    store.write(manifest_path("run1", "model"), b"")
    assert read_manifest(store, "run1", "model") is None
