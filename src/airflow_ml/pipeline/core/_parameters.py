"""The parameters of a pipeline that is being built."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError
from airflow_ml.graph import Parameter, ParameterRef
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_ml.graph import Json

__all__ = ["Parameters"]


class Parameters:
    """The parameters of the whole pipeline, in the order in which they are met."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[PipelineParameter, Parameter, str]] = {}

    def take(self, parameters: Iterable[PipelineParameter], *, where: str) -> None:
        """
        Add parameters.

        Raises:
            ValueError: one name with two defaults.
        """
        for parameter in parameters:
            known = self._found.get(parameter.name)
            if known is not None and known[0] is parameter:
                continue
            declaration = parameter.to_declaration()
            if known is None:
                self._found[parameter.name] = (parameter, declaration, where)
            elif known[1] != declaration:
                raise GraphError(
                    f"parameter {parameter.name!r} has the default {known[0].default_value!r} in {known[2]} and"
                    f" {parameter.default_value!r} in {where}; use one PipelineParameter object for both"
                )

    def reference(self, value: object, *, where: str) -> Json | ParameterRef:
        """Return a run setting as the graph holds it."""
        if isinstance(value, PipelineParameter):
            self.take((value,), where=where)
            return ParameterRef(value.name)
        return value  # type: ignore[return-value]  # settings hold plain values besides parameters

    def declared(self) -> tuple[Parameter, ...]:
        """Return the declarations."""
        return tuple(declaration for _, declaration, _ in self._found.values())
