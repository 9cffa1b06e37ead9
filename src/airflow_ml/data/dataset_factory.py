"""
Defining datasets (`azureml.data.dataset_factory`).

Defining one touches no data: in v1 `validate=True` read the files at once, here they are looked at when a pipeline
that uses them is validated or runs, so that a DAG file can be parsed at any time.
"""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data._definition import query_source_of, sources_of
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.data.tabular_dataset import TabularDataset
from airflow_ml.exceptions import NotSupportedError
from airflow_ml.runtime.data_types import DataType
from airflow_ml.runtime.sources import folder_sources, with_partitions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    import pandas as pd

    from airflow_ml.data import _uploading, _writing
    from airflow_ml.data._definition import PathLike
    from airflow_ml.data._uploading import Target
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.data.datapath import DataPath
    from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
    from airflow_ml.graph.model import Json
    from airflow_ml.runtime import table_formats
else:
    _uploading = late("airflow_ml.data._uploading")
    _writing = late("airflow_ml.data._writing")
    table_formats = late("airflow_ml.runtime.table_formats")

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory"]


class FileDatasetFactory:
    """Makes datasets of files: what `Dataset.File` is."""

    @staticmethod
    def from_files(
        path: PathLike | Sequence[PathLike],
        validate: bool = True,
        partition_format: str | None = None,
        is_file: bool = False,
    ) -> FileDataset:
        """
        Define files.

        Args:
            path: `(datastore, 'path')`, a DataPath, a DataReference, a web address, or a list of them. A path may be
                a file, a folder, or a pattern with `*` and `**`.
            validate: has no effect at definition; missing files fail `validate`, `submit` or the step that reads.
            partition_format: names parts of the paths, such as `{year}/{month}/data.csv`.
            is_file: the path is one file; without it this is found out when the path is read.

        Raises:
            UserErrorException: a local path, no path, or something that is no path.
        """
        sources, workspace = sources_of(path, where="Dataset.File.from_files")
        definition: dict[str, Json] = {"kind": "file", "sources": sources}
        if is_file:
            definition["is_file"] = True
        return FileDataset._create(with_partitions(definition, partition_format), workspace)

    @staticmethod
    def upload_directory(
        src_dir: str,
        target: Target,
        pattern: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> FileDataset:
        """
        Copy a local folder to a datastore and define the files there.

        Args:
            target: `(datastore, 'folder')` or a DataPath.
            pattern: only files whose path below `src_dir` matches, such as `*.png` or `**/*.png`.
            overwrite: replace files that are there; otherwise they are left as they are.
            show_progress: say what was copied.

        Raises:
            UserErrorException: `src_dir` is no folder, nothing in it matches, or `target` is no place.
        """
        where = "Dataset.File.upload_directory"
        place = _uploading.place_of(target, where=where)
        sources, workspace = sources_of(place, where=where)
        _uploading.upload_directory(src_dir, place, pattern=pattern, overwrite=overwrite, show_progress=show_progress)
        return FileDataset._create({"kind": "file", "sources": folder_sources(sources, where=where)}, workspace)


class TabularDatasetFactory:
    """Makes tables: what `Dataset.Tabular` is."""

    @staticmethod
    def from_delimited_files(
        path: PathLike | Sequence[PathLike],
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
        Define a table from delimited files such as CSV.

        Args:
            path: as in `FileDatasetFactory.from_files`.
            validate: has no effect at definition, see there.
            include_path: add a column `Path`.
            infer_column_types: find out types from the first 200 rows; otherwise all is text.
            set_column_types: types of columns by name, before any inference.
            header: True: every file begins with the same line of names; False: none does.
            partition_format: names parts of the paths, which become columns: `{name}` text,
                `{name:yyyy/MM/dd}` a date.
            support_multi_line: has no effect: quoted values may always hold line breaks.
            empty_as_string: keep empty values as empty text instead of missing values.
            encoding: one of v1's names: utf8, utf8bom, utf16, utf32, ascii, latin1, iso88591, windows1252.

        Raises:
            UserErrorException: as in `from_files`; a separator, header, type, encoding or partition format that v1
                does not take either.
        """
        parse = table_formats.delimited(
            where="Dataset.Tabular.from_delimited_files",
            separator=separator,
            header=header,
            set_column_types=set_column_types,
            include_path=include_path,
            infer_column_types=infer_column_types,
            support_multi_line=support_multi_line,
            empty_as_string=empty_as_string,
            encoding=encoding,
        )
        return _table(path, parse, partition_format, where="Dataset.Tabular.from_delimited_files")

    @staticmethod
    def from_json_lines_files(
        path: PathLike | Sequence[PathLike],
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """
        Define a table from files with one JSON object a line.

        Args:
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
        path: PathLike | Sequence[PathLike],
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
    ) -> TabularDataset:
        """Define a table from parquet files."""
        where = "Dataset.Tabular.from_parquet_files"
        parse = table_formats.parquet(where=where, set_column_types=set_column_types, include_path=include_path)
        return _table(path, parse, partition_format, where=where)

    @staticmethod
    def register_pandas_dataframe(
        dataframe: pd.DataFrame,
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
            row_group_size: rows per parquet row group.
            make_target_path_unique: write below a new folder in `target`, so that earlier versions stay.
        """
        folder = _writing.write_frame(
            dataframe,
            target,
            row_group_size=row_group_size,
            is_unique=make_target_path_unique,
            show_progress=show_progress,
        )
        table = TabularDatasetFactory.from_parquet_files(folder)
        return table.register(folder[0].workspace, name, description=description, tags=tags, create_new_version=True)

    @staticmethod
    def from_sql_query(
        query: DataPath | tuple[AbstractDatastore, str],
        validate: bool = True,
        set_column_types: Mapping[str, DataType] | None = None,
        query_timeout: int = 30,
        *,
        parameters: Mapping[str, object] | None = None,
    ) -> TabularDataset:
        """
        Define a table as what a database answers to a query, each time that it is read.

        Args:
            query: `(datastore, 'SELECT ...')`, or a DataPath of both; it may only read.
            validate: has no effect at definition: what is wrong is said when it is read.
            query_timeout: seconds that the database has for the first rows and for each further portion; 0: no limit.
            parameters: values for the `:name`s in the query, which the driver binds (not in v1). Without any the query
                goes to the database as it is.

        Raises:
            UserErrorException: no query, or parameters that are no text, number, boolean or None.
        """
        where = "Dataset.Tabular.from_sql_query"
        source, workspace = query_source_of(query, query_timeout, parameters, where=where)
        parse = table_formats.parquet(where=where, set_column_types=set_column_types)
        return TabularDataset._create({"kind": "tabular", "sources": [source], "parse": parse}, workspace)

    @staticmethod
    def register_dask_dataframe(
        dataframe: object,
        target: object,
        name: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        show_progress: bool = True,
    ) -> NoReturn:
        """Not supported: use `register_pandas_dataframe`."""
        raise _only_pandas("register_dask_dataframe", name, dataframe, target, description, tags, show_progress)

    @staticmethod
    def register_spark_dataframe(
        dataframe: object,
        target: object,
        name: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        show_progress: bool = True,
    ) -> NoReturn:
        """Not supported: use `register_pandas_dataframe`."""
        raise _only_pandas("register_spark_dataframe", name, dataframe, target, description, tags, show_progress)


def _only_pandas(method: str, name: str, *_arguments: object) -> NotSupportedError:
    return NotSupportedError(f"{method} of {name!r} is not supported; use register_pandas_dataframe")


def _table(
    path: PathLike | Sequence[PathLike], parse: dict[str, Json], partition_format: str | None, *, where: str
) -> TabularDataset:
    sources, workspace = sources_of(path, where=where)
    definition: dict[str, Json] = {"kind": "tabular", "sources": sources, "parse": parse}
    return TabularDataset._create(with_partitions(definition, partition_format), workspace)
