"""Outputs of steps that can become datasets (`azureml.data.output_dataset_config`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data._output_config import OutputDatasetConfig
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_ml.exceptions import GraphError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.data import _definition, _output_kinds
    from airflow_ml.data._output_kinds import (
        HDFSOutputDatasetConfig,
        LinkFileOutputDatasetConfig,
        LinkTabularOutputDatasetConfig,
        MountOptions,
        UploadOptions,
    )
    from airflow_ml.graph.model import Json
    from airflow_ml.runtime import sources, table_formats
    from airflow_ml.runtime.data_types import DataType
else:
    _definition = late("airflow_ml.data._definition")
    _output_kinds = late("airflow_ml.data._output_kinds")
    sources = late("airflow_ml.runtime.sources")
    table_formats = late("airflow_ml.runtime.table_formats")

__all__ = [
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "MountOptions",
    "OutputDatasetConfig",
    "OutputFileDatasetConfig",
    "OutputTabularDatasetConfig",
    "UploadOptions",
]

#: Names that few pipelines use; imported at their first use.
_RARE = frozenset(__all__) - {"OutputDatasetConfig", "OutputFileDatasetConfig", "OutputTabularDatasetConfig"}


def __getattr__(name: str) -> object:
    if name in _RARE:
        value: object = getattr(_output_kinds, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class OutputFileDatasetConfig(OutputDatasetConfig):
    """
    A folder that a step writes and that goes to a datastore when the step completes.

    The folder exists before the script starts; its path is the argument, and the environment variable named as the
    output.

    Args:
        name: default: `output_` and eight random characters.
        destination: `(datastore, path)` with the placeholders `{run-id}` (of the step's run) and `{output-name}` in
            the path, `(datastore, None)` or the datastore alone for the default path
            `dataset/{run-id}/{output-name}`; None for the default store as well. A path without `{run-id}` is
            written again by every run, and old files stay.
        source: folder in the step that the script writes to instead of one that the run chooses.
        partition_format: names parts of the files' paths below the output, such as `{year}/{month}/data.csv`, for
            the dataset that the output is registered as, and for tables read from it.

    Raises:
        UserErrorException: a name with other characters than letters, digits and underscores, a destination of
            another form, or a partition format that names no column.
    """

    def __init__(
        self,
        name: str | None = None,
        destination: AbstractDatastore | tuple[AbstractDatastore, str | None] | None = None,
        source: str | None = None,
        partition_format: str | None = None,
    ) -> None:
        super().__init__("mount", name)
        self.datastore, self.path_on_datastore = _destination(destination, output=self.name)
        self.source = source
        if partition_format is not None:
            self.partition_format = partition_format
            self.transformations = sources.with_partitions({}, partition_format)

    def as_mount(self, disable_metadata_cache: bool = False) -> OutputFileDatasetConfig:
        """
        Return a copy whose files are committed when the step has completed.

        Args:
            disable_metadata_cache: has no effect: outputs are written to a plain folder, without a file system
                driver that could cache.
        """
        return self._mounted()

    def as_upload(
        self, overwrite: bool = False, source_globs: str | Sequence[str] | None = None
    ) -> OutputFileDatasetConfig:
        """
        Return a copy whose files are uploaded after the script has ended well.

        Args:
            overwrite: replace files that are at the destination already; otherwise such a file fails the step.
            source_globs: only files that match this pattern, or one of these, are taken; None means all.
        """
        return self._uploaded(overwrite, source_globs)

    def read_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: bool | PromoteHeadersBehavior = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
        partition_format: str | None = None,
        path_glob: str | None = None,
        set_column_types: Mapping[str, DataType] | None = None,
    ) -> OutputTabularDatasetConfig:
        """
        Return a copy that consumers (and a registered dataset) read as a table from delimited files.

        What the step writes does not change.

        Args:
            path_glob: only such files are read: `*.csv` for names in every folder, `day_*/**/*.csv` for paths below
                the output.
        """
        where = f"output {self.name!r}"
        parse = table_formats.delimited(
            where=where,
            separator=separator,
            header=header,
            set_column_types=set_column_types,
            include_path=include_path,
            **table_formats.chosen_files(path_glob),
        )
        return self._as_table(parse, partition_format)

    def read_parquet_files(
        self,
        include_path: bool = False,
        partition_format: str | None = None,
        path_glob: str | None = None,
        set_column_types: Mapping[str, DataType] | None = None,
    ) -> OutputTabularDatasetConfig:
        """Return a copy that consumers (and a registered dataset) read as a table from parquet files."""
        where = f"output {self.name!r}"
        parse = table_formats.parquet(
            where=where,
            set_column_types=set_column_types,
            include_path=include_path,
            **table_formats.chosen_files(path_glob),
        )
        return self._as_table(parse, partition_format)

    def _as_table(self, parse: dict[str, Json], partition_format: str | None) -> OutputTabularDatasetConfig:
        table = OutputTabularDatasetConfig(output_file_dataset_config=self)
        table.transformations = sources.with_partitions({"parse": parse}, partition_format or self.partition_format)
        return table


class OutputTabularDatasetConfig(OutputDatasetConfig):
    """
    An output whose files are read as a table.

    Made by `read_delimited_files` and `read_parquet_files` of OutputFileDatasetConfig.

    Raises:
        GraphError: it is made in another way; as in v1 a ValueError.
    """

    kind = "tabular"

    def __init__(self, **kwargs: object) -> None:
        files = kwargs.get("output_file_dataset_config")
        if len(kwargs) != 1 or not isinstance(files, OutputFileDatasetConfig):
            raise GraphError(
                "OutputTabularDatasetConfig: is made by read_delimited_files() or read_parquet_files() of an "
                "OutputFileDatasetConfig; call one of these"
            )
        super().__init__(files.mode, files.name)
        vars(self).update(vars(files))

    def as_mount(self) -> OutputTabularDatasetConfig:
        """Return a copy whose files are committed when the step has completed."""
        return self._mounted()

    def as_upload(
        self, overwrite: bool = False, source_globs: str | Sequence[str] | None = None
    ) -> OutputTabularDatasetConfig:
        """Return a copy whose files are uploaded after the script has ended well; see OutputFileDatasetConfig."""
        return self._uploaded(overwrite, source_globs)

    def keep_columns(self, columns: str | Sequence[str]) -> OutputTabularDatasetConfig:
        """Return a copy whose consumers see only these columns."""
        return self._with_step({"op": "keep_columns", "columns": _as_list(columns)})

    def drop_columns(self, columns: str | Sequence[str]) -> OutputTabularDatasetConfig:
        """Return a copy whose consumers do not see these columns."""
        return self._with_step({"op": "drop_columns", "columns": _as_list(columns)})

    def random_split(
        self, percentage: float, seed: int | None = None
    ) -> tuple[OutputTabularDatasetConfig, OutputTabularDatasetConfig]:
        """
        Return two copies whose consumers see about `percentage` (0 to 1) of the rows, and the others.

        Args:
            seed: the same seed splits the same way; without one a fixed number that follows from the definition.

        Raises:
            GraphError: another percentage; as in v1 a ValueError.
        """
        if not 0 <= percentage <= 1:
            raise GraphError(f"output {self.name!r}: percentage {percentage!r} is not between 0 and 1")
        chosen = _definition.checksum(self.transformations) if seed is None else seed
        split: dict[str, Json] = {"op": "split", "percentage": percentage, "seed": chosen}
        return self._with_step({**split, "part": 0}), self._with_step({**split, "part": 1})

    def _with_step(self, step: dict[str, Json]) -> OutputTabularDatasetConfig:
        return self._changed(transformations=_definition.with_step(self.transformations or {}, step))

    def _input_mode(self) -> str:
        return "direct"


def _destination(
    destination: AbstractDatastore | tuple[AbstractDatastore, str | None] | None, *, output: str
) -> tuple[AbstractDatastore | None, str | None]:
    if destination is None:
        return None, None
    if isinstance(destination, AbstractDatastore):
        return destination, None
    if isinstance(destination, tuple) and len(destination) == 2 and isinstance(destination[0], AbstractDatastore):
        store, path = destination
        if path is None or isinstance(path, str):
            _check_placeholders(path or "", output=output)
            return store, path.lstrip("/") if path else None
    raise UserErrorException(
        f"output {output!r}: destination {destination!r} is neither a datastore nor a (datastore, 'path') pair"
    )


def _check_placeholders(path: str, *, output: str) -> None:
    """Refuse what nothing fills in: v1 wrote to a folder of that very name, and people looked for their data."""
    rest = path.replace("{run-id}", "").replace("{output-name}", "")
    if "{" in rest or "}" in rest:
        raise UserErrorException(
            f"output {output!r}: destination {path!r} has a placeholder that is not known; there are {{run-id}} and"
            " {output-name}"
        )


def _as_list(columns: str | Sequence[str]) -> list[Json]:
    names = [columns] if isinstance(columns, str) else columns
    if not isinstance(names, (list, tuple)):
        raise UserErrorException(f"output: columns {columns!r} are no names; give a name or a list of names")
    return list(names)
