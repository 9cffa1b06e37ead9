"""Explicit wiring of one input or output of a step."""

from __future__ import annotations

from airflow_ml._refusals import refuse_unknown
from airflow_ml.data._writers import Written
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.graph.names import is_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core._training_output import TrainingOutput

__all__ = ["InputPortBinding", "OutputPortBinding"]

_INPUT_MODES = ("mount", "download", "direct", "hdfs")


class InputPortBinding:
    """
    One input of a step: a name, what is bound to it, and how the script gets it.

    Args:
        name: the input's name; the script finds its path in `AZUREML_DATAREFERENCE_<name>`. None means the bound
            object's own name.
        bind_object: a PipelineData, DataReference, dataset configuration or the like.
        bind_mode: `mount` (read-only), `download` (a private copy) or `direct` (a dataset's id).

    Raises:
        ValueError: nothing is bound, the mode is unknown, or an unknown argument.
    """

    def __init__(
        self,
        name: str | None,
        bind_object: object = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool | None = None,
        is_resource: bool = False,
        additional_transformations: Mapping[str, Json] | None = None,
        **kwargs: object,
    ) -> None:
        refuse_unknown(kwargs, where=f"input {name!r}", error=GraphError)
        if bind_object is None:
            raise GraphError(f"input {name!r}: nothing is bound to it; give bind_object")
        if bind_mode not in _INPUT_MODES:
            raise GraphError(f"input {name!r}: bind_mode {bind_mode!r} is none of {', '.join(_INPUT_MODES)}")
        self._bind_object = bind_object
        self._name = self.get_bind_object_name() if name is None else name
        self._bind_mode = bind_mode
        self._path_on_compute = path_on_compute
        self._overwrite = overwrite
        self._is_resource = is_resource
        self._additional_transformations = additional_transformations

    @property
    def name(self) -> str:
        """The input's name; can be set before a step is given the binding."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    @property
    def bind_object(self) -> object:
        """What is bound to the input."""
        return self._bind_object

    @property
    def bind_mode(self) -> str:
        """`mount`, `download` or `direct`; can be set before a step is given the binding, and is checked then."""
        return self._bind_mode

    @bind_mode.setter
    def bind_mode(self, value: str) -> None:
        self._bind_mode = value

    @property
    def path_on_compute(self) -> str | None:
        """Where the data lies in the step; can be set before a step is given the binding."""
        return self._path_on_compute

    @path_on_compute.setter
    def path_on_compute(self, value: str | None) -> None:
        self._path_on_compute = value

    @property
    def data_reference_name(self) -> str:
        """The bound object's own name (v1 has it so; the environment variable goes by `name`)."""
        return self.get_bind_object_name()

    @property
    def data_type(self) -> str | None:
        """The declared type of the bound object, if it has one."""
        return self.get_bind_object_data_type()

    @property
    def overwrite(self) -> bool | None:
        """Whether a download may replace what is there; None means no."""
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
        bound = self._bind_object
        # A dataset form is known by its input's name, a reference by the name that v1 gave the attribute.
        for attribute in ("data_reference_name", "name"):
            name = getattr(bound, attribute, None)
            if name is not None:
                return str(name)
        return ""

    def get_bind_object_data_type(self) -> str | None:
        """Return the bound object's declared type, None if it has none."""
        return getattr(self._bind_object, "data_type", None)

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.name}"

    def __repr__(self) -> str:
        return f"<InputPortBinding {self.name!r} of {self._bind_object!r}>"


class OutputPortBinding(Written):
    """
    One output of a step, the explicit form of a PipelineData or an output configuration.

    Args:
        name: letters, digits and underscores; the name by which consumers know the data.
        output_name: the output's name at the producer; default: `name`.
        bind_mode: `mount` or `upload`.

    Raises:
        ValueError: a name with other characters, or an unknown mode.
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
        training_output: TrainingOutput | None = None,
        dataset_registration: object = None,
        dataset_output: object = None,
    ) -> None:
        for what, value in (("name", name), ("output_name", output_name or name)):
            if not isinstance(value, str) or not is_word(value):
                raise GraphError(f"output {name!r}: {what} {value!r} may hold letters, digits and underscores only")
        if bind_mode not in ("mount", "upload"):
            raise GraphError(f"output {name!r}: bind_mode {bind_mode!r} is neither 'mount' nor 'upload'")
        for what, given in (("dataset_registration", dataset_registration), ("dataset_output", dataset_output)):
            if given is not None:
                raise NotSupportedError(
                    f"output {name!r}: {what} is not supported; use OutputFileDatasetConfig with register_on_complete"
                )
        self._name = name
        self._output_name = output_name or name
        self._datastore = datastore
        self._bind_mode = bind_mode
        self._path_on_compute = path_on_compute
        self._is_directory = is_directory
        self._overwrite = overwrite
        self._data_type = data_type
        self._pipeline_output_name = pipeline_output_name
        self._training_output = training_output

    @property
    def name(self) -> str:
        """The name by which consumers know the data."""
        return self._name

    @property
    def datastore(self) -> AbstractDatastore | None:
        """The datastore that was given, or None for the default one; can be set before a step is given the output."""
        return self._datastore

    @datastore.setter
    def datastore(self, value: AbstractDatastore | None) -> None:
        self._datastore = value

    @property
    def bind_mode(self) -> str:
        """`mount` or `upload`."""
        return self._bind_mode

    @property
    def path_on_compute(self) -> str | None:
        """Where the script writes in upload mode, if it was said."""
        return self._path_on_compute

    @property
    def is_directory(self) -> bool | None:
        """Whether the output was declared as a folder."""
        return self._is_directory

    @property
    def overwrite(self) -> bool | None:
        """Whether an upload may replace what is there; None means no."""
        return self._overwrite

    @property
    def data_type(self) -> str | None:
        """The declared type, if there is one."""
        return self._data_type

    @property
    def pipeline_output_name(self) -> str | None:
        """The name under which the whole pipeline shows the output, if it does."""
        return self._pipeline_output_name

    @property
    def training_output(self) -> TrainingOutput | None:
        """What of a training run the output holds; steps refuse it, see TrainingOutput."""
        return self._training_output

    @property
    def dataset_registration(self) -> None:
        """Always None: the constructor refuses registrations."""

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self._name}"

    def __repr__(self) -> str:
        return f"<OutputPortBinding {self._name!r}>"
