"""A step that copies data between datastores (`azureml.pipeline.steps.DataTransferStep`)."""

from __future__ import annotations

from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline.core._output_ports import bind_output
from airflow_ml.pipeline.core.builder import PipelineStep, StepDefinition
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.steps._run_configuration import compute_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import replace

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.graph import Json, OutputKind
    from airflow_ml.pipeline.core._ports import BoundInput
else:
    from airflow_ml._records import replace

__all__ = ["DataTransferStep"]

#: v1's name of what a later step takes to wait for the copy.
_OUTPUT = "_data_transfer_output"

_TYPES = ("file", "directory")

#: What v1 calls the kind of compute that copies; here it is a name.
_COMPUTE_TYPE = "DataFactory"


class _Copied(PipelineData):
    """What was copied, at its destination."""

    def __init__(self, destination: BoundInput) -> None:
        # A path that a parameter names is known in the run; the receipt of a table lies on the default datastore.
        named = destination.data if type(destination.data) is DataReference else None
        super().__init__(_OUTPUT, datastore=None if named is None else named.datastore)
        is_table = isinstance(destination.data, SqlDataReference)
        self._port_kind: OutputKind = "copied_rows" if is_table else "copied_files"


class DataTransferStep(PipelineStep):
    """
    Copy data from one datastore to another: files and folders, tables and queries of databases, each to each.

    Args:
        source_data_reference: a DataReference or SqlDataReference, or whatever else can be an input of a step: a
            dataset with a name, an output of another step.
        destination_data_reference: a DataReference, the table of a SqlDataReference, or a PipelineParameter with a
            DataPath. What is there and has other names stays.
        compute_target: a DataFactoryCompute or its name. Nothing runs on it: the task's worker copies.
        source_reference_type: `file` or `directory`; default: what the path is.
        destination_reference_type: `file` or `directory`; default: what the path is if it is there, else what the
            source is; what a database gives goes into a file if the path ends like one (`.csv`, `.parquet`).
        allow_reuse: copy nothing where the source has not changed since the last copy and the copy is as it was (v1
            looks at the definitions alone).

    Raises:
        ValueError: no name or compute target, one of another kind, a type that is none of the two, both references
            of one name, or a destination that cannot be written.
    """

    def __init__(
        self,
        name: str,
        source_data_reference: object = None,
        destination_data_reference: object = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        source_reference_type: str | None = None,
        destination_reference_type: str | None = None,
        allow_reuse: bool = True,
    ) -> None:
        where = f"step {name!r}"
        for what, given in (("source", source_data_reference), ("destination", destination_data_reference)):
            if given is None:
                raise GraphError(f"{where}: {what}_data_reference is not given; give a DataReference")
        _check_compute(where, compute_target)
        _check_destination(where, destination_data_reference)
        ends = [source_data_reference, destination_data_reference]
        # The source may be the output of another transfer, which is called like this one's.
        super().__init__(name, ends, None, fix_port_name_collisions=True)
        self._mark_destination(where)
        self._types: dict[str, Json] = {
            "source_type": _type_of(where, "source_reference_type", source_reference_type),
            "destination_type": _type_of(where, "destination_reference_type", destination_reference_type),
        }
        self._compute_target = compute_target
        if isinstance(compute_target, tuple):
            self._compute_of_later = compute_target[0]
        self._allow_reuse = bool(allow_reuse)

    def get_output(self) -> PipelineData:
        """
        Return what a later step takes as input to wait for the copy and to read it.

        It is read where it was copied to; of rows that were added to a table a small file tells.
        """
        return self._output

    def _mark_destination(self, where: str) -> None:
        inputs = self._given.inputs
        if len(inputs) != 2 or inputs[0].name == inputs[1].name:
            raise GraphError(
                f"{where}: input name {inputs[0].name!r} is repeated: source and destination must be two references,"
                " each with a data_reference_name of its own"
            )
        destination = replace(inputs[1], is_destination=True)
        if isinstance(inputs[0].data, SqlDataReference):
            inputs[0].data.source  # noqa: B018 - raises where it is not said what is read
        if isinstance(destination.data, SqlDataReference) and destination.data.source.table is None:
            raise GraphError(f"{where}: rows go into a table; give the destination as SqlDataReference(sql_table=...)")
        self._output = _Copied(destination)
        outputs = (bind_output(self._output, where=where),)
        self._given = replace(self._given, inputs=(inputs[0], destination), outputs=outputs)
        self._claim_outputs()

    def _define(self, _default_source_directory: str | None, _memo: dict[object, object]) -> StepDefinition:
        return StepDefinition(
            kind="data_transfer",
            compute=compute_name(self.name, self._compute_target, None),
            allow_reuse=self._allow_reuse,
            settings={name: given for name, given in self._types.items() if given is not None},
        )


def _check_compute(where: str, target: object) -> None:
    """Raise ValueError for what is no data factory, as v1 does; a name is looked up when a run starts."""
    if target is None:
        raise GraphError(f"{where}: compute_target is not given; give a DataFactoryCompute, or the name of one")
    kind = target[1] if isinstance(target, tuple) and len(target) == 2 else getattr(target, "type", _COMPUTE_TYPE)
    if kind != _COMPUTE_TYPE:
        raise GraphError(
            f"{where}: compute target {getattr(target, 'name', target)!r} is of type {kind!r}; a DataTransferStep takes"
            " a DataFactoryCompute"
        )


def _check_destination(where: str, destination: object) -> None:
    """Raise ValueError for what is no place on a datastore; v1 refuses a PipelineData there."""
    bound = getattr(destination, "bind_object", destination)
    if isinstance(bound, tuple) and len(bound) == 2:
        bound = bound[0]
    is_place = isinstance(bound, (DataReference, PipelineParameter)) or hasattr(bound, "create_data_reference")
    if not is_place:
        raise GraphError(
            f"{where}: destination {destination!r} (a {type(destination).__name__}) is no place on a datastore; give a"
            " DataReference, or a SqlDataReference with sql_table"
        )


def _type_of(where: str, argument: str, given: object) -> str | None:
    if given is None:
        return None
    kind = given.lower() if isinstance(given, str) else given
    if kind not in _TYPES:
        raise GraphError(f"{where}: {argument} {given!r} is neither 'file' nor 'directory'")
    return str(kind)
