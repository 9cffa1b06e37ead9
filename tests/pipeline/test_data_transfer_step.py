"""Steps that copy: their two ends, what v1 refuses, and what of them the graph holds."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph import DatabaseSource, DataReferenceSource, ParameterSource, StepOutputSource, from_json, to_json
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import DataTransferStep, PythonScriptStep


@pytest.fixture
def source(store: AzureBlobDatastore) -> DataReference:
    """A folder of a datastore."""
    return DataReference(store, "raw", "raw/2020")


@pytest.fixture
def destination(store: AzureBlobDatastore) -> DataReference:
    """Another one."""
    return DataReference(store, "copy", "copied")


@pytest.fixture
def table(workspace: Workspace) -> SqlDataReference:
    """A table."""
    return SqlDataReference(AzurePostgreSqlDatastore(workspace, "db", "s", "d", "u", "p"), "rows", sql_table="sales")


def transfer(source: object, destination: object, **more: Any) -> DataTransferStep:
    """Return a step of a data factory's name."""
    return DataTransferStep("copy", source, destination, **{"compute_target": ("adf", "DataFactory"), **more})


def test_both_ends_are_inputs(workspace: Workspace, source: DataReference, destination: DataReference) -> None:
    """As in v1 source and destination are inputs; the second is marked, and the copy is the output."""
    step = transfer(source, destination, source_reference_type="Directory")

    graph = Pipeline(workspace, [step]).graph

    (node,) = graph.steps
    assert node.kind == "data_transfer"
    assert node.compute == "adf"
    assert node.settings == {"source_type": "directory"}
    assert [(port.name, port.source, port.is_destination) for port in node.inputs] == [
        ("raw", DataReferenceSource("store", "raw/2020"), False),
        ("copy", DataReferenceSource("store", "copied"), True),
    ]
    (output,) = node.outputs
    assert (output.name, output.kind, output.datastore) == ("_data_transfer_output", "copied_files", "store")
    assert from_json(to_json(graph)) == graph


def test_tables_are_ends(workspace: Workspace, destination: DataReference, table: SqlDataReference) -> None:
    """A query or procedure is read, a table is read and written; the receipt of rows is on the default datastore."""
    query = SqlDataReference(table.datastore, "query", sql_query="SELECT 1")

    graph = Pipeline(workspace, [transfer(query, destination), transfer(destination, table, allow_reuse=False)]).graph

    read, written = graph.steps
    assert read.inputs[0].source == DatabaseSource("db", query="SELECT 1")
    assert written.inputs[1].source == DatabaseSource("db", table="sales")
    assert (written.outputs[0].kind, written.outputs[0].datastore, written.allow_reuse) == ("copied_rows", None, False)
    assert from_json(to_json(graph)) == graph


def test_output_chains(workspace: Workspace, source: DataReference, destination: DataReference) -> None:
    """What get_output returns makes a later step wait; the transfer comes along without being listed."""
    copied = transfer(source, destination).get_output()
    reader = PythonScriptStep("run.py", name="read", arguments=[copied], inputs=[copied], source_directory="src")

    first, second = Pipeline(workspace, [reader]).graph.steps

    assert second.inputs[0].source == StepOutputSource(first.id, "_data_transfer_output")


def test_source_may_come_from_a_step(workspace: Workspace, destination: DataReference) -> None:
    """A PipelineData is a source as any other."""
    made = PipelineData("made")
    maker = PythonScriptStep("run.py", name="make", arguments=[made], outputs=[made], source_directory="src")

    _, node = Pipeline(workspace, [maker, transfer(made, destination)]).graph.steps

    assert node.inputs[0].source == StepOutputSource("make", "made")


def test_destination_may_be_a_parameter(workspace: Workspace, source: DataReference, store: AzureBlobDatastore) -> None:
    """A path that a parameter names is written to where the run says."""
    parameter = PipelineParameter("where", DataPath(store, "copied"))

    (node,) = Pipeline(workspace, [transfer(source, (parameter, DataPathComputeBinding()))]).graph.steps

    assert node.inputs[1].source == ParameterSource("where")
    assert node.inputs[1].is_destination


@pytest.mark.parametrize("target", [None, ("aml", "AmlCompute")])
def test_compute_is_a_data_factory(source: DataReference, destination: DataReference, target: object) -> None:
    """None and a compute of another kind are ValueErrors, as in v1."""
    with pytest.raises(ValueError, match="DataFactoryCompute"):
        transfer(source, destination, compute_target=target)


@pytest.mark.parametrize("argument", ["source_reference_type", "destination_reference_type"])
def test_type_is_one_of_two(source: DataReference, destination: DataReference, argument: str) -> None:
    """Anything but file and directory is a ValueError."""
    with pytest.raises(ValueError, match=f"{argument} 'folder' is neither"):
        transfer(source, destination, **{argument: "folder"})


def test_destination_is_a_place(source: DataReference, table: SqlDataReference) -> None:
    """A PipelineData is no destination (v1), nor is a query."""
    with pytest.raises(ValueError, match="no place on a datastore"):
        transfer(source, PipelineData("made"))
    with pytest.raises(ValueError, match="sql_table"):
        transfer(source, SqlDataReference(table.datastore, "query", sql_query="SELECT 1"))


def test_references_have_names_of_their_own(source: DataReference, store: AzureBlobDatastore) -> None:
    """The same reference, or two of one name, are a repeated input."""
    with pytest.raises(ValueError, match="'raw' is repeated"):
        transfer(source, source)
    with pytest.raises(ValueError, match="'raw' is repeated"):
        transfer(source, DataReference(store, "raw", "elsewhere"))


def test_sql_reference_says_one_thing(destination: DataReference, table: SqlDataReference) -> None:
    """Neither nothing nor two of table, query and procedure."""
    with pytest.raises(UserErrorException, match="give one of"):
        transfer(SqlDataReference(table.datastore, "rows"), destination)


def test_scripts_read_no_tables(workspace: Workspace, table: SqlDataReference) -> None:
    """A table is no input of a step that runs a script."""
    step = PythonScriptStep("run.py", name="read", inputs=[table], source_directory="src")

    with pytest.raises(NotSupportedError, match="runs a script"):
        Pipeline(workspace, [step])
