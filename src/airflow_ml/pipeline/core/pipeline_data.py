"""Intermediate data between two steps of a pipeline."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data._writers import Written
from airflow_ml.exceptions import GraphError
from airflow_ml.graph.names import is_word
from airflow_ml.pipeline.core.port_bindings import InputPortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph import OutputKind
    from airflow_ml.pipeline.core import pipeline_output_dataset
    from airflow_ml.pipeline.core._training_output import TrainingOutput
    from airflow_ml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset
else:
    pipeline_output_dataset = late("airflow_ml.pipeline.core.pipeline_output_dataset")

__all__ = ["PipelineData"]


class PipelineData(Written):
    """
    Data that one step writes and others read; its place is decided in the run.

    The producer gets a path that does not exist yet and may write a folder or one file there (v1 behaviour); it is
    stored at `azureml/<step run id>/<output_name>` of the datastore when the step has completed.

    Args:
        name: letters, digits and underscores; the input's name at the consumers.
        datastore: default: the pipeline's default datastore, else the workspace's.
        output_name: the output's name at the producer; default: `name`.
        output_mode: `mount` or `upload`; both are written locally and committed when the step has completed.
        is_directory: declares a folder; it creates nothing.
        pipeline_output_name: makes the data known as an output of the whole pipeline.

    Raises:
        ValueError: a name with other characters, an empty name, or an unknown mode.
    """

    _port_kind: OutputKind = "pipeline_data"

    def __init__(
        self,
        name: str,
        datastore: AbstractDatastore | None = None,
        output_name: str | None = None,
        output_mode: str = "mount",
        output_path_on_compute: str | None = None,
        output_overwrite: bool | None = None,
        data_type: str | None = None,
        is_directory: bool | None = None,
        pipeline_output_name: str | None = None,
        training_output: TrainingOutput | None = None,
    ) -> None:
        self._name = _checked_name("PipelineData", "name", name)
        self._output_name = _checked_name(f"PipelineData {name!r}", "output_name", output_name or name)
        if output_mode not in ("mount", "upload"):
            raise GraphError(f"PipelineData {name!r}: output_mode {output_mode!r} is neither 'mount' nor 'upload'")
        self._datastore = datastore
        self._output_mode = output_mode
        self._output_path_on_compute = output_path_on_compute
        self._output_overwrite = output_overwrite
        self._data_type = data_type
        self._is_directory = is_directory
        self._pipeline_output_name = pipeline_output_name
        self._training_output = training_output

    @property
    def name(self) -> str:
        """The input's name at the consumers."""
        return self._name

    @property
    def datastore(self) -> AbstractDatastore | None:
        """The datastore that was given, or None for the default one."""
        return self._datastore

    @property
    def data_type(self) -> str | None:
        """The type that was given; None stands for a file, or for a folder with `is_directory`."""
        return self._data_type

    def as_input(self, input_name: str | None = None) -> InputPortBinding:
        """
        Return this data as an input with a name of its own.

        Unlike v1, where `input_name` is required, None means the data's own name: the article calls it without.
        """
        return self.create_input_binding(input_name=input_name)

    def as_mount(self, input_name: str | None = None) -> InputPortBinding:
        """Return this data as a read-only input at a path."""
        return self.create_input_binding(input_name=input_name, mode="mount")

    def as_download(
        self, input_name: str | None = None, path_on_compute: str | None = None, overwrite: bool | None = None
    ) -> InputPortBinding:
        """Return this data as an input that is a private copy."""
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)

    def as_dataset(self) -> PipelineOutputFileDataset:
        """Return this data as a dataset; give the result to the producer's `outputs`."""
        return pipeline_output_dataset.PipelineOutputFileDataset(self)

    def create_input_binding(
        self,
        input_name: str | None = None,
        mode: str | None = None,
        path_on_compute: str | None = None,
        overwrite: bool | None = None,
    ) -> InputPortBinding:
        """
        Return this data as an input, the general form.

        Raises:
            ValueError: a mode other than `mount` and `download`.
        """
        if mode not in (None, "mount", "download"):
            raise GraphError(f"PipelineData {self._name!r}: input mode {mode!r} is neither 'mount' nor 'download'")
        return InputPortBinding(
            name=input_name or self._name,
            bind_object=self,
            bind_mode=mode or "mount",
            path_on_compute=path_on_compute,
            overwrite=overwrite,
        )

    def get_env_variable_name(self) -> str:
        """Return `$AZUREML_DATAREFERENCE_<name>`, which the run expands inside arguments."""
        return f"$AZUREML_DATAREFERENCE_{self._name}"

    def __str__(self) -> str:
        return self.get_env_variable_name()

    def __repr__(self) -> str:
        return f"<PipelineData {self._name!r}>"


def _checked_name(where: str, what: str, name: str) -> str:
    if not isinstance(name, str) or not is_word(name):
        raise GraphError(f"{where}: {what} {name!r} may hold letters, digits and underscores only, at least one")
    return name
