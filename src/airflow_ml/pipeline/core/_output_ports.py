"""One output of a step in its normal form, whichever of v1's forms it was given in."""

from __future__ import annotations

from airflow_ml.data._output_config import OutputDatasetConfig
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.graph import OutputPort
from airflow_ml.pipeline.core._output_dataset import PipelineOutputAbstractDataset
from airflow_ml.pipeline.core._ports import origin
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.port_bindings import OutputPortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from dataclasses import dataclass, replace
    from typing import cast

    from airflow_ml.graph import OutputMode
else:
    from airflow_ml._records import dataclass, replace
    from airflow_ml._typing import cast

__all__ = ["BoundOutput", "bind_output"]


@dataclass(frozen=True)
class BoundOutput:
    """
    One output as it was given: the graph's port, and the object that consumers hold.

    Attributes:
        is_dataset: consumers may read it as a dataset: it was given in its dataset form.
    """

    port: OutputPort
    data: object
    has_default_name: bool = False
    is_dataset: bool = False

    @property
    def identity(self) -> Hashable:
        """The key by which a consumer finds its producer."""
        return origin(self.data)


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
        return replace(bound, is_dataset=True, port=replace(bound.port, registration=item._registration_with_form()))
    if isinstance(item, OutputDatasetConfig):
        return BoundOutput(item.to_port(), item, has_default_name=item.has_default_name)
    if isinstance(item, OutputPortBinding):
        return _port_binding_output(item)
    raise GraphError(
        f"{where}: {item!r} (a {type(item).__name__}) cannot be an output; give a PipelineData or an"
        " OutputFileDatasetConfig"
    )


def _pipeline_data_output(data: PipelineData) -> BoundOutput:
    bound = _declared_output(data, data._output_mode, data._output_path_on_compute, data._output_overwrite)
    kind = data._port_kind
    return bound if kind == bound.port.kind else replace(bound, port=replace(bound.port, kind=kind))


def _port_binding_output(item: OutputPortBinding) -> BoundOutput:
    return _declared_output(item, item.bind_mode, item.path_on_compute, item.overwrite)


def _declared_output(
    item: PipelineData | OutputPortBinding, mode: str, path_on_compute: str | None, overwrite: bool | None
) -> BoundOutput:
    _refuse_training_output(item.name, item._training_output)
    port = OutputPort(
        name=item._output_name,
        datastore=_store_name(item.name, item.datastore),
        mode=cast("OutputMode", mode),
        path_on_compute=path_on_compute,
        overwrite=bool(overwrite),
        is_directory=item._is_directory,
        data_type=item.data_type or ("AnyDirectory" if item._is_directory else None),
        pipeline_output_name=item._pipeline_output_name,
    )
    return BoundOutput(port, item)


def _store_name(output: str, datastore: object) -> str | None:
    name = getattr(datastore, "name", None)
    if datastore is not None and not isinstance(name, str):
        raise GraphError(
            f"output {output!r}: datastore {datastore!r} is no datastore; give the object that Datastore.get returns"
        )
    return name


def _refuse_training_output(name: str, training_output: object) -> None:
    if training_output is not None:
        raise NotSupportedError(
            f"output {name!r}: training_output belongs to HyperDrive and AutoML steps, which are not available;"
            " leave it out and let the script write the file"
        )
