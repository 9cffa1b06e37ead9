"""From a definition to files."""

import re

import pytest
from servers.web import KnownStores

from airflow_ml.exceptions import DatasetNotFoundError, NotSupportedError, UserErrorException
from airflow_ml.storage.datasets import resolve, stage_dataset
from airflow_ml.storage.local import LocalStore

FILES = ["img/a/1.png", "img/a/2.png", "img/b/3.png", "img/notes.txt", "table.csv", "part.0/x.parquet"]


@pytest.fixture
def stores(tmp_path, fill):
    """Function from name to store, for two stores with files."""
    known = {name: LocalStore(tmp_path / name) for name in ("one", "two")}
    for store in known.values():
        fill(store, {path: path for path in FILES})
    return KnownStores(known)


def define(*sources, kind="file", **more):
    """Return a definition over `store:path` texts and addresses."""
    split = [
        {"url": source} if "//" in source else dict(zip(("datastore", "path"), source.split(":"), strict=True))
        for source in sources
    ]
    return {"kind": kind, "sources": split, **more}


def relative(definition, stores):
    """Return the paths inside the dataset."""
    return [file.relative_path for file in resolve(definition, stores).files]


@pytest.mark.parametrize(
    ("sources", "paths"),
    [
        (["one:img/"], ["/a/1.png", "/a/2.png", "/b/3.png", "/notes.txt"]),
        (["one:img"], ["/a/1.png", "/a/2.png", "/b/3.png", "/notes.txt"]),
        (["one:table.csv"], ["/table.csv"]),
        (["one:img/**/*.png"], ["/a/1.png", "/a/2.png", "/b/3.png"]),
        (["one:img/*.txt"], ["/notes.txt"]),
        (["one:img/a/1.png", "one:img/b/"], ["/a/1.png", "/b/3.png"]),
        (["one:img/a", "one:img/a/*"], ["/1.png", "/2.png"]),
        (["one:table.csv", "two:img/b"], ["/one/table.csv", "/two/img/b/3.png"]),
        (["one:img/b", "one:table.csv"], ["/img/b/3.png", "/table.csv"]),
    ],
)
def test_paths_inside_a_dataset(stores, sources, paths):
    """They begin with a slash and are relative to the deepest folder that holds all sources; no file comes twice."""
    assert relative(define(*sources), stores) == paths


def test_only_one_file_without_a_pattern_is_a_single_file(stores):
    """A pattern or folder with one match is a folder all the same (v1)."""
    single = [resolve(define(source), stores).is_single_file for source in ("one:table.csv", "one:table*", "one:img/b")]

    assert single == [True, False, False]


@pytest.mark.parametrize("source", ["one:nothing", "one:nothing/", "one:no*", "one:table.csv/"])
def test_a_source_with_nothing_behind_it_names_datastore_and_path(stores, source):
    """Missing data is told with both names."""
    with pytest.raises(DatasetNotFoundError, match="datastore 'one': .*" + re.escape(repr(source[4:]))):
        resolve(define(source), stores)


def test_a_declared_file_must_be_one(stores):
    """`is_file` over a folder is an error."""
    with pytest.raises(DatasetNotFoundError, match="is declared as a file"):
        resolve(define("one:img", is_file=True), stores)


def test_take_and_skip(stores):
    """Steps work on the files in their order, one after the other."""
    steps = [{"op": "skip", "count": 1}, {"op": "take", "count": 2}]

    assert relative(define("one:img", steps=steps), stores) == ["/a/2.png", "/b/3.png"]


def test_a_split_parts_the_files_and_does_so_again(stores, fill):
    """The two parts share nothing, miss nothing, have about the asked size, and are the same every time."""
    fill(stores("one"), {f"many/{number:03}": "" for number in range(400)})
    parts = [
        relative(define("one:many", steps=[{"op": "split", "percentage": 0.25, "seed": 3, "part": part}]), stores)
        for part in (0, 1, 0)
    ]

    assert parts[0] == parts[2]
    assert sorted(parts[0] + parts[1]) == relative(define("one:many"), stores)
    assert 70 < len(parts[0]) < 130


def test_a_sample_depends_on_seed_and_path_alone(stores, fill):
    """Another file in the folder changes no other file's fate; another seed does."""
    fill(stores("one"), {f"many/{number:03}": "" for number in range(200)})

    def sample(seed):
        return relative(define("one:many", steps=[{"op": "sample", "probability": 0.5, "seed": seed}]), stores)

    before = sample(1)
    stores("one").write("many/0000", b"")

    assert [path for path in sample(1) if path != "/0000"] == before
    assert sample(2) != sample(1)


def test_column_steps_need_a_table(stores):
    """A file dataset says so instead of ignoring the step."""
    with pytest.raises(UserErrorException, match="step 'keep_columns' needs a table"):
        resolve(define("one:img", steps=[{"op": "keep_columns", "columns": ["a"]}]), stores)


def test_a_tables_row_steps_do_not_drop_files(stores):
    """`take(1)` of a table is a row, not a file."""
    steps = [{"op": "take", "count": 1}]

    assert len(relative(define("one:img", kind="tabular", steps=steps), stores)) == 4


def test_a_table_takes_files_of_its_extension_alone(stores):
    """`file_extension` filters folders; "" means .csv, or .tsv with a tab; a single file is taken as it is."""
    by = {"file_extension": ".txt"}

    assert relative(define("one:img", kind="tabular", parse=by), stores) == ["/notes.txt"]
    assert relative(define("one:", kind="tabular", parse={"file_extension": ""}), stores) == ["/table.csv"]
    assert relative(define("one:table.csv", kind="tabular", parse=by), stores) == ["/table.csv"]


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_a_staged_dataset_has_the_paths_of_the_dataset(stores, tmp_path, cache, mode):
    """Files lie below the target at their paths inside the dataset; a single file's path is the file."""
    folder = stage_dataset(define("one:img"), stores, tmp_path / "x", mode, cache)
    single = stage_dataset(define("one:table.csv"), stores, tmp_path / "y", mode, cache)

    assert (folder.path, folder.is_single_file) == (tmp_path / "x", False)
    assert (tmp_path / "x" / folder.files[0]).read_text() == "img/a/1.png"
    assert (single.path, single.files) == (tmp_path / "y/table.csv", ("table.csv",))


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "http://host/folder/", "https://host/*.csv"])
def test_addresses_that_cannot_be_read_are_refused(stores, url):
    """Other schemes, folders and patterns say why; nothing is opened."""
    with pytest.raises(NotSupportedError, match=r"scheme|no listing"):
        resolve(define(url), stores)
