"""What a script asks of its workspace while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Model, Run
from airflow_ml.execution.stopping import StepStopped
from airflow_ml.pipeline.core import PipelineData

HEAD = """
from azureml.core import Dataset, Datastore, Model, Run
run = Run.get_context()
ws = run.experiment.workspace
"""


def ran(script, start, source: str, *arguments: object):
    """Run a script behind the usual first lines."""
    started = start(script(HEAD + source, *arguments))
    started.run()
    return started


def test_a_dataset_by_its_id_reads_as_a_frame(script, start, workspace):
    """A direct input's argument is good for `Dataset.get_by_id(ws, arg).to_pandas_dataframe()`."""
    store = workspace.get_default_datastore()
    Path("t.csv").write_text("x,y\n1,ö\n", encoding="utf-8")
    store.upload_files(["t.csv"])
    table = Dataset.Tabular.from_delimited_files((store, "t.csv"))
    source = """
import sys
assert Dataset.get_by_id(ws, sys.argv[1]).to_pandas_dataframe().to_dict("list") == {"x": [1], "y": ["ö"]}
assert run.input_datasets["t"].to_pandas_dataframe().shape == (1, 2)
"""
    ran(script, start, source, table.as_named_input("t"))


def test_datasets_that_a_script_asks_for_are_kept_with_its_run(script, start, workspace):
    """v1's lineage: a dataset fetched by name is a `Reference` of the run, one that is an input stays that alone."""
    store = workspace.get_default_datastore()
    for name in ("given", "asked"):
        Path(f"{name}.csv").write_text("x\n1\n", encoding="utf-8")
        store.upload_files([f"{name}.csv"])
        Dataset.Tabular.from_delimited_files((store, f"{name}.csv")).register(workspace, name)
    source = """
for _ in range(2):
    Dataset.get_by_name(ws, "asked")
    Dataset.get_by_id(ws, run.input_datasets["t"].id)
"""
    started = ran(script, start, source, Dataset.get_by_name(workspace, "given").as_named_input("t"))

    details = Run.get(workspace, started.last().id).get_details()["inputDatasets"]
    found = {item["dataset"].name: item["consumptionDetails"] for item in details}
    assert len(details) == 2
    assert found["asked"] == {"type": "Reference"}
    assert (found["given"]["type"], found["given"]["inputName"]) == ("RunInput", "t")


def test_a_script_registers_and_finds_models(script, start, workspace):
    """A model that a script registers is in the workspace, with its run, and its files come back."""
    source = """
import os
os.makedirs("outputs/m"); open("outputs/m/a b.bin", "w").write("weights")
Model.register(workspace=ws, model_path="outputs/m", model_name="net", tags={"a": "1"})
path = Model.get_model_path("net", _workspace=ws)
assert open(os.path.join(path, "a b.bin")).read() == "weights"
model = run.register_model("single", model_path="outputs/m/a b.bin")
assert model.version == 1
"""
    started = ran(script, start, source)

    model = Model(workspace, "net")
    assert (model.version, model.tags, model.run_id) == (1, {"a": "1"}, started.last().id)
    assert Path(model.download("back", exist_ok=True)).joinpath("a b.bin").read_text() == "weights"


def test_what_a_script_is_mounted_can_be_handed_on(script, start, workspace):
    """A model in an input, and files of one, are registered and uploaded as the script sees them."""
    store = workspace.get_default_datastore()
    Path("weights").mkdir()
    Path("weights/w.bin").write_text("weights")
    store.upload("weights", "given")
    source = """
import os, sys
folder = sys.argv[1]
Model.register(workspace=ws, model_path=folder, model_name="net")
Model.register(workspace=ws, model_path=os.path.join(folder, "w.bin"), model_name="single")
ws.get_default_datastore().upload_files([os.path.join(folder, "w.bin")], target_path="again")
run.upload_file("outputs/w.bin", os.path.join(folder, "w.bin"))
"""
    given = store.path("given").as_mount()
    started = start(script(HEAD + source, given, inputs=[given]))
    started.run()

    assert Path(Model(workspace, "net").download("back")).joinpath("w.bin").read_text() == "weights"
    assert Path(Model(workspace, "single").download("one")).read_text() == "weights"
    assert started.services.store("workspaceblobstore").open_read("again/w.bin").read() == b"weights"


def test_a_script_sees_its_pipelines_run(script, start):
    """`run.parent` is the pipeline's run: its id, its tags, and metrics that the script logs there."""
    source = (
        "run.parent.log('from the step', 7); run.parent.tag('best', 'yes'); print(run.parent.id, run.experiment.name)"
    )

    started = ran(script, start, source)

    assert started.log[-1] == f"{started.id} e"
    assert started.face.get_metrics() == {"from the step": 7}
    assert started.face.tags["best"] == "yes"


def test_a_script_uploads_and_downloads(script, start, workspace):
    """Datastores work inside a step as outside, through the operator."""
    source = """
import os
store = ws.get_default_datastore()
open("f.txt", "w").write("bytes")
store.upload_files(["f.txt"], target_path="from step")
store.download("back", prefix="from step")
assert open("back/from step/f.txt").read() == "bytes"
"""
    started = ran(script, start, source)

    assert started.services.store("workspaceblobstore").exists("from step/f.txt")


def test_a_script_registers_a_dataset(script, start, workspace):
    """A dataset that a script got as an input and registers is there for others."""
    store = workspace.get_default_datastore()
    Path("f.txt").write_text("bytes")
    store.upload_files(["f.txt"], target_path="d")
    data = Dataset.File.from_files((store, "d")).as_named_input("data")

    ran(script, start, "run.input_datasets['data'].register(ws, 'made')", data)

    assert Dataset.get_by_name(workspace, "made").to_path() == ["/f.txt"]


def test_an_unknown_name_is_the_scripts_exception(script, start):
    """What the operator cannot give is an exception of v1's class inside the script, not the end of the step."""
    source = """
from azureml.exceptions import UserErrorException
try:
    Dataset.get_by_name(ws, "nothing")
except UserErrorException as error:
    print("caught", error)
"""
    assert "nothing" in ran(script, start, source).log[-1]


def test_child_runs_belong_to_the_step(script, start):
    """Child runs that a script makes have their metrics and their end."""
    source = """
with run.child_run("trial") as child:
    child.log("x", 1)
"""
    started = ran(script, start, source)

    [child] = started.face.find_step_run("step")[0].get_children()
    assert (child.name, child.get_metrics(), child.status) == ("trial", {"x": 1}, "Completed")


def test_another_steps_run_cannot_be_changed(script, start):
    """Events about a run that is not the script's own, its child or its pipeline are left out, in words."""
    first = start(script("pass"))
    first.run()
    source = f"""
import json, os, time
event = {{"v": 1, "time": time.time(), "run": {first.last().id!r}, "event": "tag", "key": "k", "value": "forged"}}
open(os.environ["AIRFLOW_ML_RUN_DIRECTORY"] + "/events.jsonl", "a").write(json.dumps(event) + "\\n")
"""
    started = ran(script, start, source)

    assert "k" not in first.services.registry.runs.get(first.last().id).tags
    assert any("was not recorded" in line for line in started.log)


def test_a_script_cancels_its_pipeline(script, start):
    """`run.parent.cancel()` ends the pipeline, the script that asks for it included."""
    started = start(script(HEAD + "import time; run.parent.cancel(); time.sleep(60)"))

    with pytest.raises(StepStopped, match="canceled"):
        started.run()
    assert started.face.status == "CancelRequested"


def test_a_model_of_uploaded_files(script, start, workspace):
    """Files that the operator has taken already are still there for a model of the pipeline's run."""
    source = """
import os, time
open("m.pkl", "w").write("model")
run.parent.upload_file("outputs/m.pkl", "m.pkl")
os.unlink("m.pkl")
while os.listdir(run._context.directory.uploads):
    time.sleep(0.05)
data = Dataset.get_by_name(ws, "d")
model = run.parent.register_model("net", "outputs/m.pkl", tags={"mse": 0.5}, datasets=[("training", data)])
assert open(model.download("back")).read() == "model"
assert [held.name for held in Model(ws, "net").datasets["training"]] == ["d"]
Model(ws, "net").add_tags({"seen": "yes"})
"""
    store = workspace.get_default_datastore()
    Path("f.txt").write_text("x")
    store.upload_files(["f.txt"])
    Dataset.File.from_files((store, "f.txt")).register(workspace, "d")

    started = ran(script, start, source)

    model = Model(workspace, "net")
    assert (model.run_id, model.tags) == (started.id, {"mse": "0.5", "seen": "yes"})


def test_a_script_reads_an_earlier_step(script, start, workspace):
    """Outputs, inputs and metrics of the steps before are there for those that follow."""
    store = workspace.get_default_datastore()
    Path("f.txt").write_text("x")
    store.upload_files(["f.txt"], target_path="d")
    data = Dataset.File.from_files((store, "d")).as_named_input("data").as_mount()
    out, beside = PipelineData("out", store), PipelineData("out2", store)
    first = script(
        HEAD + "import sys; run.log('a', 1); [open(path, 'w').write(path) for path in sys.argv[1:]]",
        out,
        beside,
        name="first",
        inputs=[data],
        outputs=[out, beside],
    )
    second = script(
        HEAD
        + """
import os
step, = run.parent.find_step_run("first")
assert (step.get_metrics(), step.get_status(), step.type) == ({"a": 1}, "Finished", "azureml.StepRun")
reference = step.get_output_data("out")
assert reference.download("got") == 1 and os.path.isfile(os.path.join("got", reference.path_on_datastore))
used, = step.get_details()["inputDatasets"]
assert used["dataset"].to_path() == ["/f.txt"]
assert [found.id for found in run.experiment.get_runs()] == [run.parent.id]
assert run.id in [found.id for found in run.experiment.get_runs(include_children=True)]
""",
        name="second",
    )
    second.run_after(first)

    assert start(first, second).run_all().get_status() == "Finished"


def test_what_a_script_asks_its_workspace(script, start, workspace, monkeypatch):
    """Secrets come by name and are not in the environment; snapshots, experiments and computes are there."""
    monkeypatch.setenv("AIRFLOW_ML_SECRET_MY_KEY", "s3")
    source = """
import os, zipfile
assert run.get_secret("my-key") == "s3" and "s3" not in os.environ.values()
assert run.get_secrets(["my-key", "other"]) == {"my-key": "s3", "other": None}
assert zipfile.ZipFile(run.restore_snapshot(path=".")).namelist() == ["step.py"]
assert list(ws.experiments) == ["e"] and ws.experiments["e"].id == run.experiment.id
assert ws.compute_targets == {}
"""
    ran(script, start, source)
