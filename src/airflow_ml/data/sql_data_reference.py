"""A table, query or stored procedure of a database (`azureml.data.sql_data_reference`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data.data_reference import DataReference
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph.model import DatabaseSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn, cast

    from airflow_ml.data import stored_procedure_parameter
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.data.stored_procedure_parameter import StoredProcedureParameter
    from airflow_ml.graph.model import Json
else:
    from airflow_ml._typing import cast

    stored_procedure_parameter = late("airflow_ml.data.stored_procedure_parameter")

__all__ = ["SqlDataReference"]


class SqlDataReference(DataReference):
    """
    A pointer into a database, for DataTransferStep: a table, a query or a stored procedure.

    As in v1 it can be neither mounted nor copied by a step that runs a script, and how much of it is given is not
    checked here.
    """

    def __init__(
        self,
        datastore: AbstractDatastore,
        data_reference_name: str | None = None,
        sql_table: str | None = None,
        sql_query: str | None = None,
        sql_stored_procedure: str | None = None,
        sql_stored_procedure_params: Sequence[StoredProcedureParameter] | None = None,
    ) -> None:
        super().__init__(datastore, data_reference_name=data_reference_name)
        self.sql_table = sql_table
        self.sql_query = sql_query
        self.sql_stored_procedure = sql_stored_procedure
        self.sql_stored_procedure_params = sql_stored_procedure_params

    @property
    def sql_source(self) -> dict[str, Json]:
        """
        What is read, as a graph holds it: a table, a query, or a stored procedure with its parameters (not in v1).

        Raises:
            UserErrorException: none of the three was given, or several; or a parameter is no StoredProcedureParameter.
        """
        places = {"table": self.sql_table, "query": self.sql_query, "procedure": self.sql_stored_procedure}
        given: dict[str, Json] = {key: text for key, text in places.items() if text}
        if len(given) != 1:
            raise UserErrorException(
                f"SQL data reference {self.name!r}: {', '.join(given) or 'nothing'} was given; give one of sql_table, "
                "sql_query and sql_stored_procedure"
            )
        parameters = list(self.sql_stored_procedure_params or ())
        if parameters and "procedure" not in given:
            raise UserErrorException(
                f"SQL data reference {self.name!r}: sql_stored_procedure_params belong to a sql_stored_procedure; "
                "leave them out"
            )
        if not all(isinstance(item, stored_procedure_parameter.StoredProcedureParameter) for item in parameters):
            raise UserErrorException(
                f"SQL data reference {self.name!r}: sql_stored_procedure_params {parameters!r}; give a list of "
                "StoredProcedureParameter"
            )
        if parameters:
            given["procedure_parameters"] = [
                {"name": item.name, "value": item.value, "type": item.type.value} for item in parameters
            ]
        return given

    @property
    def source(self) -> DatabaseSource:  # type: ignore[override]  # in v1 a database is a reference like any other
        """
        The reference as the graph holds it.

        Raises:
            UserErrorException: as `sql_source`.
        """
        given = self.sql_source
        parameters = cast("list[dict[str, str | None]]", given.get("procedure_parameters") or [])
        return DatabaseSource(
            datastore=self.datastore.name,
            table=cast("str | None", given.get("table")),
            query=cast("str | None", given.get("query")),
            procedure=cast("str | None", given.get("procedure")),
            parameters=tuple([(str(item["name"]), str(item["type"]), item["value"]) for item in parameters]),
        )

    def refused_in_scripts(self) -> NotSupportedError:
        """Return the error for a step that runs a script."""
        return self._refused("an input of a step that runs a script")

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> NoReturn:
        """Raise NotSupportedError, as v1: a database has no paths."""
        raise self._refused(f"path({path!r}, {data_reference_name!r})")

    def as_mount(self) -> NoReturn:
        """Raise NotSupportedError, as v1: a database cannot be mounted."""
        raise self._refused("as_mount")

    def as_download(self, path_on_compute: str | None = None, overwrite: bool = False) -> NoReturn:
        """Raise NotSupportedError, as v1: a database cannot be downloaded."""
        raise self._refused(f"as_download({path_on_compute!r}, {overwrite!r})")

    def as_upload(self, path_on_compute: str | None = None, overwrite: bool = False) -> NoReturn:
        """Raise NotSupportedError, as v1: a database cannot be uploaded to."""
        raise self._refused(f"as_upload({path_on_compute!r}, {overwrite!r})")

    def to_config(self) -> NoReturn:
        """Raise NotSupportedError, as v1."""
        raise self._refused("to_config")

    def _refused(self, call: str) -> NotSupportedError:
        return NotSupportedError(
            f"SQL data reference {self.name!r}: {call} does not fit a database; move the data to files with a "
            "DataTransferStep, or query it in the script"
        )
