"""What data is compared by: content by default, definition where that was asked for."""

import os
import shutil
import tracemalloc
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import DataReferenceSource, DatasetSource, Graph, InputPort, ReusePolicy, Step, WorkspaceRef
from airflow_ml.reuse import listings
from airflow_ml.reuse.input_identity import InputIdentities
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.protocol import FileInfo

#: Files of a store that is not on this machine.
MANY = 50_000

REFERENCE = DataReferenceSource("blobs", "raw")


def dataset(*paths, **definition):
    """Return a dataset of paths on `blobs`, without a name."""
    sources = [{"datastore": "blobs", "path": path} for path in paths]
    return DatasetSource(definition={"kind": "file", "sources": sources, **definition})


@pytest.mark.parametrize("source", [REFERENCE, dataset("raw"), dataset("raw/*.csv"), dataset("raw/a.csv")])
class TestContent:
    """Data counts by its content, whatever names it."""

    def test_other_content(self, put, value, source):
        """Content that changed while size and time were kept is seen, by the time of change."""
        place = put("raw/a.csv", "one")
        before, status = value(source), place.stat()

        place.write_text("two")
        os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))

        assert place.stat().st_mtime_ns == status.st_mtime_ns
        assert value(source) != before

    def test_a_touch(self, put, value, source):
        """A time of change without a change does not count, nor does a copy in the place of a file."""
        place = put("raw/a.csv", "one")
        before = value(source)

        os.utime(place, (1, 1))
        shutil.copy(place, place.with_name("copy.tmp"))
        place.with_name("copy.tmp").replace(place)

        assert value(source) == before

    def test_another_name(self, put, value, source):
        """A file of another name is other data."""
        put("raw/a.csv", "one")
        put("raw/z.csv", "last")
        before = value(source)

        put("raw/a.csv").unlink()
        put("raw/b.csv", "one")

        if "path" in str(source) and "a.csv" in str(source):
            with pytest.raises(UserErrorException, match="is not there"):
                value(source)
        else:
            assert value(source) != before


def test_where_data_lies(put, value):
    """Equal files in another folder or datastore are equal data: a script sees no place of what it is given."""
    put("raw/a.csv", "one")
    put("moved/a.csv", "one", "other")

    assert value(REFERENCE) == value(DataReferenceSource("other", "moved"))
    moved = DatasetSource(definition={"kind": "file", "sources": [{"datastore": "other", "path": "moved"}]})
    assert value(dataset("raw")) == value(moved)


def test_where_data_of_a_direct_input_lies(put, value):
    """A script that gets a dataset of files itself may ask for their places: they count; a table's do not."""
    put("raw/a.csv", "one")
    put("moved/a.csv", "one")

    assert value(dataset("raw"), mode="direct") != value(dataset("moved"), mode="direct")

    raw, moved = (dataset(f"{folder}/a.csv", kind="tabular") for folder in ("raw", "moved"))
    assert value(raw, mode="direct") == value(moved, mode="direct")


def test_the_name_of_a_single_file(put, value):
    """A script that gets one file sees what it is called."""
    put("a.csv", "one")
    put("b.csv", "one")

    assert value(DataReferenceSource("blobs", "a.csv")) != value(DataReferenceSource("blobs", "b.csv"))
    assert value(dataset("a.csv")) != value(dataset("b.csv"))


def test_a_file_and_a_folder_of_it(put, value):
    """One file is something else than a folder that holds it: the script gets another path."""
    put("raw/a.csv", "one")

    assert value(DataReferenceSource("blobs", "raw/a.csv")) != value(REFERENCE)
    assert value(dataset("raw/a.csv")) != value(dataset("raw"))


def test_nothing_there(context, put, value):
    """A data reference may name nothing; an empty folder, and then a file in it, are something else."""
    nothing = value(REFERENCE)
    context.store("blobs").make_folder("raw")
    empty = value(REFERENCE)
    put("raw/a.csv")

    assert len({str(item) for item in (nothing, empty, value(REFERENCE))}) == 3


def test_a_dataset_without_data(value):
    """A dataset with nothing behind it is an error that names input and path."""
    with pytest.raises(UserErrorException, match="input 'raw': datastore 'blobs': path 'gone' is not there"):
        value(dataset("gone"))


def test_the_order_of_folders(put, value):
    """The order of a file dataset's folders does not count, unless it takes the first ones; that of a table's does."""
    put("a/1")
    put("b/2")

    for options, is_equal in (
        ({}, True),
        ({"steps": [{"op": "take", "count": 1}]}, False),
        ({"kind": "tabular"}, False),
    ):
        assert (value(dataset("a", "b", **options)) == value(dataset("b", "a", **options))) is is_equal


@pytest.mark.parametrize(
    "other",
    [
        {"parse": {"format": "delimited", "separator": ";"}},
        {"steps": [{"op": "take", "count": 9}]},
        {"partition_format": "{name}.csv"},
        {"timestamp": {"column": "t"}},
    ],
)
def test_how_data_is_read(put, value, other):
    """What a definition says besides its places counts."""
    put("raw/a.csv")
    table = {"kind": "tabular", "parse": {"format": "delimited", "separator": ","}}

    assert value(dataset("raw", **table)) != value(dataset("raw", **table | other))


def test_shown_paths(put, value):
    """A table with a column of paths shows where its files lie, so that counts."""
    put("raw/a.csv")
    put("moved/a.csv")
    for parse, is_equal in (({}, True), ({"include_path": True}, False)):
        one, other = (dataset(path, kind="tabular", parse=parse) for path in ("raw", "moved"))
        assert (value(one) == value(other)) is is_equal


def test_the_newest_version(context, put, value):
    """A dataset by name without a version is the newest one at this moment."""
    put("one/a")
    put("two/b")
    latest = DatasetSource(name="data")
    context.registry.datasets.register("data", dataset("one").definition)
    before = value(latest)

    context.registry.datasets.register("data", dataset("two").definition, create_new_version=True)

    assert value(latest) != before == value(DatasetSource(name="data", version="1"))


def test_saved_and_given_datasets(context, put, value):
    """A dataset by id, by name and by its definition is the same data."""
    put("raw/a")
    dataset_id = context.registry.datasets.save(dataset("raw").definition)
    context.registry.datasets.register("data", dataset("raw").definition)

    assert value(dataset("raw")) == value(DatasetSource(saved_id=dataset_id)) == value(DatasetSource(name="data"))


class TestDefinition:
    """v1's rule: a dataset counts by id and version, a reference by datastore and path."""

    @pytest.mark.parametrize("source", [REFERENCE, dataset("raw")])
    def test_other_content(self, put, value, source):
        """What lies behind a definition does not count, and need not be there."""
        before = value(source, rule="definition")
        put("raw/a.csv")

        assert value(source, rule="definition") == before

    def test_another_version(self, context, value):
        """Another version of a name counts; the newest is looked up now."""
        latest = DatasetSource(name="data")
        for number, path in enumerate(("one", "two")):
            context.registry.datasets.register("data", dataset(path).definition, create_new_version=bool(number))

        newest = value(latest, rule="definition")

        assert newest == value(DatasetSource(name="data", version="2"), rule="definition")
        assert newest != value(DatasetSource(name="data", version="1"), rule="definition")

    def test_another_place(self, value):
        """Another path counts, also with equal files."""
        assert value(dataset("one"), rule="definition") != value(dataset("two"), rule="definition")
        assert value(REFERENCE, rule="definition") != value(DataReferenceSource("blobs", "r"), rule="definition")


@pytest.mark.parametrize("where", ["step", "graph", "workspace"])
def test_who_chooses_the_rule(context, put, fingerprint, where):
    """Step, pipeline and workspace choose whether data counts by its content."""
    policy = ReusePolicy(inputs="definition")
    step = Step("s", "s", "python_script", inputs=(InputPort("raw", REFERENCE),))
    step = replace(step, reuse=policy) if where == "step" else step
    graph = Graph("p", WorkspaceRef("w"), (step,), reuse=policy if where == "graph" else ReusePolicy())
    if where == "workspace":
        context.registry.details.put({"reuse": {"inputs": "definition"}})
    before = fingerprint(step, graph).digest

    put("raw/a.csv")

    assert fingerprint(step, graph).digest == before


def test_a_file_that_cannot_be_read(context, put, identity, monkeypatch):
    """A file that is gone when its content is looked at is an error that names input and file."""
    place = put("raw/a.csv")
    monkeypatch.setattr(
        LocalStore, "list", lambda *_: iter([FileInfo("raw/a.csv", 1, "e", datetime.now(timezone.utc))])
    )
    place.unlink()

    with pytest.raises(UserErrorException, match=r"input 'raw': file '.*raw/a.csv' was deleted while"):
        identity(REFERENCE)


class Counting(LocalStore):
    """A local store that counts how often it is listed."""

    listings = 0

    def list(self, folder="", *, recursive=True):
        """Count, and list."""
        self.listings += 1
        return super().list(folder, recursive=recursive)


def test_one_look_for_many_steps(context, put, identity):
    """One decision looks at the same data once, the next one looks again."""
    put("raw/a.csv")
    counting = Counting(context.store("blobs").root)
    identities = InputIdentities(replace(context, store=lambda _: counting))

    for source in [REFERENCE, dataset("raw"), dataset("raw")] * 3:
        identity(source, identities=identities)

    assert counting.listings == 2


class ManyBlobs(LocalStore):
    """A store of very many blobs that are not on this machine."""

    def list(self, folder="", *, recursive=True):
        """Yield them one by one."""
        now = datetime.now(timezone.utc)
        for number in range(MANY):
            yield FileInfo(f"raw/{number:09d}", 1, "etag", now, f"md5:{number:032x}")

    def is_folder(self, path):
        """Say that every path is a folder."""
        return True

    def local_path(self, path):
        """Say that nothing is on this machine."""
        return


def test_very_many_files(context, identity, tmp_path, monkeypatch):
    """Memory does not grow with the number of files, and a very long list is not kept."""
    monkeypatch.setattr(listings, "MOST_FILES", MANY - 1)
    blobs = ManyBlobs(tmp_path)
    identities = InputIdentities(replace(context, store=lambda _: blobs))
    tracemalloc.start()
    try:
        note = identity(dataset("raw"), identities=identities).note
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (note["files"], note["bytes"], note["listing"]) == (MANY, MANY, None)
    assert peak < 12 << 20  # a list of them would take 25 MB
