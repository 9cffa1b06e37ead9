import datetime

import pytest

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.runtime.frames import partition_keys, read_frame


@pytest.fixture
def read(tmp_path):
    """Read texts, given by path in the dataset, under parse settings and other parts of a definition."""

    def read(texts, parse=None, strict=False, encoding="utf8", **parts):
        files = []
        for number, (path, text) in enumerate(texts.items()):
            local = tmp_path / f"{number}.txt"
            local.write_bytes(text.encode(encoding))
            files.append((str(local), path))
        definition = {"kind": "tabular", "sources": [], "parse": {"format": "delimited", **(parse or {})}, **parts}
        return read_frame(definition, files, strict=strict)

    return read


def columns(frame):
    """Return a frame as plain lists."""
    return frame.to_dict("list")


def test_types_are_inferred(read):
    """Each column gets the type that all its values have."""
    frame = read({"a.csv": "l,f,b,d,s,e\n1,1.5,true,2020-01-02,x,\n-2,2,False,2020-01-03 04:05:06,7a,\n"})

    assert [kind.kind for kind in frame.dtypes][:4] == ["i", "f", "b", "M"]
    assert frame["s"].tolist() == ["x", "7a"]
    assert frame["e"].isna().all()


def test_first_200_rows_decide(read):
    """A value behind the 200th row that is not of the column's type becomes null, or an error where asked."""
    text = "n\n" + "1\n" * 200 + "x\n"

    assert read({"a": text})["n"].isna().sum() == 1
    with pytest.raises(UserErrorException, match=r"column 'n': 'x' is no long"):
        read({"a": text}, strict=True)


def test_without_inference(read):
    """Without inference every value is text, and empty is null."""
    assert read({"a": "n,m\n007,\n"}, {"infer_column_types": False})["n"].tolist() == ["007"]


def test_empty_as_string(read):
    """Empty text is null unless the definition keeps it."""
    assert read({"a": "s,t\nx,1\n,2\n"})["s"].isna().tolist() == [False, True]
    assert read({"a": "s,t\nx,1\n,2\n"}, {"empty_as_string": True})["s"].tolist() == ["x", ""]


def test_set_types(read):
    """Set types win over inferred ones: leading zeros, formats of dates, decimal commas."""
    types = {
        "zip": {"type": "string"},
        "day": {"type": "datetime", "formats": ["%d.%m.%Y", "%Y/%m/%d"]},
        "price": {"type": "float", "decimal_mark": ","},
        "flag": {"type": "bool"},
        "n": {"type": "long"},
    }
    frame = read(
        {"a": "zip;day;price;flag;n\n007;31.12.2020;1.234,5;1;1\n008;2021/01/01;2,5;0;\n"},
        {"separator": ";", "set_column_types": types},
    )

    assert frame["zip"].tolist() == ["007", "008"]
    assert frame["day"].dt.date.tolist() == [datetime.date(2020, 12, 31), datetime.date(2021, 1, 1)]
    assert frame["price"].tolist() == [1234.5, 2.5]
    assert frame["flag"].tolist() == [True, False]
    assert frame["n"].isna().tolist() == [False, True]


def test_set_type_of_no_column(read):
    """A type for a column that is not there is an error that lists the columns."""
    with pytest.raises(UserErrorException, match=r"no columns \['b'\] in the data; it has \['a'\]"):
        read({"x": "a\n1\n"}, {"set_column_types": {"b": {"type": "long"}}})


@pytest.mark.parametrize(
    ("header", "texts", "expected"),
    [
        ("all_same", ["x,y\n1,2\n", "x,y\n3,4\n"], {"x": [1, 3], "y": [2, 4]}),
        ("all_same", ["x,y\n1,2\n", "y,x\n3,4\n"], {"x": [1, 4], "y": [2, 3]}),
        ("first", ["x,y\n1,2\n", "3,4\n"], {"x": [1, 3], "y": [2, 4]}),
        ("none", ["1,2\n", "3,4\n"], {"Column1": [1, 3], "Column2": [2, 4]}),
        ("combine", ["x\n1\n", "x,y\n3,a\n"], {"x": [1, 3], "y": [None, "a"]}),
        ("all_same", ["x,y\n1,2\n", ""], {"x": [1], "y": [2]}),
        ("all_same", ["1,2\n3,4\n", "5,6\n7,8\n"], {"1": [3, 7], "2": [4, 8]}),
        ("all_same", ["x,x,,x\n1,2,3,4\n"], {"x": [1], "x_1": [2], "Column3": [3], "x_2": [4]}),
    ],
)
def test_headers(read, header, texts, expected):
    """Each header mode takes names from where it says."""
    frame = read({str(number): text for number, text in enumerate(texts)}, {"header": header})

    assert columns(frame.astype(object).where(frame.notna(), None)) == expected


def test_files_of_another_width(read):
    """A file with more or fewer columns than the first is an error that names the file and the way out."""
    with pytest.raises(UserErrorException, match=r"file '2.csv': .* 2 columns \(\['x', 'z'\] .*COMBINE"):
        read({"1.csv": "x\n1\n", "2.csv": "x,z\n1,2\n"})


def test_row_longer_than_the_header(read):
    """A row with more values than columns is an error, never cut."""
    with pytest.raises(UserErrorException, match=r"file 'a.csv': not as the dataset says"):
        read({"a.csv": "x,y\n1,2,3\n"})


@pytest.mark.parametrize("name", ["utf8", "utf16", "latin1", "windows1252", "utf8bom"])
def test_encodings(read, name):
    """Files are read in the encoding that the definition names, byte order mark or not."""
    encoding = {"utf8bom": "utf-8-sig", "windows1252": "cp1252"}.get(name, name)

    assert columns(read({"a": "näme\nü\n"}, {"encoding": name}, encoding=encoding)) == {"näme": ["ü"]}


def test_unknown_encoding(read):
    """An unknown encoding is an error that lists the known ones."""
    with pytest.raises(UserErrorException, match="encoding 'klingon': expected one of"):
        read({"a": "x\n1\n"}, {"encoding": "klingon"})


def test_separators(read):
    """A separator may be a tab, of several characters, and what is special in patterns."""
    assert columns(read({"a": "x\ty\n1\t2\n"}, {"separator": "\t"})) == {"x": [1], "y": [2]}
    assert columns(read({"a": "x||y\n1||2\n"}, {"separator": "||"})) == {"x": [1], "y": [2]}


def test_json_lines(read):
    """Lines are objects; a bad line is an error with its number, or dropped where asked."""
    text = '{"x": 1, "s": "007"}\n\n{"x": 2}\nnonsense\n'

    frame = read({"a": text}, {"format": "json_lines", "invalid_lines": "drop"})
    assert (frame["x"].tolist(), frame["s"].tolist()[0]) == ([1, 2], "007")
    with pytest.raises(UserErrorException, match=r"file 'a': .*line 4"):
        read({"a": text}, {"format": "json_lines"})


def test_parquet(tmp_path):
    """Parquet files keep their types."""
    pytest.importorskip("pyarrow")
    import pandas

    pandas.DataFrame({"x": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    definition = {"kind": "tabular", "sources": [], "parse": {"format": "parquet"}}

    assert columns(read_frame(definition, [(str(tmp_path / "a.parquet"), "a.parquet")])) == {"x": [1, 2]}


def test_paths_and_partitions(read):
    """The path comes first, columns of the partition format last, each with its file's values."""
    frame = read(
        {"t/eu/2020/01/a.csv": "x\n1\n2\n", "t/us/2021/12/a.csv": "x\n3\n"},
        {"include_path": True},
        partition_format="{region}/{day:yyyy/MM}/a.csv",
    )

    assert list(frame.columns) == ["Path", "x", "region", "day"]
    assert frame["Path"].tolist() == ["/t/eu/2020/01/a.csv"] * 2 + ["/t/us/2021/12/a.csv"]
    assert frame["region"].tolist() == ["eu", "eu", "us"]
    assert frame["day"].dt.date.tolist() == [datetime.date(2020, 1, 1)] * 2 + [datetime.date(2021, 12, 1)]


@pytest.mark.parametrize("text", ["/t/{a}/{b}.csv", "{a}/{b}.csv", "t/{a}/{b}.*"])
def test_partition_formats(read, text):
    """A format may begin with a slash or literal text, and take a part of the file's name."""
    frame = read({"t/eu/x1.csv": "n\n1\n"}, partition_format=text)

    assert columns(frame[["a", "b"]]) == {"a": ["eu"], "b": ["x1"]}
    assert partition_keys({"partition_format": text}) == ["a", "b"]


@pytest.mark.parametrize("path", ["2020/01/a.csv", "raw/2020/01/a.csv", "weather/raw/2020/01/a.csv"])
def test_folders_above_the_dataset_may_stand_in_the_format(read, path):
    """A format that begins with the folders of the datastore fits files whose paths begin below them, as in v1."""
    frame = read({path: "n\n1\n"}, partition_format="weather/raw/{month:yyyy/MM}/a.csv")

    assert frame["month"].dt.date.tolist() == [datetime.date(2020, 1, 1)]


@pytest.mark.parametrize("path", ["other/2020/01/a.csv", "weather/2020/01/a.csv"])
def test_other_folders_do_not_fit_the_format(read, path):
    """Folders that stand in the format and are others in the path do not fit."""
    with pytest.raises(UserErrorException, match="does not fit the partition format"):
        read({path: "n\n1\n"}, partition_format="weather/raw/{month:yyyy/MM}/a.csv")


def test_path_that_does_not_fit(read):
    """A file outside the partition format is an error that names both."""
    with pytest.raises(UserErrorException, match=r"file 'a.csv': does not fit the partition format '\{x\}/b.csv'"):
        read({"a.csv": "n\n1\n"}, partition_format="{x}/b.csv")


def test_steps_in_order(read):
    """Steps are applied in their order."""
    steps = [{"op": "skip", "count": 2}, {"op": "take", "count": 3}, {"op": "drop_columns", "columns": ["y"]}]

    frame = read({"a": "x,y\n" + "".join(f"{n},z\n" for n in range(9))}, steps=steps)

    assert columns(frame) == {"x": [2, 3, 4]}


def test_split_is_deterministic(read):
    """The two parts of a split are the same every time, share no row and miss none."""
    text = "x\n" + "".join(f"{n}\n" for n in range(100))
    step = {"op": "split", "percentage": 0.7, "seed": 5}

    one, two = (read({"a": text}, steps=[{**step, "part": part}])["x"].tolist() for part in (0, 1))

    assert sorted(one + two) == list(range(100))
    assert 60 <= len(one) <= 80
    assert one == read({"a": text}, steps=[{**step, "part": 0}])["x"].tolist()


def test_missing_column(read):
    """Keeping a column that is not there is an error that lists those that are."""
    with pytest.raises(UserErrorException, match=r"keep_columns: no columns \['z'\] in the data, which has \['x'\]"):
        read({"a": "x\n1\n"}, steps=[{"op": "keep_columns", "columns": ["z"]}])


def test_take_reads_enough_for_types(read):
    """Taking a few rows does not change the types that 200 rows tell, and does not read further files."""
    first = "n\n" + "1\n" * 150 + "x\n" * 100

    frame = read({"a": first, "b": "other\n1\n"}, steps=[{"op": "take", "count": 2}])

    assert frame["n"].tolist() == ["1", "1"]


def test_no_files():
    """A table without files is an error."""
    with pytest.raises(DatasetNotFoundError, match="no files to read"):
        read_frame({"kind": "tabular", "sources": []}, [])


def test_texts_stay_what_they_are_in_every_file(read):
    """Where a column is text by its first rows, a later file that holds numbers alone there is not read as numbers."""
    first = "s,n,t\n" + "x,1,True\n" * 200
    frame = read({"a.csv": first, "b.csv": "s,n,t\n007,2,\n1.50,,no\n", "c.csv": "s,n,t\ntrue,3,false\n"}).iloc[199:]

    assert frame["s"].tolist() == ["x", "007", "1.50", "true"]
    assert frame["n"].fillna(0).tolist() == [1, 2, 0, 3]
    assert frame["t"].fillna("null").tolist() == [True, "null", "null", False]


def test_numbers_with_texts_among_them_lose_only_these(read):
    """A column of numbers keeps the others' exact values where one of them is none."""
    text = "n,big\n" + "1,9007199254740993\n" * 300 + "x,1\n"

    frame = read({"a.csv": text})

    assert (frame["n"].isna().sum(), frame["n"].sum()) == (1, 300)
    assert frame["big"].tolist()[0] == 9007199254740993


def test_skip_and_take_read_the_head_alone(tmp_path):
    """Steps that begin with rows to skip and to take are read as far as they reach."""
    local = tmp_path / "a.csv"
    local.write_text("n\n" + "".join(f"{number}\n" for number in range(5_000)) + 'broken"\n1,2,3\n')
    steps = [{"op": "keep_columns", "columns": ["n"]}, {"op": "skip", "count": 3}, {"op": "take", "count": 2}]

    frame = read_frame({"kind": "tabular", "parse": {}, "steps": steps}, [(str(local), "a.csv")])

    assert frame["n"].tolist() == [3, 4]
