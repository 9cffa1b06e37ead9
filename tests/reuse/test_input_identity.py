"""What data is compared by: content by default, definition where that was asked for."""

import os
import shutil
import tracemalloc
from dataclasses import replace
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import DataReferenceSource, DatasetSource, Graph, InputPort, ReusePolicy, Step, WorkspaceRef
from airflow_ml.reuse import listings
from airflow_ml.reuse.fingerprint import StepFacts
from airflow_ml.reuse.input_identity import InputIdentities
from airflow_ml.reuse.listings import listing_path, read_listing
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.protocol import FileInfo

GRAPH = Graph("p", WorkspaceRef("w"), ())
#: Files of a store that is not on this machine.
MANY = 50_000

REFERENCE = DataReferenceSource("blobs", "raw")


def dataset(*paths, **definition):
    """Return a dataset of paths on `blobs`, without a name."""
    sources = [{"datastore": "blobs", "path": path} for path in paths]
    return DatasetSource(definition={"kind": "file", "sources": sources, **definition})


@pytest.fixture
def identity(context):
    """Function that returns the identity of an input as it is now."""

    def find(source, *, rule="content", mode="mount", identities=None):
        identities = identities or InputIdentities(context)
        return identities.of(InputPort("raw", source, mode=mode), GRAPH, StepFacts(), rule)

    return find


@pytest.fixture
def value(identity):
    """Function that returns what counts of it."""
    return lambda source, **options: identity(source, **options).value


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

    note = identity(dataset("b", "a", steps=[{"op": "skip", "count": 0}])).note

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


@pytest.fixture
def web():
    """Serve answers with the headers that a test gives, and yield headers and address."""
    headers = {}

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            for name, text in headers.items():
                self.send_header(name, text)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield headers, f"http://127.0.0.1:{server.server_port}/folder/a.csv"
    server.shutdown()
    server.server_close()
    thread.join()


def of_web(address):
    """Return a dataset of a web address."""
    return DatasetSource(definition={"kind": "file", "sources": [{"url": address}]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ETag": '"1"', "Content-Length": "3"}, {"ETag": '"2"', "Content-Length": "3"}),
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"Last-Modified": "Mon, 06 Jul 2026 08:00:00 GMT"}, {"Last-Modified": "Mon, 06 Jul 2026 08:00:01 GMT"}),
        ({"Content-MD5": "A" * 22 + "=="}, {"Content-MD5": "B" * 21 + "A=="}),
    ],
)
def test_web_files(web, value, one, other):
    """A file of the web counts by what its server says, without being read."""
    headers, address = web
    found = []
    for answer in (one, other, one):
        headers.clear()
        headers.update(answer)
        found.append(value(of_web(address)))

    assert found[0] == found[2] != found[1]


def test_a_web_file_that_says_nothing(web, value):
    """A file whose server does not tell whether it changed cannot be compared, and the error says why."""
    with pytest.raises(UserErrorException, match=r"input 'raw': the server of 'http://127.*/a.csv' gives neither"):
        value(of_web(web[1]))


@pytest.mark.parametrize("rule", ["content", "definition"])
@pytest.mark.parametrize("mode", ["mount", "direct"])
def test_a_renewed_signature(context, web, identity, rule, mode):
    """A signature in an address counts nowhere and is recorded nowhere."""
    headers, address = web
    headers.update({"ETag": '"1"', "Content-Length": "3"})
    addresses = [f"{address}?sv=1&se={end}&sig=secret-{end}" for end in ("one", "two")]

    found = [identity(of_web(text), rule=rule, mode=mode) for text in addresses]

    assert found[0] == found[1]
    listing = found[0].note and list(read_listing(context, found[0].note["listing"]))
    assert not any(word in str((found, listing)) for word in ("secret", "sig="))


def test_other_parameters_of_an_address(web, value):
    """What else stands behind the question mark tells files apart."""
    sources = [of_web(f"{web[1]}?file={number}") for number in (1, 2)]

    assert value(sources[0], rule="definition") != value(sources[1], rule="definition")
    assert "file=" not in str(value(sources[0], rule="definition"))
