"""A step's output seen as a dataset: files, or a table that is parsed when it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, TypeVar

from airflow_ml.exceptions import GraphError
from airflow_ml.graph import Registration
from airflow_ml.pipeline.core.port_bindings import InputPortBinding

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core.pipeline_data import PipelineData

__all__ = ["PipelineOutputAbstractDataset", "PipelineOutputFileDataset", "PipelineOutputTabularDataset"]

_Self = TypeVar("_Self", bound="PipelineOutputAbstractDataset")


class PipelineOutputAbstractDataset:
    """What both forms share. Every method that changes something returns a copy."""

    def __init__(self, pipeline_data: PipelineData) -> None:
        self._pipeline_data = pipeline_data
        self._input_name = pipeline_data._output_name
        self._mode = "mount"
        self._path_on_compute: str | None = None
        self._registration: Registration | None = None

    @property
    def name(self) -> str:
        """The output's name at the producer."""
        return self._pipeline_data._output_name

    @property
    def input_name(self) -> str:
        """The input's name at a consumer: the output's, unless `as_named_input` changed it."""
        return self._input_name

    def as_named_input(self: _Self, name: str) -> _Self:
        """Return a copy that is an input of that name."""
        changed = copy(self)
        changed._input_name = name
        return changed

    def register(self: _Self, name: str, create_new_version: bool = True) -> _Self:
        """Return a copy that is registered under the name each time the producer completes."""
        changed = copy(self)
        changed._registration = Registration(name=name, create_new_version=create_new_version)
        return changed

    def create_input_binding(self) -> InputPortBinding:
        """Return the input that this dataset makes at a consumer."""
        return InputPortBinding(
            name=self._input_name,
            bind_object=self,
            bind_mode=self._mode,
            path_on_compute=self._path_on_compute,
            additional_transformations=self._transformations(),
        )

    def _transformations(self) -> Mapping[str, Json] | None:
        return None

    def _with_mode(self: _Self, mode: str, path_on_compute: str | None) -> _Self:
        changed = copy(self)
        changed._mode, changed._path_on_compute = mode, path_on_compute
        return changed

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self._input_name}"


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
        header: object = "all_same",
        partition_format: str | None = None,
        file_extension: str = "",
        set_column_types: Mapping[str, Json] | None = None,
        quoted_line_breaks: bool = False,
    ) -> PipelineOutputTabularDataset:
        """
        Return the same output as a table read from its delimited files.

        Args:
            file_extension: only such files are read; empty means `.csv`, or `.tsv` where the separator is a tab (v1).
        """
        parse: dict[str, Json] = {
            "format": "delimited",
            "separator": separator,
            "header": _header_word(header),
            "include_path": include_path,
            "file_extension": file_extension or (".tsv" if separator == "\t" else ".csv"),
            "set_column_types": dict(set_column_types) if set_column_types else None,
            "support_multi_line": quoted_line_breaks,
        }
        return PipelineOutputTabularDataset(self, {"partition_format": partition_format, "parse": parse, "steps": []})

    def parse_parquet_files(
        self,
        include_path: bool = False,
        partition_format: str | None = None,
        file_extension: str = ".parquet",
        set_column_types: Mapping[str, Json] | None = None,
    ) -> PipelineOutputTabularDataset:
        """Return the same output as a table read from its parquet files."""
        parse: dict[str, Json] = {
            "format": "parquet",
            "include_path": include_path,
            "file_extension": file_extension,
            "set_column_types": dict(set_column_types) if set_column_types else None,
        }
        return PipelineOutputTabularDataset(self, {"partition_format": partition_format, "parse": parse, "steps": []})


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """A PipelineData as a table; consumers always get it in direct mode, as v1 has it."""

    def __init__(
        self, pipeline_output_dataset: PipelineOutputAbstractDataset, additional_transformations: Mapping[str, Json]
    ) -> None:
        super().__init__(pipeline_output_dataset._pipeline_data)
        self._input_name = pipeline_output_dataset.input_name
        self._registration = pipeline_output_dataset._registration
        self._mode = "direct"
        self._additional = dict(additional_transformations)

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
        steps = self._additional["steps"]
        changed = copy(self)
        changed._additional = {**self._additional, "steps": [*(steps if isinstance(steps, list) else []), step]}
        return changed

    def _transformations(self) -> Mapping[str, Json] | None:
        return self._additional


def _names(columns: str | Sequence[str]) -> list[Json]:
    return [columns] if isinstance(columns, str) else list(columns)


def _header_word(header: object) -> str:
    """Accept our words and v1's PromoteHeadersBehavior members alike."""
    words = {
        "NO_HEADERS": "none",
        "ONLY_FIRST_FILE_HAS_HEADERS": "first",
        "COMBINE_ALL_FILES_HEADERS": "combine",
        "ALL_FILES_HAVE_SAME_HEADERS": "all_same",
    }
    name = str(getattr(header, "name", header))
    return words.get(name, name)
