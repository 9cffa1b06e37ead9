"""Frames read where the stores are."""

import io
import threading

import pytest

from airflow_ml.exceptions import DatasetExecutionError
from airflow_ml.storage.azure.range_reader import open_ranges
from airflow_ml.storage.frames import read_frame
from airflow_ml.storage.heads import stage_heads

pandas = pytest.importorskip("pandas")


def test_a_folder_of_tables_is_one_frame(store, cache, fill):
    """The files are read where they lie; nothing is copied."""
    fill(store, {"t/1.csv": "a,b\n1,x\n", "t/2.csv": "a,b\n2,y\n"})
    sources = [{"datastore": "s", "path": "t/*.csv"}]
    definition = {"kind": "tabular", "sources": sources, "parse": {"format": "delimited"}}

    frame = read_frame(definition, lambda name: store, cache=cache)

    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert not cache.exists()


class Remote:
    """A store whose files are elsewhere; counts the bytes that are fetched."""

    def __init__(self, store):
        self._store = store
        self.fetched = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def local_path(self, path):
        """Return None: nothing lies on this machine."""

    def read_range(self, path, start, length, *, etag):
        """Return bytes of a file."""
        with self._store.open_read(path) as stream:
            stream.seek(start)
            content = stream.read(length)
        self.fetched += len(content)
        return content

    def open_read(self, path):
        """Open a file in ranges."""
        info = self._store.stat(path)
        return open_ranges(lambda start, length, etag: (self.read_range(path, start, length, etag=etag), info))


LINE = {"delimited": "{n},text of row {n}\n", "json_lines": '{{"n": {n}, "s": "text of row {n}"}}\n'}


def big_file(store, kind, rows=1_000_000):
    """Write a table of one format."""
    if kind == "parquet":
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"n": range(rows), "s": [f"text of row {n}" for n in range(rows)]})
        target = io.BytesIO()
        frame.to_parquet(target, row_group_size=rows, compression=None)
        return store.write("big", target.getvalue())
    head = "n,s\n" if kind == "delimited" else ""
    return store.write("big", (head + "".join(LINE[kind].format(n=number) for number in range(rows))).encode())


@pytest.mark.parametrize("kind", ["delimited", "json_lines", "parquet"])
def test_ten_rows_of_a_big_file_cost_their_ranges(store, cache, kind):
    """`take(10)` fetches the beginning of a file, of parquet its end too, and nothing into the cache."""
    remote, info = Remote(store), big_file(store, kind)
    steps = [{"op": "take", "count": 10}]
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": "big"}], "parse": {"format": kind}}

    frame = read_frame({**definition, "steps": steps}, lambda name: remote, cache=cache)

    assert (frame["n"].tolist(), frame["s"].tolist()[9]) == ([*range(10)], "text of row 9")
    assert remote.fetched < 8 << 20 < info.size
    assert not cache.exists()


def test_whole_tables_come_through_the_cache_once(store, cache, fill):
    """All files arrive, in order; the second reading fetches none of them, but the rows that tell the types."""
    remote = Remote(store)
    fill(store, {f"t/{number:02}.csv": f"n\n{number}\n" for number in range(20)})
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": "t/"}], "parse": {"format": "delimited"}}

    fetched = []
    for _ in range(2):
        assert read_frame(definition, lambda name: remote, cache=cache)["n"].tolist() == [*range(20)]
        fetched.append(remote.fetched)

    head = fetched[1] - fetched[0]
    assert fetched[0] - head == sum(info.size for info in store.list("t"))
    assert head <= sum(info.size for info in store.list("t"))


def test_a_file_that_cannot_be_read_ends_the_others(store, cache, fill):
    """When one file is not as the definition says, reading fails, and no thread is left that fetches."""
    fill(store, {"t/0.csv": "a\n1\n", "t/1.csv": 'a\n"never ends', **{f"t/{n}.csv": "a\n1\n" for n in range(2, 9)}})
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": "t/"}], "parse": {"format": "delimited"}}

    with pytest.raises(DatasetExecutionError, match=r"file '/?t/1\.csv'|file '/1\.csv'"):
        read_frame(definition, lambda name: Remote(store), cache=cache)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("arriving")]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.BZ2", "t.csv.xz", "t.zip"])
@pytest.mark.parametrize("steps", [[], [{"op": "take", "count": 1}]], ids=["whole", "one row"])
def test_packed_tables_are_unpacked_wherever_they_lie(store, cache, tmp_path, name, steps):
    """What a name's end says holds for files of other machines as for those of this one."""
    place = tmp_path / name
    pandas.DataFrame({"a": [1, 2], "b": ["x", "ü"]}).to_csv(place, index=False)
    store.write(name, place)
    sources = [{"datastore": "s", "path": name}]
    definition = {"kind": "tabular", "sources": sources, "parse": {"format": "delimited"}, "steps": steps}

    frames = [read_frame(definition, lambda _, where=where: where, cache=cache) for where in (store, Remote(store))]

    expected = {"a": [1], "b": ["x"]} if steps else {"a": [1, 2], "b": ["x", "ü"]}
    assert [frame.to_dict("list") for frame in frames] == [expected, expected]
    assert stage_heads(definition, lambda _: store, tmp_path / "heads") is None


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.zip"])
def test_a_table_that_is_not_packed_as_its_name_says_is_an_error(store, cache, fill, name):
    """Its text says what the name makes of the file."""
    fill(store, {name: "a,b\n1,x\n"})
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": name}], "parse": {"format": "delimited"}}

    with pytest.raises(DatasetExecutionError, match=f"{name}.*cannot be unpacked"):
        read_frame(definition, lambda _: store, cache=cache)
