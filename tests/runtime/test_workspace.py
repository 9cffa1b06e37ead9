from pathlib import Path

import pytest


@pytest.fixture
def uploads(step):
    """What is uploaded: content by datastore and path."""
    stored = {}
    stores = [{"name": name, "type": "AzureBlob", "is_default": name == "blob"} for name in ("b", "blob")]

    def upload(params):
        for local, target in params["files"]:
            assert step.directory.contains(local)
            stored[params["datastore"], target] = Path(local).read_text()
        return {"count": len(params["files"])}

    step.handlers.update({"datastore.list": lambda params: stores, "datastore.upload": upload})
    return stored


def test_upload(step, uploads, tmp_path):
    """Files from anywhere reach the datastore under their relative paths."""
    (tmp_path / "away" / "sub").mkdir(parents=True)
    (tmp_path / "away" / "sub" / "a.txt").write_text("a")

    step.run(f"""
        import os
        from azureml.core import Datastore, Run
        ws = Run.get_context().experiment.workspace
        away = {str(tmp_path / "away")!r}
        placed = ws.get_default_datastore().upload(away, target_path="/t/")
        assert (placed.datastore.name, placed.path_on_datastore) == ("blob", "t")
        Datastore.get(ws, "b").upload_files([away + "/sub/a.txt"], relative_root=away)
        Datastore(ws, "b").upload_files([away + "/sub/a.txt"], target_path="flat")
        os.makedirs("own/deep")
        for name in ("own/b.txt", "own/deep/c.txt"):
            open(name, "w").write(name)
        Datastore(ws, "b").upload_files(["own/b.txt", "own/deep/c.txt"], target_path="shared")
        assert sorted(ws.datastores) == ["b", "blob"]
    """)

    shared = {("b", "shared/b.txt"): "own/b.txt", ("b", "shared/deep/c.txt"): "own/deep/c.txt"}
    assert uploads == {("blob", "t/sub/a.txt"): "a", ("b", "sub/a.txt"): "a", ("b", "flat/a.txt"): "a", **shared}


def test_download(step, uploads, tmp_path):
    """Downloads pass through the run directory and leave existing files unless told to overwrite."""

    def download(params):
        assert step.directory.contains(params["target"])
        (Path(params["target"]) / "p").mkdir(exist_ok=True)
        (Path(params["target"]) / "p" / "x.txt").write_text("new")
        return {"count": 1}

    step.handlers["datastore.download"] = download
    (tmp_path / "to" / "p").mkdir(parents=True)
    (tmp_path / "to" / "p" / "x.txt").write_text("old")

    step.run(f"""
        from azureml.core import Datastore, Workspace
        store = Datastore(Workspace.from_config())
        target = {str(tmp_path / "to")!r}
        assert store.download(target, prefix="p") == 0
        assert open(target + "/p/x.txt").read() == "old"
        store.download(target, prefix="p", overwrite=True)
        assert open(target + "/p/x.txt").read() == "new"
        store.download("here")
        assert open("here/p/x.txt").read() == "new"
    """)


def test_unknown_datastore(step, uploads):
    """A datastore that is not there is an error that names those that are."""
    done = step.run("from azureml.core import *; Datastore.get(Workspace.from_config(), 'c')", check=False)

    assert "datastore 'c': not in the workspace; it has ['b', 'blob']" in done.stderr


def test_own_workspace_alone(step):
    """A step reaches its own workspace by any of v1's ways, and no other."""
    done = step.run(
        """
        from azureml.core import Run, Workspace
        for ws in (Workspace.from_config(), Workspace.get("team"), Workspace("s", "g", "team")):
            assert (ws.name, ws.subscription_id, ws.resource_group) == ("team", "s", "g")
        Workspace.get("other")
        """,
        check=False,
    )

    assert "WorkspaceException: workspace 'other': a step can reach its own workspace 'team' alone" in done.stderr


def test_what_a_workspace_has(step):
    """Compute targets, experiments and runs are read over the channel."""
    run = {"id": "r", "name": "n", "number": 1, "experiment": "old", "parent_id": None, "kind": "pipeline"}
    run.update(status="Completed", tags={"a": "b"}, properties={}, sequence=4)
    step.handlers.update(
        {
            "compute.list": lambda params: [{"name": "cpu", "type": "AmlCompute", "vm_size": "STANDARD_D2_V2"}],
            "experiment.list": lambda params: [{"id": "e", "name": "old", "tags": {}, "archived_at": None}],
            "run.get": lambda params: run,
            "run.list": lambda params: [run] if params["before"] is None else [],
        }
    )
    step.run("""
        from azureml.core import Experiment, Run, Workspace
        ws = Workspace.from_config()
        assert (ws.compute_targets["cpu"].type, ws.compute_targets["cpu"].vm_size) == ("AmlCompute", "STANDARD_D2_V2")
        assert list(ws.experiments) == ["old"] and [e.name for e in Experiment.list(ws)] == ["old"]
        (found,) = Experiment(ws, "old").get_runs(tags={"a": "b"})
        assert (found.id, found.type, found.get_status()) == ("r", "azureml.PipelineRun", "Finished")
        assert ws.get_run("r").id == Run(Experiment(ws, "old"), "r").id == "r"
        assert found.wait_for_completion() == "Finished" and found.status == "Completed"
    """)


def test_secrets(step):
    """A secret is asked of the operator by name; one that is missing is None among several (v1)."""
    step.handlers["secret.get"] = lambda params: {"value": {"a": "1"}.get(params["name"])}

    done = step.run(
        """
        from azureml.core import Keyvault, Run
        run = Run.get_context()
        vault = run.experiment.workspace.get_default_keyvault()
        assert run.get_secret("a") == vault.get_secret("a") == Keyvault(run.experiment.workspace).get_secret("a") == "1"
        assert run.get_secrets(["a", "b"]) == {"a": "1", "b": None}
        vault.set_secret("a", "2")
        """,
        check=False,
    )

    assert "Keyvault.set_secret is not available inside a step; set the environment variable AIRFLOW_ML_" in done.stderr
