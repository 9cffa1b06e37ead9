"""What datasets can do, on a local folder and in a blob container alike."""

from __future__ import annotations

import uuid
from pathlib import Path

import pandas
import pytest
from pandas import Timestamp

from airflow_ml.core import Dataset
from airflow_ml.data.dataset_factory import DataType
from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_ml.exceptions import DatasetNotFoundError


@pytest.fixture(params=["local", pytest.param("blob", marks=pytest.mark.azurite)])
def store(request, workspace):
    """The default datastore: a folder of this machine, or a container."""
    if request.param == "local":
        yield workspace.get_default_datastore()
        return
    with request.getfixturevalue("azurite").default_datastore(workspace) as datastore:
        yield datastore


@pytest.fixture
def put(store, tmp_path):
    """Upload texts, given by path."""

    def put(files: dict[str, str | bytes]) -> None:
        folder = tmp_path / uuid.uuid4().hex
        for path, text in files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text if isinstance(text, bytes) else text.encode())
        store.upload(str(folder), show_progress=False)

    return put


def lists(dataset):
    """Return a table as plain lists."""
    return dataset.to_pandas_dataframe().to_dict("list")


def test_files_by_path_pattern_list_and_folder(store, put, tmp_path):
    """Each way to name files finds the same ones, and they can be read in each way."""
    put({"in/a.csv": "1", "in/sub dir/b + %20.csv": "22", "in/c.txt": "3", "else/d.csv": "4"})
    folder = Dataset.File.from_files((store, "in"))

    assert folder.to_path() == ["/a.csv", "/c.txt", "/sub dir/b + %20.csv"]
    assert Dataset.File.from_files((store, "in/**/*.csv")).to_path() == ["/a.csv", "/sub dir/b + %20.csv"]
    assert Dataset.File.from_files((store, "in/*.csv")).to_path() == ["/a.csv"]
    both = Dataset.File.from_files([(store, "in/a.csv"), (store, "else/d.csv")])
    assert both.to_path() == ["/in/a.csv", "/else/d.csv"]
    assert [path[len(str(tmp_path)) :] for path in folder.download(str(tmp_path / "got"))] == [
        "/got/a.csv",
        "/got/c.txt",
        "/got/sub dir/b + %20.csv",
    ]
    with folder.mount() as mounted:
        assert Path(mounted.mount_point, "sub dir", "b + %20.csv").read_text() == "22"
    assert folder.filter(folder.file_metadata("Size") > 1).to_path() == ["/sub dir/b + %20.csv"]
    assert folder.skip(1).take(1).to_path() == ["/c.txt"]
    first, second = folder.random_split(0.5, seed=3)
    assert sorted(first.to_path() + second.to_path()) == folder.to_path()
    with pytest.raises(DatasetNotFoundError, match="nothing"):
        Dataset.File.from_files((store, "nothing")).to_path()


def test_several_stores_in_one_dataset(workspace, store, put, tmp_path):
    """Files of two datastores stand under the datastores' names."""
    put({"a.csv": "n\n1\n"})
    other = workspace.datastores["workspacefilestore"]
    (tmp_path / "b.csv").write_text("n\n2\n")
    other.upload_files([str(tmp_path / "b.csv")], str(tmp_path), show_progress=False)
    paths = [(store, "a.csv"), (other, "b.csv")]

    assert Dataset.File.from_files(paths).to_path() == [f"/{store.name}/a.csv", f"/{other.name}/b.csv"]
    assert lists(Dataset.Tabular.from_delimited_files(paths)) == {"n": [1, 2]}


def test_delimited_files(store, put):
    """Separator, encoding, headers, types, path column and partitions as v1 has them."""
    put(
        {"t/2024/01/x.txt": "naïve;n\né;1,5\n".encode("latin1"), "t/2024/02/x.txt": "naïve;n\nü;2,5\n".encode("latin1")}
    )
    table = Dataset.Tabular.from_delimited_files(
        (store, "t/**"),
        separator=";",
        encoding="latin1",
        include_path=True,
        set_column_types={"n": DataType.to_float(decimal_mark=",")},
        partition_format="/{when:yyyy/MM}/x.txt",
    )

    assert lists(table) == {
        "Path": ["/2024/01/x.txt", "/2024/02/x.txt"],
        "naïve": ["é", "ü"],
        "n": [1.5, 2.5],
        "when": [Timestamp(2024, 1, 1), Timestamp(2024, 2, 1)],
    }
    assert table.partition_keys == ["when"]
    assert lists(table.filter(table["when"] > Timestamp(2024, 1, 15)).keep_columns("n")) == {"n": [2.5]}
    assert table.get_partition_key_values() == [{"when": Timestamp(2024, 1, 1)}, {"when": Timestamp(2024, 2, 1)}]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (PromoteHeadersBehavior.NO_HEADERS, {"Column1": ["a", "1", "a", "2"]}),
        (PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS, {"a": ["1", "a", "2"]}),
        (PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS, {"a": [1, 2]}),
        (PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS, {"a": [1, 2]}),
    ],
)
def test_promoted_headers(store, put, header, expected):
    """Each of v1's behaviours names the columns in its own way."""
    put({"h/1.csv": "a\n1\n", "h/2.csv": "a\n2\n"})

    assert lists(Dataset.Tabular.from_delimited_files((store, "h/*.csv"), header=header)) == expected


def test_parquet_and_json_lines(store, put, tmp_path):
    """Both formats are read, a part of them too."""
    frame = pandas.DataFrame({"n": range(1000), "s": [str(n) for n in range(1000)]})
    frame.to_parquet(tmp_path / "p.parquet")
    put({"p/p.parquet": (tmp_path / "p.parquet").read_bytes(), "j/a.jsonl": '{"n": 1}\nno\n{"n": 2}\n'})

    parquet = Dataset.Tabular.from_parquet_files((store, "p/*.parquet"))
    lines = Dataset.Tabular.from_json_lines_files((store, "j/a.jsonl"), invalid_lines="drop")

    assert lists(parquet) == frame.to_dict("list")
    assert lists(parquet.skip(5).take(2).drop_columns("s")) == {"n": [5, 6]}
    assert lists(lines) == {"n": [1, 2]}


def test_times(store, put):
    """Rows are chosen by the time column that was marked."""
    put({"s.csv": "at,n\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"})
    table = Dataset.Tabular.from_delimited_files((store, "s.csv")).with_timestamp_columns("at")
    first, second, third = (Timestamp(2024, 1, day) for day in (1, 2, 3))

    assert table.time_before(second).to_pandas_dataframe()["n"].tolist() == [1, 2]
    assert table.time_after(second, include_boundary=False).to_pandas_dataframe()["n"].tolist() == [3]
    assert table.time_between(first, third, include_boundary=False).to_pandas_dataframe()["n"].tolist() == [2]


def test_tables_are_written(workspace, store):
    """Frames become registered parquet tables in versions; tables become files, and partitions."""
    frame = pandas.DataFrame({"kind": ["a", "b", "a"], "n": [1, 2, 3]})
    for version in (1, 2):
        table = Dataset.Tabular.register_pandas_dataframe(frame, (store, "frames"), "frame", show_progress=False)
        assert table.version == version

    got = Dataset.get_by_name(workspace, "frame", version=1)
    assert lists(got) == frame.to_dict("list")
    assert len(got.to_csv_files().to_path()) == 1
    assert len(got.to_parquet_files().to_path()) == 1
    parts = got.partition_by(["kind"], (store, "parts"), show_progress=False)
    assert parts.partition_keys == ["kind"]
    assert sorted(lists(parts)["n"]) == [1, 2, 3]
    assert set(Dataset.get_all(workspace)) == {"frame"}
    got.unregister_all_versions()
    assert set(Dataset.get_all(workspace)) == set()
