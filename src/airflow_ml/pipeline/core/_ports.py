"""
What a step's constructor was given as inputs, outputs and arguments, in one normal form.

The v1 face allows a dozen kinds of objects in three lists. Here each becomes a `BoundInput` or a `BoundOutput`; the
caller's lists and objects are left as they are. Which step produces what is decided later, when all steps of a
pipeline are known (`airflow_ml.pipeline.core._producers`).
"""

from __future__ import annotations

from airflow_ml.data._output_config import OutputDatasetConfig
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPathComputeBinding
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.graph import OutputPort
from airflow_ml.pipeline.core._output_dataset import PipelineOutputAbstractDataset
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding, OutputPortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from dataclasses import dataclass, replace
    from typing import Any, cast

    from airflow_ml.graph import InputMode, Json, OutputMode
else:
    from airflow_ml._records import dataclass, replace
    from airflow_ml._typing import cast

__all__ = ["BoundInput", "BoundOutput", "bind_input", "bind_output", "merge_inputs", "origin"]

#: The mode that gives the script more wins where one input is named twice: v1's configurations start as `direct`.
_STRENGTH = {"direct": 0, "mount": 1, "download": 2}


@dataclass(frozen=True)
class BoundInput:
    """One input as it was given: what is read (`data`) and how the script gets it."""

    name: str
    data: object
    mode: InputMode = "mount"
    path_on_compute: str | None = None
    overwrite: bool = False
    is_resource: bool = False
    transformations: Mapping[str, Json] | None = None
    has_default_name: bool = False

    @property
    def identity(self) -> Hashable:
        """Equal for two bindings of the same data, which may be one input then."""
        return origin(self.data)


@dataclass(frozen=True)
class BoundOutput:
    """One output as it was given: the graph's port, and the object that consumers hold."""

    port: OutputPort
    data: object
    has_default_name: bool = False

    @property
    def identity(self) -> Hashable:
        """The key by which a consumer finds its producer."""
        return origin(self.data)


def origin(data: object) -> Hashable:
    """Return what makes two bindings the same data: copies of an output configuration share theirs."""
    if isinstance(data, PipelineData):
        return id(data)
    if isinstance(data, PipelineOutputAbstractDataset):
        return id(data._pipeline_data)
    if isinstance(data, OutputDatasetConfig):
        return ("output config", id(data.origin))
    if isinstance(data, DataReference):
        return ("data reference", data.source)
    if isinstance(data, PipelineParameter):
        return ("parameter", data.name)
    return id(data)


def merge_inputs(known: BoundInput, new: BoundInput) -> BoundInput | None:
    """
    Return both bindings as one input, or None if they are two.

    They are one if they bind the same data in the same form under one name, or if one of them has no name of its own.
    The article names an input twice, once as it is and once as a download; the real SDK refuses that.
    """
    is_same_name = known.name == new.name or known.has_default_name or new.has_default_name
    if not is_same_name or known.identity != new.identity or known.transformations != new.transformations:
        return None
    named = new if known.has_default_name else known
    # Two unnamed bindings of one dataset with two modes are two wishes, not one said twice.
    if known.has_default_name and new.has_default_name and known.mode != new.mode:
        return None
    stronger = new if _STRENGTH[new.mode] > _STRENGTH[known.mode] else known
    return replace(stronger, name=named.name, has_default_name=named.has_default_name)


def bind_input(item: object, *, where: str) -> BoundInput:
    """
    Return one item of a step's inputs in normal form.

    Raises:
        ValueError: a raw dataset, or an object that is no input.
    """
    for cls in type(item).__mro__:
        if cls in _INPUTS:
            return _INPUTS[cls](item, where)
    if isinstance(item, AbstractDataset):
        raise GraphError(f"{where}: a dataset needs a name as an input; write dataset.as_named_input('name')")
    raise GraphError(
        f"{where}: {item!r} (a {type(item).__name__}) cannot be an input; give a data object such as a PipelineData, a"
        " DataReference or dataset.as_named_input('name')"
    )


def bind_output(item: object, *, where: str) -> BoundOutput:
    """
    Return one item of a step's outputs in normal form.

    Raises:
        ValueError: an object that is no output.
    """
    if isinstance(item, PipelineData):
        return _pipeline_data_output(item)
    if isinstance(item, PipelineOutputAbstractDataset):
        bound = _pipeline_data_output(item._pipeline_data)
        return replace(bound, port=replace(bound.port, registration=item._registration_with_form()))
    if isinstance(item, OutputDatasetConfig):
        return BoundOutput(item.to_port(), item, has_default_name=item.has_default_name)
    if isinstance(item, OutputPortBinding):
        return _port_binding_output(item)
    raise GraphError(
        f"{where}: {item!r} (a {type(item).__name__}) cannot be an output; give a PipelineData or an"
        " OutputFileDatasetConfig"
    )


def _pipeline_data_output(data: PipelineData) -> BoundOutput:
    if data._training_output is not None:
        raise NotSupportedError(
            f"output {data.name!r}: training_output belongs to HyperDrive and AutoML steps, which are not available;"
            " leave it out and let the script write the file"
        )
    port = OutputPort(
        name=data._output_name,
        datastore=None if data.datastore is None else data.datastore.name,
        mode=cast("OutputMode", data._output_mode),
        path_on_compute=data._output_path_on_compute,
        overwrite=data._output_overwrite,
        is_directory=data._is_directory,
        data_type=data.data_type if data.data_type != "AnyFile" else None,
        pipeline_output_name=data._pipeline_output_name,
    )
    return BoundOutput(port, data)


def _port_binding_output(item: OutputPortBinding) -> BoundOutput:
    port = OutputPort(
        name=item.name,
        datastore=None if item.datastore is None else item.datastore.name,
        mode=cast("OutputMode", item.bind_mode),
        path_on_compute=item.path_on_compute,
        overwrite=item.overwrite,
        is_directory=item.is_directory,
        data_type=item.data_type,
        pipeline_output_name=item.pipeline_output_name,
    )
    return BoundOutput(port, item)


def _from_pipeline_data(item: PipelineData, _where: str) -> BoundInput:
    return BoundInput(item.name, item)


def _from_output_dataset(item: PipelineOutputAbstractDataset, where: str) -> BoundInput:
    return _from_binding(item.create_input_binding(), where)


def _from_binding(item: InputPortBinding, where: str) -> BoundInput:
    if item.bind_mode not in _STRENGTH:
        raise GraphError(f"{where}: input {item.name!r}: mode {item.bind_mode!r} is not one of mount, download, direct")
    data = item.bind_object
    if not isinstance(data, (PipelineData, OutputPortBinding, PipelineOutputAbstractDataset)):
        data = bind_input(data, where=where).data
    return BoundInput(
        name=item.name,
        data=data,
        mode=cast("InputMode", item.bind_mode),
        path_on_compute=item.path_on_compute,
        overwrite=item.overwrite,
        is_resource=item.is_resource,
        transformations=item.additional_transformations,
    )


def _from_reference(item: DataReference, where: str) -> BoundInput:
    if item.mode == "upload":
        raise GraphError(
            f"{where}: data reference {item.name!r} with mode 'upload' cannot be an input; use OutputFileDatasetConfig"
            " as an output instead"
        )
    mode = cast("InputMode", item.mode)
    return BoundInput(item.name, item, mode, item.path_on_compute, overwrite=item.overwrite)


def _from_consumption(item: DatasetConsumptionConfig, where: str) -> BoundInput:
    if item.mode not in _STRENGTH:
        raise GraphError(f"{where}: input {item.name!r}: mode {item.mode!r} is not one of mount, download, direct")
    return BoundInput(
        name=item.name,
        data=item.dataset,
        mode=cast("InputMode", item.mode),
        path_on_compute=item.path_on_compute,
        transformations=item.dataset.transformations if isinstance(item.dataset, OutputDatasetConfig) else None,
        has_default_name=item.has_default_name,
    )


def _from_output_config(item: OutputDatasetConfig, where: str) -> BoundInput:
    return _from_consumption(item.as_input(), where)


def _from_pair(item: tuple[object, ...], where: str) -> BoundInput:
    parameter, binding = item if len(item) == 2 else (None, None)
    if isinstance(parameter, PipelineParameter) and isinstance(binding, DataPathComputeBinding):
        if parameter.kind != "datapath":
            raise GraphError(
                f"{where}: parameter {parameter.name!r} has the default {parameter.default_value!r}; one that is"
                " paired with a DataPathComputeBinding needs a DataPath"
            )
        if binding.mode not in ("mount", "download"):
            raise GraphError(f"{where}: parameter {parameter.name!r}: mode {binding.mode!r} is not mount or download")
        mode = cast("InputMode", binding.mode)
        return BoundInput(parameter.name, parameter, mode, binding.path_on_compute, overwrite=binding.overwrite)
    raise GraphError(f"{where}: {item!r} is not a pair of PipelineParameter and DataPathComputeBinding")


_INPUTS: Mapping[type[Any], Callable[[Any, str], BoundInput]] = {
    PipelineData: _from_pipeline_data,
    PipelineOutputAbstractDataset: _from_output_dataset,
    InputPortBinding: _from_binding,
    DataReference: _from_reference,
    DatasetConsumptionConfig: _from_consumption,
    OutputDatasetConfig: _from_output_config,
    tuple: _from_pair,
}
