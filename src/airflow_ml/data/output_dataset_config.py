"""Outputs of steps that can become datasets (`azureml.data.output_dataset_config`)."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from airflow_ml.data import _tables
from airflow_ml.data._definition import checksum, with_step
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.dataset_type_definitions import PromoteHeadersBehavior
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph.model import OutputPort, Registration

if TYPE_CHECKING:
    from airflow_ml.data._data_type import DataType
    from airflow_ml.data._definition import Definition
    from airflow_ml.graph.model import Json, OutputMode

__all__ = [
    "OutputDatasetConfig",
    "OutputFileDatasetConfig",
    "OutputTabularDatasetConfig",
]

Config = TypeVar("Config", bound="OutputDatasetConfig")

_NAME = re.compile(r"^[a-zA-Z_]+[a-zA-Z0-9_]*$")
_MODES = ("mount", "upload")


class OutputOrigin:
    """
    What the copies of one output configuration share.

    Attributes:
        producer: the step that writes the output, once a step has claimed it.
        input_name: the name of inputs that were given none.
    """

    def __init__(self) -> None:
        self.producer: object = None
        self.input_name = f"input_{os.urandom(4).hex()}"

    def __deepcopy__(self, memo: dict[int, object]) -> OutputOrigin:
        return self


class OutputDatasetConfig:
    """
    What a step promises to write, as a value that can be handed to the steps that read it.

    Every method returns a copy. Copies share `origin`, by which a pipeline knows that the output of one step and
    the input of another are the same data, whichever copy each of them holds.

    Attributes:
        name: the output's name in the step, and the script's environment variable that holds the path.
        has_default_name: nobody gave a name; a pipeline puts a stable one in the place of the random one.
        origin: the same object for all copies.
        kind: `file` or `tabular`: how consumers see it.
        mode: `mount` or `upload`.
        datastore: None means the pipeline's or workspace's default.
        path_on_datastore: template with `{run-id}` and `{output-name}`; None means `dataset/{run-id}/{output-name}`.
        source: where the script writes, if it was given; else the run decides.
        overwrite: an upload may replace files at the destination.
        source_globs: an upload takes only such files.
        registration: the dataset that the output becomes when the step completes, or None.
        transformations: how consumers read a table from the files, or None.
    """

    kind = "file"

    def __init__(self, mode: str, name: str | None = None, **kwargs: object) -> None:
        if kwargs:
            raise UserErrorException(f"output {name!r}: unknown arguments {', '.join(sorted(kwargs))}; leave them out")
        if mode not in _MODES:
            raise UserErrorException(f"output {name!r}: mode {mode!r} is neither 'mount' nor 'upload'")
        self.has_default_name = name is None
        self._name = f"output_{os.urandom(4).hex()}" if name is None else _checked_name(name)
        self.origin = OutputOrigin()
        self.mode = cast("OutputMode", mode)
        self.datastore: AbstractDatastore | None = None
        self.path_on_datastore: str | None = None
        self.source: str | None = None
        self.partition_format: str | None = None
        self.overwrite = False
        self.source_globs: str | None = None
        self.registration: Registration | None = None
        self.transformations: Definition | None = None

    @property
    def name(self) -> str:
        """The output's name; can be set."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = _checked_name(name)
        self.has_default_name = False

    @property
    def destination(self) -> tuple[AbstractDatastore | None, str | None]:
        """Where the data goes: datastore and path template, None for the defaults."""
        return self.datastore, self.path_on_datastore

    @property
    def producer(self) -> object:
        """The step that writes the output, for all copies; set by the step."""
        return self.origin.producer

    @producer.setter
    def producer(self, step: object) -> None:
        self.origin.producer = step

    def to_port(self) -> OutputPort:
        """Return the output as the graph holds it."""
        registration = self.registration
        if registration is not None:
            registration = replace(registration, transformations=self.transformations)
        return OutputPort(
            name=self.name,
            kind="file_dataset",
            datastore=None if self.datastore is None else self.datastore.name,
            mode=self.mode,
            destination=self.path_on_datastore,
            path_on_compute=self.source,
            overwrite=self.overwrite,
            source_globs=self.source_globs,
            registration=registration,
        )

    def as_input(self, name: str | None = None) -> DatasetConsumptionConfig:
        """
        Return the input by which another step reads this output.

        Args:
            name: the input's name; without one `input_` and eight characters that are the same for all inputs
                made from this output, which a pipeline replaces by stable ones (`has_default_name`).
        """
        config = DatasetConsumptionConfig(name or self.origin.input_name, self, self._input_mode())
        config.has_default_name = name is None
        return config

    def register_on_complete(
        self: Config, name: str, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Config:
        """
        Return a copy that becomes a new version of the dataset `name` each time the step completes.

        Raises:
            UserErrorException: no name.
        """
        if not name or not isinstance(name, str):
            raise UserErrorException(f"output {self._name!r}: register_on_complete needs a dataset name, not {name!r}")
        return self._changed(registration=Registration(name=name, description=description, tags=dict(tags or {})))

    def as_mount(self: Config, disable_metadata_cache: bool = False) -> Config:
        """
        Return a copy whose files are committed when the step has completed.

        Args:
            disable_metadata_cache: has no effect: outputs are written to a plain folder, without a file system
                driver that could cache.
        """
        return self._changed(mode="mount", overwrite=False, source_globs=None)

    def as_upload(self: Config, overwrite: bool = False, source_globs: str | None = None) -> Config:
        """
        Return a copy whose files are uploaded after the script has ended well.

        Args:
            overwrite: replace files that are at the destination already; otherwise such a file fails the step.
            source_globs: only files that match are taken; None means all.
        """
        return self._changed(mode="upload", overwrite=overwrite, source_globs=source_globs)

    def _input_mode(self) -> str:
        return "mount"

    def _changed(self: Config, **values: object) -> Config:
        changed = copy.copy(self)
        vars(changed).update(values)
        return changed

    def __str__(self) -> str:
        return f"${self._name}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self._name!r}, mode={self.mode!r})"


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


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not _NAME.match(name):
        raise UserErrorException(
            f"output: name {name!r} must consist of letters, digits and underscores and not begin with a digit"
        )
    return name


def _as_list(columns: str | Sequence[str]) -> list[Json]:
    return [columns] if isinstance(columns, str) else list(columns)
