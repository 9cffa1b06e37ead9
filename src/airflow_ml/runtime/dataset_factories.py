"""`Dataset.File` and `Dataset.Tabular` inside a step; the definitions are those of the factories outside of one."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.runtime.datastores import Datastore
from airflow_ml.runtime.file_datasets import FileDataset
from airflow_ml.runtime.references import DataPath
from airflow_ml.runtime.sources import (
    folder_sources,
    not_a_path,
    query_source,
    store_sources,
    web_source,
    with_partitions,
)
from airflow_ml.runtime.tabular_datasets import TabularDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from pandas import DataFrame

    from airflow_ml.runtime import dataset_writing, table_formats
    from airflow_ml.runtime.data_types import DataType
    from airflow_ml.runtime.dataset_writing import Target
    from airflow_ml.runtime.headers import PromoteHeadersBehavior
else:
    dataset_writing = late("airflow_ml.runtime.dataset_writing")
    table_formats = late("airflow_ml.runtime.table_formats")

__all__ = ["FileDatasetFactory", "TabularDatasetFactory"]


class FileDatasetFactory:
    """Makes datasets of files: what `Dataset.File` is."""

    @staticmethod
    def from_files(
        path: Any, validate: bool = True, partition_format: str | None = None, is_file: bool = False
    ) -> FileDataset:
        """
        Define files; nothing is read.

        Args:
            path: `(datastore, 'path')`, a DataPath, a DataReference, a web address, or a list of them.
            validate: has no effect at definition: what is missing is said when it is read.
            partition_format: names parts of the paths, such as `{year}/{month}/data.csv`.
            is_file: the path is one file; without it this is found out when the path is read.

        Raises:
            UserErrorException: a local path, no path, or something that is no path.
        """
        definition: dict[str, Any] = {"kind": "file", "sources": _sources(path, where="Dataset.File.from_files")}
        if is_file:
            definition["is_file"] = True
        return FileDataset._derived(with_partitions(definition, partition_format))

    @staticmethod
    def upload_directory(
        src_dir: str, target: Target, pattern: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """
        Copy a local folder to a datastore and define the files there.

        Args:
            target: `(datastore, 'folder')` or a DataPath.
            pattern: only files whose path below `src_dir` matches, such as `*.png` or `**/*.png`.
            overwrite: replace files that are there; otherwise they are left as they are.
            show_progress: not used: the operator's log has the progress.

        Raises:
            UserErrorException: `src_dir` is no folder, nothing in it matches, or `target` is no place.
        """
        import pathlib  # costs 5 ms, and only uploads need it

        where = "Dataset.File.upload_directory"
        datastore, folder = dataset_writing.place_of(target, where=where)
        found = sorted(file for file in pathlib.Path(src_dir).glob(pattern or "**/*") if file.is_file())
        if not found:
            raise UserErrorException(
                f"{where}: no file in {src_dir!r} matches {pattern or '**/*'!r}; correct the folder or the pattern"
            )
        datastore.upload_files([str(file) for file in found], src_dir, folder, overwrite)
        sources = folder_sources(store_sources(datastore.name, [folder], where=where), where=where)
        return FileDataset._derived({"kind": "file", "sources": sources})


class TabularDatasetFactory:
    """Makes tables: what `Dataset.Tabular` is."""

    @staticmethod
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Mapping[str, DataType] | None = None,
        separator: str = ",",
        header: bool | PromoteHeadersBehavior = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """
        Define a table from delimited files such as CSV; nothing is read.

        Args:
            validate: has no effect at definition: what is wrong is said when it is read.
            support_multi_line: has no effect: quoted values may always hold line breaks.
        """
        where = "Dataset.Tabular.from_delimited_files"
        parse = table_formats.delimited(
            where=where,
            separator=separator,
            header=header,
            set_column_types=set_column_types,
            include_path=include_path,
            infer_column_types=infer_column_types,
            support_multi_line=support_multi_line,
            empty_as_string=empty_as_string,
            encoding=encoding,
        )
        return _table(path, parse, partition_format, where=where)

    @staticmethod
    def from_json_lines_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """
        Define a table from files with one JSON object a line; nothing is read.

        Args:
            validate: has no effect at definition: what is wrong is said when it is read.
            invalid_lines: `error` fails the reading, `drop` leaves such lines out.
        """
        where = "Dataset.Tabular.from_json_lines_files"
        parse = table_formats.json_lines(
            where=where,
            set_column_types=set_column_types,
            include_path=include_path,
            invalid_lines=invalid_lines,
            encoding=encoding,
        )
        return _table(path, parse, partition_format, where=where)

    @staticmethod
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
    ) -> TabularDataset:
        """
        Define a table from parquet files; nothing is read.

        Args:
            validate: has no effect at definition: what is wrong is said when it is read.
        """
        where = "Dataset.Tabular.from_parquet_files"
        parse = table_formats.parquet(where=where, set_column_types=set_column_types, include_path=include_path)
        return _table(path, parse, partition_format, where=where)

    @staticmethod
    def register_pandas_dataframe(
        dataframe: DataFrame,
        target: Target,
        name: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        show_progress: bool = True,
        row_group_size: int | None = None,
        make_target_path_unique: bool = True,
    ) -> TabularDataset:
        """
        Write a frame as parquet to a datastore and register the table; an existing name gets a new version.

        Args:
            target: folder on a datastore; a datastore alone means a folder of its own on it.
            show_progress: not used: the operator's log has the progress.
            row_group_size: rows per parquet row group.
            make_target_path_unique: write below a new folder in `target`, so that earlier versions stay.
        """
        place = dataset_writing.write_frame(
            dataframe, target, row_group_size=row_group_size, is_unique=make_target_path_unique
        )
        table = TabularDatasetFactory.from_parquet_files(place)
        return table.register(place[0].workspace, name, description, tags, create_new_version=True)

    @staticmethod
    def from_sql_query(
        query: Any,
        validate: bool = True,
        set_column_types: Mapping[str, DataType] | None = None,
        query_timeout: int = 30,
        *,
        parameters: Mapping[str, Any] | None = None,
    ) -> TabularDataset:
        """
        Define a table as what a database answers to a query; the step's operator asks it when the table is read.

        Args:
            query: `(datastore, 'SELECT ...')`, or a DataPath of both.
            validate: has no effect at definition: what is wrong is said when it is read.
            query_timeout: seconds that the database has to answer; 0: no limit.
            parameters: values for the `:name`s in the query (not in v1).
        """
        where = "Dataset.Tabular.from_sql_query"
        if isinstance(query, DataPath) and query.datastore is not None:
            query = query.datastore, query.path_on_datastore
        if not (isinstance(query, tuple) and len(query) == 2 and isinstance(query[0], Datastore)):
            raise UserErrorException(
                f"{where}: {query!r} is no query of a datastore; give a (datastore, 'SELECT ...') pair or a DataPath"
            )
        source = query_source(query[0].name, query[1], query_timeout, parameters, where=where)
        parse = table_formats.parquet(where=where, set_column_types=set_column_types)
        return TabularDataset._derived({"kind": "tabular", "sources": [source], "parse": parse})

    @staticmethod
    def register_dask_dataframe(*args: Any, **kwargs: Any) -> NoReturn:
        """Raise NotSupportedError."""
        raise _refused("register_dask_dataframe", "use register_pandas_dataframe")

    @staticmethod
    def register_spark_dataframe(*args: Any, **kwargs: Any) -> NoReturn:
        """Raise NotSupportedError."""
        raise _refused("register_spark_dataframe", "use register_pandas_dataframe")


def _table(path: Any, parse: dict[str, Any], partition_format: str | None, *, where: str) -> TabularDataset:
    definition = {"kind": "tabular", "sources": _sources(path, where=where), "parse": parse}
    return TabularDataset._derived(with_partitions(definition, partition_format))


def _sources(path: Any, *, where: str) -> list[dict[str, Any]]:
    items = path if isinstance(path, list) else [path]
    if isinstance(path, tuple) and path and not isinstance(path[0], Datastore):
        items = list(path)
    sources = [source for item in items for source in _sources_of(item, where=where)]
    if not sources:
        raise UserErrorException(f"{where}: no path was given; give a (datastore, path) pair or a web address")
    return sources


def _sources_of(path: Any, *, where: str) -> list[dict[str, Any]]:
    if isinstance(path, str):
        return [web_source(path, where=where)]
    if isinstance(path, DataPath) and path.datastore is not None:
        return store_sources(path.datastore.name, [path.path_on_datastore or ""], where=where)
    if isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], Datastore):
        places = list(path[1]) if isinstance(path[1], (list, tuple)) else [path[1]]
        if all(isinstance(place, str) for place in places):
            return store_sources(path[0].name, places, where=where)
    raise not_a_path(path, where=where)


def _refused(call: str, instead: str) -> NotSupportedError:
    return NotSupportedError(f"Dataset.Tabular.{call} is not supported; {instead}")
