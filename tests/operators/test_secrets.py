"""
Secrets are searched for where they must not be.

One DAG that has a secret in every place that takes one runs in Airflow; each is marked, and the marks are looked for in
Airflow's database (serialized DAGs, rendered fields, XComs, runs), in the registry, in logs and in all other files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from plain_text import files_with
from servers.azurite import Azurite

from airflow_ml.core import Datastore, Workspace

pytestmark = pytest.mark.airflow

#: Marks come from the environment, because Airflow keeps the text of DAG files.
SETTINGS = """
import os, sys
from airflow_ml.core import Datastore
from airflow_ml.core.runconfig import RunConfiguration

MARK = os.environ['MARK']
configuration = RunConfiguration()
configuration.environment.python.user_managed_dependencies = True
configuration.environment.python.interpreter_path = sys.executable
configuration.environment.environment_variables = {"DEFINED_PASSWORD": MARK + "defined"}
configuration.environment_variables = {"API_TOKEN": MARK + "variable"}
"""

PIPELINE = """
lake = Datastore.register_azure_blob_container(ws, "lake", "container", "account", account_key=MARK + "while-parsing")
password = PipelineParameter("db_password", MARK + "parameter")
number = PipelineParameter("pin_token", int(os.environ['NUMBER']))
address = PipelineParameter("address", "https://account.blob.core.windows.net/c/f?sv=1&sig=" + MARK + "signature")
inputs = [Dataset.File.from_files((store, "raw/")).as_named_input(store.name).as_mount()
          for store in (lake, Datastore(ws, "linked"))]
read = step(
    "read.py", "--password", MARK + "argument", "--token=" + MARK + "joined", password, number, address, *inputs,
    name="read", runconfig=configuration,
)
dag = Pipeline(ws, [read]).to_dag("secrets")
"""

BY_HAND = """
with DAG("by_hand") as dag:
    PythonScriptStepOperator(
        task_id="read", workspace=ws, script_name="hand.py", source_directory="src", runconfig=configuration,
        arguments=["--password", MARK + "by-hand"],
    )
    PythonScriptStepOperator.partial(
        task_id="mapped", workspace=ws, script_name="hand.py", source_directory="src", runconfig=configuration,
    ).expand(arguments=[["a"], ["b"]])
"""

#: The marks are put together here, because the script itself is kept.
READ = """
import os, pathlib, sys
from azureml.core import Run
wanted = ["--password", "argument", "--token=", "parameter", "86753", "signature"]
assert all(word in text for word, text in zip(wanted, sys.argv[1:7])), sys.argv
assert [os.environ[name][5:] for name in ("DEFINED_PASSWORD", "API_TOKEN")] == ["defined", "variable"]
assert not [name for name in os.environ if name.startswith("AIRFLOW_CONN_") or "FERNET" in name]
assert [pathlib.Path(folder, "a.txt").read_text() for folder in sys.argv[7:9]] == ["a", "a"]
lines = [place.read_bytes() for place in pathlib.Path("/proc").glob("[0-9]*/cmdline") if place.exists()]
secrets = [os.environ[name] for name in ("DEFINED_PASSWORD", "API_TOKEN")] + ["the key of the acc"]
assert not [line for line in lines for secret in secrets if secret.encode() in line]
print("the script has run")
"""


@pytest.fixture
def lake(azurite: Azurite) -> Iterator[str]:
    """Make a container with one file."""
    with azurite.new_store() as store:
        store.write("raw/a.txt", b"a")
        yield store.client.address.container


@pytest.fixture
def stores(dags, azurite: Azurite, lake: str) -> None:
    """Register the container twice: with its key, and with an Airflow connection that the worker alone knows."""
    workspace = Workspace.get("w")
    where = {"account_name": azurite.account, "endpoint": azurite.endpoint}
    Datastore.register_azure_blob_container(workspace, "lake", lake, account_key=azurite.key, **where)
    Datastore.register_azure_blob_container(workspace, "linked", lake, connection="my_blob", **where)
    dags.environment |= {"MARK": "MARK-", "NUMBER": "8675309123"}
    dags.environment["AIRFLOW_CONN_MY_BLOB"] = json.dumps({"conn_type": "wasb", "password": azurite.key})


@pytest.mark.usefixtures("stores")
def test_no_secret_is_anywhere(dags, azurite: Azurite, home: Path) -> None:
    """A run with a secret in every place that takes one leaves none in plain text, and its scripts get them all."""
    dags.script("read.py", READ)
    dags.script("hand.py", "import os; assert os.environ['API_TOKEN'][5:] == 'variable'")
    run = dags.run(SETTINGS + PIPELINE)
    serialized = dags.serialize(SETTINGS + PIPELINE)
    by_hand = dags.run(SETTINGS + BY_HAND)
    serialized_by_hand = dags.serialize(SETTINGS + BY_HAND)

    assert [run.state, by_hand.state] == ["success", "success"], run.log + by_hand.log
    marks = [b"MARK-", b"8675309123", azurite.key.encode()]
    texts = json.dumps([run.answer, run.log, by_hand.answer, by_hand.log, serialized, serialized_by_hand])
    assert [mark for mark in marks if mark.decode() in texts] == []
    assert files_with(home, *marks) == []
    assert files_with(dags.runner.folder, *marks, but=dags.runner.dags) == []
