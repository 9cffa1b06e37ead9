"""What is in a registry of an older version stays, and goes on being used."""

import uuid

from alembic import command
from sqlalchemy import text

from airflow_ml.registry import Home, NewResult, open_registry
from airflow_ml.registry.engine import make_engine, registry_url
from airflow_ml.registry.migrations import make_config
from airflow_ml.registry.values import utc_now

RUN_ID = str(uuid.uuid4())

ROWS = [
    "INSERT INTO aml_workspaces (key, id, name, created_at) VALUES (1, 'w', 'fresh', :now)",
    "INSERT INTO aml_experiments (key, id, workspace_id, name, tags, last_number, created_at)"
    " VALUES (1, 'e', 1, 'digits', '{}', 1, :now)",
    "INSERT INTO aml_runs (key, id, workspace_id, experiment_key, kind, name, root_id, status, created_at, details)"
    " VALUES (1, 'root', 1, 1, 'pipeline', 'digits', 'root', 'Completed', :now, '{}')",
    "INSERT INTO aml_runs (key, id, workspace_id, experiment_key, kind, name, parent_id, root_id, node_id, attempt,"
    " status, created_at, details)"
    " VALUES (2, :run, 1, 1, 'step', 'train', 'root', 'root', 'train', 1, 'Completed', :now, '{}')",
    "INSERT INTO aml_outputs (run_key, name, kind, datastore, path, is_file, digest, manifest_path, files, size,"
    " committed_at) VALUES (2, 'model', 'pipeline_data', 's', 'p', false, 'd', 'm', 1, 2, :now)",
    "INSERT INTO aml_snapshots (workspace_id, id, files, size, created_at) VALUES (1, 'abc', 1, 2, :now)",
]


def fill(ref, version):
    """Make the tables of an older version, and one pipeline run with a step in them."""
    path = Home.default().workspace(ref.name).registry_path
    path.parent.mkdir(parents=True, exist_ok=True)
    with make_engine(registry_url(ref.registry_url, path)).begin() as connection:
        command.upgrade(make_config(connection), version)
        for row in ROWS:
            connection.execute(text(row), {"run": RUN_ID, "now": str(utc_now().replace(tzinfo=None))})
        if connection.dialect.name == "postgresql":
            for table in ("workspaces", "experiments", "runs"):
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('aml_{table}', 'key'), 2)"))


def test_runs_from_before_reuse_stay_and_have_no_results(fresh_ref):
    """Their outputs and snapshots are read as before; nobody knows what their results were made from."""
    fill(fresh_ref, "0003")

    with open_registry(fresh_ref, create=False) as registry:
        output = registry.outputs.get(RUN_ID, "model")
        assert (output.path, output.identity, output.collected_at) == ("p", None, None)
        assert registry.snapshots.get("abc").source_digest is None
        assert (registry.runs.get(RUN_ID).status, registry.results.of_run(RUN_ID)) == ("Completed", None)
        assert [run.run_id for run in registry.retention.runs()] == [RUN_ID]


def test_a_registry_that_was_migrated_records_results(fresh_ref):
    """What was recorded before and what is recorded now stand side by side."""
    fill(fresh_ref, "0003")

    with open_registry(fresh_ref, create=False) as registry:
        run = registry.runs.create("digits", "train", kind="step", parent_id="root", node_id="train")
        lease = registry.fingerprint_leases.acquire("f", run.id, seconds=60)
        registry.runs.finish_step(run.id, status="Completed", result=NewResult("f", "train", "digits", []), lease=lease)
        registry.snapshots.record("abc", files=1, size=2, source_digest="sources")

        assert run.attempt == 2
        assert [result.run_id for result in registry.results.find("f")] == [run.id]
        assert registry.snapshots.get("abc").source_digest == "sources"
        assert registry.runs.adopt("root", RUN_ID, name="again", node_id="again") is not None
