"""A step's output seen as a dataset: files, or a table that is parsed when it is read."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml._records import copied
from airflow_ml.data._definition import with_step
from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.pipeline.core._output_dataset import PipelineOutputAbstractDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.data._definition import Definition
    from airflow_ml.graph import Json
    from airflow_ml.runtime import sources, table_formats
    from airflow_ml.runtime.data_types import DataType
else:
    sources = late("airflow_ml.runtime.sources")
    table_formats = late("airflow_ml.runtime.table_formats")

__all__ = ["PipelineOutputAbstractDataset", "PipelineOutputFileDataset", "PipelineOutputTabularDataset"]


class PipelineOutputFileDataset(PipelineOutputAbstractDataset):
    """A PipelineData as files: what `PipelineData.as_dataset()` returns."""

    def as_mount(self, path_on_compute: str | None = None) -> PipelineOutputFileDataset:
        """Return a copy that consumers get as a read-only path."""
        return self._with_mode("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> PipelineOutputFileDataset:
        """Return a copy that consumers get as a private copy."""
        return self._with_mode("download", path_on_compute)

    def as_direct(self) -> PipelineOutputFileDataset:
        """Return a copy that consumers get as a saved dataset's id."""
        return self._with_mode("direct", None)

    def parse_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: bool | PromoteHeadersBehavior = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
        partition_format: str | None = None,
        file_extension: str = "",
        set_column_types: Mapping[str, DataType] | None = None,
        quoted_line_breaks: bool = False,
    ) -> PipelineOutputTabularDataset:
        """
        Return the same output as a table read from its delimited files.

        Args:
            file_extension: only such files are read; empty means `.csv`, or `.tsv` where the separator is a tab (v1).
            quoted_line_breaks: has no effect: values in quotes may always hold line breaks.
        """
        where = f"output {self.name!r}"
        parse = table_formats.delimited(
            where=where,
            separator=separator,
            header=header,
            set_column_types=set_column_types,
            include_path=include_path,
            file_extension=_extension(file_extension, where=where) or (".tsv" if separator == "\t" else ".csv"),
            support_multi_line=quoted_line_breaks,
        )
        return PipelineOutputTabularDataset(self, _as_transformations(parse, partition_format, where=where))

    def parse_parquet_files(
        self,
        include_path: bool = False,
        partition_format: str | None = None,
        file_extension: str = ".parquet",
        set_column_types: Mapping[str, DataType] | None = None,
    ) -> PipelineOutputTabularDataset:
        """Return the same output as a table read from its parquet files."""
        where = f"output {self.name!r}"
        parse = table_formats.parquet(
            where=where,
            set_column_types=set_column_types,
            include_path=include_path,
            file_extension=_extension(file_extension, where=where) or None,
        )
        return PipelineOutputTabularDataset(self, _as_transformations(parse, partition_format, where=where))


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """A PipelineData as a table; consumers always get it in direct mode, as v1 has it."""

    def __init__(
        self, pipeline_output_dataset: PipelineOutputAbstractDataset, additional_transformations: Mapping[str, Json]
    ) -> None:
        super().__init__(pipeline_output_dataset._pipeline_data)
        self._input_name = pipeline_output_dataset.input_name
        self._registration = pipeline_output_dataset._registration
        self._mode = "direct"
        self._additional: Definition = dict(additional_transformations)

    def keep_columns(self, columns: str | Sequence[str]) -> PipelineOutputTabularDataset:
        """Return the table with these columns only."""
        return self._with_step({"op": "keep_columns", "columns": _names(columns)})

    def drop_columns(self, columns: str | Sequence[str]) -> PipelineOutputTabularDataset:
        """Return the table without these columns."""
        return self._with_step({"op": "drop_columns", "columns": _names(columns)})

    def random_split(
        self, percentage: float, seed: int | None = None
    ) -> tuple[PipelineOutputTabularDataset, PipelineOutputTabularDataset]:
        """
        Return two tables that share the rows.

        Args:
            percentage: share of the first one, 0 to 1.
            seed: None means 0: both halves of one call must agree, and reuse needs the same split every time.
        """
        if not 0 <= percentage <= 1:
            raise GraphError(f"random_split: percentage {percentage!r} is not between 0 and 1")
        split: dict[str, Json] = {"op": "split", "percentage": percentage, "seed": seed or 0}
        return self._with_step({**split, "part": 0}), self._with_step({**split, "part": 1})

    def _with_step(self, step: dict[str, Json]) -> PipelineOutputTabularDataset:
        changed = copied(self)
        changed._additional = with_step(self._additional, step)
        return changed

    def _transformations(self) -> Mapping[str, Json] | None:
        return self._additional


def _names(columns: str | Sequence[str]) -> list[Json]:
    names = [columns] if isinstance(columns, str) else columns
    if not isinstance(names, (list, tuple)):
        raise GraphError(f"output: columns {columns!r} are no names; give a name or a list of names")
    return list(names)


def _extension(extension: str | None, *, where: str) -> str | None:
    if extension is not None and not isinstance(extension, str):
        raise GraphError(f"{where}: file_extension {extension!r} is no text; write it as '.csv'")
    return extension


def _as_transformations(parse: dict[str, Json], partition_format: str | None, *, where: str) -> dict[str, Json]:
    try:
        return sources.with_partitions({"parse": parse}, partition_format)
    except UserErrorException as error:
        raise GraphError(f"{where}: {error}") from error  # v1 raises ValueError here
