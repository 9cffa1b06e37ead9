"""A value that each run of a pipeline may replace."""

from __future__ import annotations

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.datapath import DataPath
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import Parameter, datapath_uri, dataset_uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import cast

    from airflow_ml.graph import Json, ParameterKind
else:
    from airflow_ml._typing import cast

__all__ = ["PipelineParameter"]


class PipelineParameter:
    """
    A value that each run may replace; its kind is fixed by the default.

    Args:
        name: unique in the pipeline; two parameters of one name need equal defaults.
        default_value: str, int, float, bool, DataPath or a dataset. None is a string that may be missing, which v1
            refused and people worked around with the word "None".

    Attributes:
        kind: `string`, `integer`, `number`, `boolean`, `datapath` or `dataset`.

    Raises:
        ValueError: a default of another type, or no name.
    """

    def __init__(self, name: str, default_value: object) -> None:
        if not isinstance(name, str) or not name:
            raise GraphError(f"parameter: name {name!r} is not text with at least one letter")
        self.name = name
        self.default_value = default_value
        self.kind: ParameterKind = _kind_of(name, default_value)

    def to_declaration(self) -> Parameter:
        """Return the parameter as the graph holds it."""
        default = self.default_value
        if isinstance(default, DataPath):
            return Parameter(self.name, "datapath", datapath_uri(default.source))
        if isinstance(default, AbstractDataset):
            source = default.source
            return Parameter(self.name, "dataset", dataset_uri(source), default_dataset=source)
        return Parameter(self.name, self.kind, cast("Json", default))

    def __str__(self) -> str:
        return f"PipelineParameter_Name:{self.name}_Default:{self.default_value}"

    def __repr__(self) -> str:
        return f"PipelineParameter(name={self.name!r}, default_value={self.default_value!r})"


def _kind_of(name: str, value: object) -> ParameterKind:
    if value is None or isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, DataPath):
        return "datapath"
    if isinstance(value, AbstractDataset):
        return "dataset"
    raise GraphError(
        f"parameter {name!r}: a default of type {type(value).__name__} is not possible; use str, int, float, bool,"
        " DataPath or a dataset"
    )
