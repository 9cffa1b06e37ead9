"""The cells of v1's notebook on DataTransferStep, with a container in an emulator and a database of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from plain_text import files_with

from airflow_ml.core import ComputeTarget, Datastore, Experiment, Workspace
from airflow_ml.core.compute import DataFactoryCompute
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.exceptions import ComputeTargetException
from airflow_ml.pipeline.core import Pipeline
from airflow_ml.pipeline.steps import DataTransferStep

pytestmark = [pytest.mark.airflow, pytest.mark.azurite, pytest.mark.postgres]


def get_or_create_data_factory(workspace: Workspace, factory_name: str) -> DataFactoryCompute:
    """The notebook's own function."""
    try:
        return DataFactoryCompute(workspace, factory_name)
    except ComputeTargetException as e:
        if "ComputeTargetNotFound" in e.message:
            provisioning_config = DataFactoryCompute.provisioning_configuration()
            data_factory = ComputeTarget.create(workspace, factory_name, provisioning_config)
            data_factory.wait_for_completion()
            return data_factory
        raise


def test_cells_run(home, azurite, blob_store, postgres, tmp_path: Path, monkeypatch) -> None:
    """Files go from one place to another, a query into a blob; both pipelines end well."""
    monkeypatch.chdir(tmp_path)
    ws = Workspace.create("w")
    container = blob_store.identity.rpartition("/")[2]
    blob_datastore = Datastore.register_azure_blob_container(
        workspace=ws,
        datastore_name="MyBlobDatastore",
        account_name=azurite.account,
        container_name=container,
        account_key=azurite.key,
        endpoint=azurite.endpoint,
    )
    psql_datastore = Datastore.register_azure_postgre_sql(
        workspace=ws,
        datastore_name="MyPostgreSqlDatastore",
        server_name=str(postgres.settings["server"]),
        database_name=str(postgres.settings["database"]),
        user_id="postgres",
        user_password="secret-of-the-notebook",
        enforce_ssl=False,
    )
    postgres.run("CREATE TABLE testtable (id int, name text)", "INSERT INTO testtable VALUES (1, 'one')")
    blob_store.write("lake/a.csv", b"x\n1\n")
    lake = DataReference(blob_datastore, "adlsgen2_test_data", "lake")
    blob_data_ref = DataReference(blob_datastore, data_reference_name="blob_test_data", path_on_datastore="testdata")
    rows = DataReference(blob_datastore, data_reference_name="blob_rows", path_on_datastore="rows")
    query = SqlDataReference(psql_datastore, "psql_query_data_ref", sql_query="SELECT * FROM testtable")
    data_factory_compute = get_or_create_data_factory(ws, "adftest")
    transfer_lake_to_blob = DataTransferStep(
        name="transfer_adlsgen2_to_blob",
        source_data_reference=lake,
        destination_data_reference=blob_data_ref,
        compute_target=data_factory_compute,
    )
    transfer_psql_to_blob = DataTransferStep(
        name="transfer_psql_to_blob",
        source_data_reference=query,
        destination_data_reference=rows,
        compute_target=data_factory_compute,
        destination_reference_type="file",
    )

    pipeline_02 = Pipeline(
        description="data_transfer_02", workspace=ws, steps=[transfer_psql_to_blob, transfer_lake_to_blob]
    )
    pipeline_run_02 = Experiment(ws, "Data_Transfer_example_02").submit(pipeline_02)
    assert pipeline_run_02.wait_for_completion() == "Finished"

    assert blob_store.open_read("testdata/a.csv").read() == b"x\n1\n"
    assert blob_store.open_read("rows").read() == b"id,name\n1,one\n"
    assert files_with(home, "secret-of-the-notebook", azurite.key) == []
