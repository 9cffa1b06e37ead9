"""Outputs of steps that can become datasets (`azureml.data.output_dataset_config`)."""

from __future__ import annotations

from airflow_ml.data import _tables
from airflow_ml.data._definition import checksum, with_step
from airflow_ml.data._output_config import OutputDatasetConfig
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.data._data_type import DataType
    from airflow_ml.graph.model import Json

__all__ = [
    "OutputDatasetConfig",
    "OutputFileDatasetConfig",
    "OutputTabularDatasetConfig",
]


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
        partition_format: not supported.

    Raises:
        UserErrorException: a name with other characters than letters, digits and underscores, or a destination of
            another form.
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
            raise NotSupportedError(
                f"output {self.name!r}: partition_format is not supported on outputs; give it to "
                "read_delimited_files or read_parquet_files"
            )

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
            path_glob: only such files are read: `*.csv` or `**/*.csv`.
        """
        where = f"output {self.name!r}"
        parse = _tables.delimited(
            where=where,
            separator=separator,
            header=header,
            set_column_types=set_column_types,
            include_path=include_path,
            file_extension=_tables.extension_of(path_glob, where=where),
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
        parse = _tables.parquet(
            where=where,
            set_column_types=set_column_types,
            include_path=include_path,
            file_extension=_tables.extension_of(path_glob, where=where),
        )
        return self._as_table(parse, partition_format)

    def _as_table(self, parse: dict[str, Json], partition_format: str | None) -> OutputTabularDatasetConfig:
        transformations: dict[str, Json] = {"parse": parse}
        if partition_format is not None:
            transformations["partition_format"] = partition_format
        table = OutputTabularDatasetConfig(mode=self.mode, name=self.name)
        vars(table).update({**vars(self), "transformations": transformations})
        return table


class OutputTabularDatasetConfig(OutputDatasetConfig):
    """
    An output whose files are read as a table.

    Made by `read_delimited_files` and `read_parquet_files` of OutputFileDatasetConfig.
    """

    kind = "tabular"

    def __init__(self, *, mode: str = "mount", name: str | None = None, **kwargs: object) -> None:
        super().__init__(mode, name, **kwargs)

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
        """
        if not 0 <= percentage <= 1:
            raise UserErrorException(f"output {self.name!r}: percentage {percentage!r} is not between 0 and 1")
        chosen = checksum(self.transformations) if seed is None else seed
        split: dict[str, Json] = {"op": "split", "percentage": percentage, "seed": chosen}
        return self._with_step({**split, "part": 0}), self._with_step({**split, "part": 1})

    def _with_step(self, step: dict[str, Json]) -> OutputTabularDatasetConfig:
        return self._changed(transformations=with_step(self.transformations or {}, step))

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
            return store, path.lstrip("/") if path else None
    raise UserErrorException(
        f"output {output!r}: destination {destination!r} is neither a datastore nor a (datastore, 'path') pair"
    )


def _as_list(columns: str | Sequence[str]) -> list[Json]:
    return [columns] if isinstance(columns, str) else list(columns)
