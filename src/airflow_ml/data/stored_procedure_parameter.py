"""Parameters of stored procedures (`azureml.data.stored_procedure_parameter`)."""

from __future__ import annotations

from enum import Enum

__all__ = ["StoredProcedureParameter", "StoredProcedureParameterType"]


class StoredProcedureParameterType(Enum):
    """Types of such parameters, in SQL's words."""

    String = "String"
    Int = "Int"
    Decimal = "Decimal"
    Guid = "Guid"
    Boolean = "Boolean"
    Date = "Date"


class StoredProcedureParameter:
    """
    A parameter that a SqlDataReference passes to a stored procedure.

    Args:
        type: None is text.
    """

    def __init__(
        self,
        name: str,
        value: str,
        type: StoredProcedureParameterType | None = None,
    ) -> None:
        self.name = name
        self.value = value
        self.type = type or StoredProcedureParameterType.String

    def __repr__(self) -> str:
        return f"StoredProcedureParameter(name={self.name!r}, value={self.value!r}, type={self.type.value!r})"
