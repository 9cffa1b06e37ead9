"""Make the workspace that the examples name, with the blob store as its default datastore; again and again is fine."""

import os

from airflow_ml.core import Datastore, Workspace

workspace = Workspace.create(os.environ["AIRFLOW_ML_WORKSPACE"], exist_ok=True, show_output=False)
datastore = Datastore.register_azure_blob_container(
    workspace,
    "workspaceblobstore",  # the name that DAG files know without asking
    "airflow-ml",
    "airflowml",
    account_key=os.environ["BLOB_KEY"],
    endpoint="http://azurite:10000",
    create_if_not_exists=True,
    overwrite=True,
)
datastore.set_as_default()
