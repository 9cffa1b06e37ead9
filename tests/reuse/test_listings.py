"""Lists of the files behind inputs, which explanations look into."""

import shutil

from airflow_ml.graph import DataReferenceSource, DatasetSource
from airflow_ml.reuse.input_identity import InputIdentities
from airflow_ml.reuse.listings import listing_path, read_listing

REFERENCE = DataReferenceSource("blobs", "raw")


def test_the_list_of_files(context, put, identity):
    """A note tells number and size, and where the list of files is that was kept for explanations."""
    put("raw/a.csv", "one")
    put("raw/sub/b.csv", "three")

    note = identity(REFERENCE).note

    assert (note["files"], note["bytes"]) == (2, 8)
    listed = list(read_listing(context, note["listing"]))
    assert [(file.path, file.size, file.digest[:3]) for file in listed] == [
        ("a.csv", 3, "b3:"),
        ("sub/b.csv", 5, "b3:"),
    ]
    assert not context.artifacts.exists(listing_path(note["listing"]))


def test_the_list_of_a_recorded_result(context, put, identity):
    """With a result the list goes to the workspace, where other machines find it."""
    put("raw/a.csv", "one")

    note = identity(REFERENCE, identities=InputIdentities(context, keep_listings=True)).note
    shutil.rmtree(context.home.cache)

    assert [file.path for file in read_listing(context, note["listing"])] == ["a.csv"]


def test_the_list_of_several_folders(context, put, identity):
    """A list is in the order of its paths, whatever the order of the sources."""
    put("b/1")
    put("a/2")

    sources = [{"datastore": "blobs", "path": path} for path in ("b", "a")]
    steps = [{"op": "skip", "count": 0}]
    note = identity(DatasetSource(definition={"kind": "file", "sources": sources, "steps": steps})).note

    assert [file.path for file in read_listing(context, note["listing"])] == ["/a/2", "/b/1"]


def test_a_list_that_is_gone(context):
    """A list that is not there is None: an explanation gets shorter."""
    assert read_listing(context, "0" * 64) is None


def test_a_full_disk_for_lists(context, put, identity):
    """A list that cannot be written costs the explanation, not the decision."""
    put("raw/a.csv")
    context.home.cache.parent.mkdir(parents=True, exist_ok=True)
    context.home.cache.write_text("in the way")

    assert identity(REFERENCE).note["listing"] is None
