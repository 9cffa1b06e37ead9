"""Explicit wiring of one input or output of a step."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph import Json

__all__ = ["InputPortBinding", "OutputPortBinding"]

_INPUT_MODES = ("mount", "download", "direct", "upload", "hdfs")


class InputPortBinding:
    """
    One input of a step: a name, what is bound to it, and how the script gets it.

    Args:
        name: the input's name; the script finds its path in `AZUREML_DATAREFERENCE_<name>`.
        bind_object: a PipelineData, DataReference, dataset configuration or the like.
        bind_mode: `mount` (read-only), `download` (a private copy) or `direct` (a dataset's id).

    Raises:
        ValueError: nothing is bound, or the mode is unknown.
    """

    def __init__(
        self,
        name: str | None = None,
        bind_object: object = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool | None = None,
        is_resource: bool = False,
        additional_transformations: Mapping[str, Json] | None = None,
        **_kwargs: Any,
    ) -> None:
        if bind_object is None:
            raise GraphError(f"input {name!r}: nothing is bound to it; give bind_object")
        if bind_mode not in _INPUT_MODES:
            raise GraphError(f"input {name!r}: bind_mode {bind_mode!r} is none of {_INPUT_MODES}")
        self.name = name if name is not None else str(getattr(bind_object, "name", ""))
        self._bind_object = bind_object
        self.bind_mode = bind_mode
        self.path_on_compute = path_on_compute
        self._overwrite = bool(overwrite)
        self._is_resource = is_resource
        self._additional_transformations = additional_transformations

    @property
    def bind_object(self) -> object:
        """What is bound to the input."""
        return self._bind_object

    @property
    def data_reference_name(self) -> str:
        """The name behind `AZUREML_DATAREFERENCE_`."""
        return self.name

    @property
    def data_type(self) -> str | None:
        """The declared type of the bound object, if it has one."""
        return self.get_bind_object_data_type()

    @property
    def overwrite(self) -> bool:
        """Whether a download may replace what is there."""
        return self._overwrite

    @property
    def is_resource(self) -> bool:
        """Whether the input lands in the script's working directory."""
        return self._is_resource

    @property
    def additional_transformations(self) -> Mapping[str, Json] | None:
        """How a table is read from the files, if the input parses them."""
        return self._additional_transformations

    def as_resource(self) -> InputPortBinding:
        """Return a copy that lands in the script's working directory."""
        return InputPortBinding(
            name=self.name,
            bind_object=self._bind_object,
            bind_mode=self.bind_mode,
            path_on_compute=self.path_on_compute,
            overwrite=self._overwrite,
            is_resource=True,
            additional_transformations=self._additional_transformations,
        )

    def get_bind_object_name(self) -> str:
        """Return the bound object's own name."""
        return str(getattr(self._bind_object, "name", self.name))

    def get_bind_object_data_type(self) -> str | None:
        """Return the bound object's declared type, None if it has none."""
        return getattr(self._bind_object, "data_type", None)

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.name}"

    def __repr__(self) -> str:
        return f"<InputPortBinding {self.name!r} of {self._bind_object!r}>"


class OutputPortBinding:
    """
    One output of a step, the explicit form of a PipelineData or an output configuration.

    Args:
        name: the output's name.
        bind_mode: `mount` or `upload`.

    Raises:
        ValueError: the mode is unknown.
        NotSupportedError: a registration, for which there are output configurations.
    """

    def __init__(
        self,
        name: str,
        datastore: AbstractDatastore | None = None,
        output_name: str | None = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        is_directory: bool | None = None,
        overwrite: bool | None = None,
        data_type: str | None = None,
        pipeline_output_name: str | None = None,
        training_output: object = None,
        dataset_registration: object = None,
        dataset_output: object = None,
    ) -> None:
        if bind_mode not in ("mount", "upload"):
            raise GraphError(f"output {name!r}: bind_mode {bind_mode!r} is neither 'mount' nor 'upload'")
        for what, value in (("dataset_registration", dataset_registration), ("dataset_output", dataset_output)):
            if value is not None:
                raise NotSupportedError(
                    f"output {name!r}: {what} is not supported; use OutputFileDatasetConfig with register_on_complete"
                )
        self.name = output_name or name
        self.datastore = datastore
        self.bind_mode = bind_mode
        self.path_on_compute = path_on_compute
        self.is_directory = is_directory
        self.overwrite = bool(overwrite)
        self.data_type = data_type
        self.pipeline_output_name = pipeline_output_name
        self.training_output = training_output
        self.dataset_registration = dataset_registration
        self.dataset_output = dataset_output
