"""What both forms of a step's output seen as a dataset share (see `pipeline_output_dataset`)."""

from __future__ import annotations

from airflow_ml._records import copied
from airflow_ml.graph import Registration
from airflow_ml.pipeline.core.port_bindings import InputPortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import replace
    from typing import TypeVar

    from airflow_ml.graph import Json
    from airflow_ml.pipeline.core.pipeline_data import PipelineData

    _Self = TypeVar("_Self", bound="PipelineOutputAbstractDataset")
else:
    from airflow_ml._records import replace

__all__ = ["PipelineOutputAbstractDataset"]


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
        changed = copied(self)
        changed._input_name = name
        return changed

    def register(self: _Self, name: str, create_new_version: bool = True) -> _Self:
        """Return a copy that is registered under the name each time the producer completes."""
        changed = copied(self)
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

    def _registration_with_form(self) -> Registration | None:
        """Return what is registered: a table registers as a table."""
        if self._registration is None:
            return None
        return replace(self._registration, transformations=self._transformations())

    def _with_mode(self: _Self, mode: str, path_on_compute: str | None) -> _Self:
        changed = copied(self)
        changed._mode, changed._path_on_compute = mode, path_on_compute
        return changed

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self._input_name}"
