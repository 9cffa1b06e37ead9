"""What all outputs of steps that can become datasets have in common (see `airflow_ml.data.output_dataset_config`)."""

from __future__ import annotations

import os

from airflow_ml._records import copied
from airflow_ml._refusals import refuse_unknown
from airflow_ml.data._writers import Written
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.graph.model import OutputPort, Registration
from airflow_ml.graph.names import is_variable_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from dataclasses import replace
    from typing import TypeVar, cast

    from airflow_ml.data._definition import Definition
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph.model import OutputMode

    Config = TypeVar("Config", bound="OutputDatasetConfig")
else:
    from airflow_ml._records import replace
    from airflow_ml._typing import cast

__all__ = ["OutputDatasetConfig"]

_MODES = ("mount", "upload")


class _OutputOrigin(Written):
    """
    What the copies of one output configuration share.

    Attributes:
        input_name: the name of inputs that were given none.
    """

    def __init__(self) -> None:
        self.input_name = f"input_{os.urandom(4).hex()}"

    def __deepcopy__(self, memo: dict[int, object]) -> _OutputOrigin:
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
        source_globs: an upload takes only such files; several patterns are joined by `;`.
        registration: the dataset that the output becomes when the step completes, or None.
        transformations: how consumers read a table from the files, or None.
    """

    kind = "file"

    def __init__(self, mode: str, name: str | None = None, **kwargs: object) -> None:
        refuse_unknown(kwargs, where=f"output {name!r}")
        if mode not in _MODES:
            raise UserErrorException(f"output {name!r}: mode {mode!r} is neither 'mount' nor 'upload'")
        self.has_default_name = not name
        self._name = _checked_name(name) if name else f"output_{os.urandom(4).hex()}"
        self.origin = _OutputOrigin()
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
    def destination(self) -> tuple[AbstractDatastore, str | None] | None:
        """Where the data goes: datastore and path template, None for the default path; None if nothing was given."""
        return None if self.datastore is None else (self.datastore, self.path_on_datastore)

    @property
    def producer(self) -> object:
        """The step that writes the output, for all copies; set by the step."""
        return self.origin._writers.declared

    @producer.setter
    def producer(self, step: object) -> None:
        self.origin._writers.declared = step

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
            GraphError: no name; as in v1 a ValueError.
        """
        if not name or not isinstance(name, str):
            raise GraphError(f"output {self._name!r}: register_on_complete needs a dataset name, not {name!r}")
        if tags is not None and not hasattr(tags, "keys"):
            raise UserErrorException(f"output {self._name!r}: tags {tags!r} are no mapping of names to texts")
        return self._changed(registration=Registration(name=name, description=description, tags=dict(tags or {})))

    def _mounted(self: Config) -> Config:
        return self._changed(mode="mount", overwrite=False, source_globs=None)

    def _uploaded(self: Config, overwrite: bool, source_globs: str | Sequence[str] | None) -> Config:
        given = () if source_globs is None else source_globs
        globs: list[str] = list(given) if isinstance(given, (list, tuple)) else [cast("str", given)]
        if not all(isinstance(glob, str) and ";" not in glob for glob in globs):
            raise UserErrorException(
                f"output {self._name!r}: source_globs {source_globs!r} are not all patterns; write them as text "
                "without ';'"
            )
        return self._changed(
            mode="upload", overwrite=overwrite, source_globs=";".join(glob for glob in globs if glob) or None
        )

    def _input_mode(self) -> str:
        return "mount"

    def _changed(self: Config, **values: object) -> Config:
        return copied(self, **values)

    def __str__(self) -> str:
        return f"${self._name}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self._name!r}, mode={self.mode!r})"


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not is_variable_name(name):
        raise UserErrorException(
            f"output: name {name!r} must consist of letters, digits and underscores and not begin with a digit"
        )
    return name
