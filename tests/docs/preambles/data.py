"""A container in Azurite and one file, a PostgreSQL database with a table of people, and a transfer's ends."""

import os
import uuid
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.core.compute import ComputeTarget, DataFactoryCompute
from airflow_ml.data.data_reference import DataReference
from airflow_ml.pipeline.steps import DataTransferStep, PythonScriptStep

workspace = ws = Workspace.create("docs")
account_name, account_key = os.environ["ACCOUNT"], os.environ["KEY"]
endpoint = os.environ["ENDPOINT"]  # of AZURITE
container_name = f"docs-{uuid.uuid4().hex}"
Datastore.register_azure_blob_container(
    ws,
    "container",
    container_name,
    account_name,
    account_key=account_key,
    endpoint=endpoint,
    create_if_not_exists=True,
)
Path("data").mkdir()
Path("data/a.csv").write_text("x\n1\n", encoding="utf-8")
Path("train.py").touch()

url = make_url(os.environ["POSTGRES_URL"])
with psycopg2.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
    connection.cursor().execute("CREATE TABLE people (id int, country text)")
Datastore.register_azure_postgre_sql(
    ws,
    "sales",
    url.host or url.query["host"],
    url.database,
    url.username,
    url.password or "-",
    url.port or 5432,
    enforce_ssl=False,
)

blobs, files = ws.get_default_datastore(), Datastore.get(ws, "workspacefilestore")
data_factory = ComputeTarget.create(ws, "factory", DataFactoryCompute.provisioning_configuration())
