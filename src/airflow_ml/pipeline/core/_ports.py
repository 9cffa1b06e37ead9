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
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline.core._output_dataset import PipelineOutputAbstractDataset
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding, OutputPortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from dataclasses import dataclass, replace
    from typing import Any, cast

    from airflow_ml.graph import InputMode, Json
else:
    from airflow_ml._records import dataclass, replace
    from airflow_ml._typing import cast

__all__ = ["BoundInput", "bind_input", "merge_inputs", "origin"]

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
    is_destination: bool = False

    @property
    def identity(self) -> Hashable:
        """Equal for two bindings of the same data, which may be one input then."""
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
    binding = getattr(item, "create_input_binding", None)
    if binding is not None:  # outputs of finished runs, which are read where this room is not imported
        return _from_binding(binding(), where)
    if isinstance(item, AbstractDataset):
        raise GraphError(f"{where}: a dataset needs a name as an input; write dataset.as_named_input('name')")
    raise GraphError(
        f"{where}: {item!r} (a {type(item).__name__}) cannot be an input; give a data object such as a PipelineData, a"
        " DataReference or dataset.as_named_input('name')"
    )


def _from_pipeline_data(item: PipelineData, _where: str) -> BoundInput:
    return BoundInput(item.name, item)


def _from_output_dataset(item: PipelineOutputAbstractDataset, where: str) -> BoundInput:
    return _from_binding(item.create_input_binding(), where)


def _from_binding(item: InputPortBinding, where: str) -> BoundInput:
    if item.bind_mode not in _STRENGTH:
        raise GraphError(f"{where}: input {item.name!r}: mode {item.bind_mode!r} is not one of mount, download, direct")
    data, transformations = item.bind_object, item.additional_transformations
    if not isinstance(data, (PipelineData, OutputPortBinding, PipelineOutputAbstractDataset)):
        bound = bind_input(data, where=where)
        data, transformations = bound.data, transformations or bound.transformations
    return BoundInput(
        name=item.name,
        data=data,
        mode=cast("InputMode", item.bind_mode),
        path_on_compute=item.path_on_compute,
        overwrite=bool(item.overwrite),
        is_resource=item.is_resource,
        transformations=transformations,
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
    data, binding = item if len(item) == 2 else (None, None)
    if not isinstance(data, (DataPath, PipelineParameter)) or not isinstance(binding, DataPathComputeBinding):
        raise GraphError(
            f"{where}: {item!r} is not a pair of a PipelineParameter or DataPath and a DataPathComputeBinding"
        )
    if binding.mode not in ("mount", "download"):
        raise GraphError(f"{where}: {data!r}: mode {binding.mode!r} is not mount or download")
    if isinstance(data, DataPath):
        return _from_reference(data.create_data_reference(None, binding), where)
    if data.kind != "datapath":
        raise GraphError(
            f"{where}: parameter {data.name!r} has the default {data.default_value!r}; one that is paired with a"
            " DataPathComputeBinding needs a DataPath"
        )
    mode = cast("InputMode", binding.mode)
    return BoundInput(data.name, data, mode, binding.path_on_compute, overwrite=binding.overwrite)


_INPUTS: Mapping[type[Any], Callable[[Any, str], BoundInput]] = {
    PipelineData: _from_pipeline_data,
    PipelineOutputAbstractDataset: _from_output_dataset,
    InputPortBinding: _from_binding,
    DataReference: _from_reference,
    DatasetConsumptionConfig: _from_consumption,
    OutputDatasetConfig: _from_output_config,
    tuple: _from_pair,
}
