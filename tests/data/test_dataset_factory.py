"""What the factories define, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Workspace
from airflow_ml.data import DataType
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.datapath import DataPath
from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_ml.exceptions import NotSupportedError, UserErrorException


def test_article_snippet_defines_a_folder(blob: AzureBlobDatastore) -> None:
    """A list with one (store, path) pair is a folder of that store."""
    dataset = Dataset.File.from_files([(blob, "train-images/")])

    assert dataset.definition == {
        "kind": "file",
        "sources": [{"datastore": "workspaceblobstore", "path": "train-images/"}],
    }


def test_every_kind_of_path_is_taken(blob: AzureBlobDatastore) -> None:
    """Pairs, data paths, data references and web addresses may be mixed."""
    dataset = Dataset.File.from_files(
        [(blob, "/a"), DataPath(blob, "b"), blob.path("c"), "https://example.org/d.csv", (blob, ["e", "f"])]
    )

    assert [source.get("path", source.get("url")) for source in dataset.definition["sources"]] == [
        "a",
        "b",
        "c",
        "https://example.org/d.csv",
        "e",
        "f",
    ]


def test_defining_touches_nothing(home: Path) -> None:
    """Factories look neither at the data nor at the workspace, validate=True or not."""
    store = AzureBlobDatastore(Workspace("s", "g", "nowhere"), "nostore", None, None)

    Dataset.Tabular.from_delimited_files((store, "missing.csv"), validate=True)

    assert list(home.iterdir()) == []


@pytest.mark.parametrize("path", ["data/x.csv", "/tmp/x.csv", 5, [], [("store", "x")], None])
def test_local_and_other_paths_are_refused(path: object) -> None:
    """A local path or anything that is no path raises UserErrorException, as in v1."""
    with pytest.raises(UserErrorException):
        Dataset.File.from_files(path)  # type: ignore[arg-type]  # what is tested


def test_other_schemes_are_no_local_paths() -> None:
    """An address of Azure's own schemes is refused with the way out."""
    with pytest.raises(UserErrorException, match="register the store as a datastore"):
        Dataset.File.from_files("wasbs://raw@account/x.csv")


@pytest.mark.parametrize("path", [5, None])
def test_a_pair_needs_a_path(blob: AzureBlobDatastore, path: object) -> None:
    """What stands behind the datastore is text, as in v1."""
    with pytest.raises(UserErrorException, match="is not a path of a dataset"):
        Dataset.File.from_files((blob, path))


def test_shares_counts_and_columns_are_value_errors(blob: AzureBlobDatastore) -> None:
    """Wrong numbers and columns raise ValueError, as in v1; encodings are taken in any case."""
    table = Dataset.Tabular.from_delimited_files((blob, "raw/a.csv"), encoding="UTF8")

    for call in (lambda: table.take(-1), lambda: table.random_split(2), lambda: table.keep_columns(5)):
        with pytest.raises(ValueError, match=r"is not a|are no names"):
            call()
    with pytest.raises(ValueError, match="decimal_mark 'x'"):
        DataType.to_float("x")
    with pytest.raises(UserErrorException, match="formats 5"):
        DataType.to_datetime(5)


def test_path_that_leaves_the_store_is_refused(blob: AzureBlobDatastore) -> None:
    """`..` in a path is an error at definition."""
    with pytest.raises(UserErrorException, match=r"leaves its datastore"):
        Dataset.File.from_files((blob, "a/../../b"))


def test_two_workspaces_in_one_dataset_are_refused(blob: AzureBlobDatastore) -> None:
    """A dataset belongs to one workspace."""
    other = AzureBlobDatastore(Workspace("s", "g", "other"), "store", None, None)

    with pytest.raises(UserErrorException, match="two workspaces"):
        Dataset.File.from_files([(blob, "a"), (other, "b")])


def test_definition_holds_only_what_differs_from_the_defaults(blob: AzureBlobDatastore) -> None:
    """Two ways of writing the defaults come to one definition."""
    plain = Dataset.Tabular.from_delimited_files((blob, "a.csv"))
    written = Dataset.Tabular.from_delimited_files(
        (blob, "a.csv"), separator=",", header=PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS, encoding="utf8"
    )

    assert plain.definition == written.definition
    assert plain.definition["parse"] == {"format": "delimited"}


def test_options_of_delimited_files_are_recorded(blob: AzureBlobDatastore) -> None:
    """Separator, header and column types enter the definition."""
    table = Dataset.Tabular.from_delimited_files(
        (blob, "a.tsv"),
        separator="\t",
        header=False,
        set_column_types={"d": DataType.to_datetime("%Y"), "f": DataType.to_float(",")},
        partition_format="/{year:yyyy}/{kind}/x.tsv",
    )

    assert table.definition["parse"] == {
        "format": "delimited",
        "separator": "\t",
        "header": "none",
        "set_column_types": {
            "d": {"type": "datetime", "formats": ["%Y"]},
            "f": {"type": "float", "decimal_mark": ","},
        },
    }
    assert table.partition_keys == ["year", "kind"]


def test_column_type_that_is_no_datatype_is_refused(blob: AzureBlobDatastore) -> None:
    """`set_column_types` takes DataType objects alone."""
    with pytest.raises(UserErrorException, match="is no DataType"):
        Dataset.Tabular.from_parquet_files((blob, "a"), set_column_types={"x": "float"})  # type: ignore[dict-item]  # what is tested


def test_json_lines_check_their_option(blob: AzureBlobDatastore) -> None:
    """`invalid_lines` is error or drop."""
    dropped = Dataset.Tabular.from_json_lines_files((blob, "a"), invalid_lines="drop")

    assert dropped.definition["parse"] == {"format": "json_lines", "invalid_lines": "drop"}
    with pytest.raises(UserErrorException, match="neither 'error' nor 'drop'"):
        Dataset.Tabular.from_json_lines_files((blob, "a"), invalid_lines="skip")


def test_upload_directory_takes_what_matches(blob: AzureBlobDatastore) -> None:
    """Only files that match the pattern go to the store, at their relative paths."""
    dataset = Dataset.File.upload_directory("raw", (blob, "picked"), pattern="**/*.csv", show_progress=False)

    assert dataset.to_path() == ["/a.csv", "/b/c.csv"]


def test_upload_directory_without_files_is_an_error(blob: AzureBlobDatastore) -> None:
    """Nothing to upload is said at once."""
    with pytest.raises(UserErrorException, match="matches"):
        Dataset.File.upload_directory("raw", (blob, "picked"), pattern="*.png")


def test_missing_features_name_the_way_out() -> None:
    """What v1 has and airflow-ml does not raises NotSupportedError."""
    with pytest.raises(NotSupportedError, match=r"Dataset\.File"):
        Dataset.from_pandas_dataframe  # type: ignore[attr-defined]  # noqa: B018 - the access raises
