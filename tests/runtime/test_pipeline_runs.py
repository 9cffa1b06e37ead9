from pathlib import Path

import pytest


def record(run_id, kind, **changes):
    """Return a run's record as the operator gives it."""
    empty = {"number": None, "experiment": "digits", "status": "Completed", "tags": {}, "properties": {}}
    return {
        "id": run_id,
        "kind": kind,
        "name": run_id,
        "parent_id": "pipeline-1",
        "node_id": run_id,
        **empty,
        **changes,
    }


@pytest.fixture
def pipeline(step):
    """The pipeline's run with two attempts at `train`, of which the newer has written an output."""
    steps = [record("a2", "step", name="train", node_id="n"), record("a1", "step", name="train", node_id="n")]
    output = {"name": "model", "datastore": "b", "path": "azureml/a2/model", "is_file": False}
    step.handlers.update(
        {
            "datastore.list": lambda params: [{"name": "b", "type": "AzureBlob", "is_default": True}],
            "run.children": lambda params: steps,
            "run.get": lambda params: record(params["id"], "pipeline", parent_id=None),
            "run.outputs": lambda params: [{**output, "pipeline_output_name": "best"}] if params["id"] == "a2" else [],
        }
    )
    return step


def test_other_steps(pipeline):
    """A script finds the newest run of each other step of its pipeline, with v1's status words."""
    pipeline.run("""
        from azureml.core import Run
        from azureml.pipeline.core import PipelineRun
        run = Run.get_context()
        found = PipelineRun(run.experiment, run.parent.id).find_step_run("train")
        assert [(step.id, step.type) for step in found] == [("a2", "azureml.StepRun")]
        assert isinstance(run.parent, PipelineRun) and run.parent.find_step_run("no") == []
        assert (run.parent.get_status(), run.parent.status) == ("Finished", "Completed")
        assert [type(child).__name__ for child in run.parent.get_children()] == ["StepRun", "StepRun"]
    """)


def test_outputs_of_other_steps(pipeline):
    """What another step has written is downloaded with its whole path, not what merely begins like it."""

    def download(params):
        assert (params["datastore"], params["prefix"]) == ("b", "azureml/a2/model/")
        place = Path(params["target"], "azureml/a2/model")
        place.mkdir(parents=True)
        (place / "m.pkl").touch()
        return {"count": 1}

    pipeline.handlers["datastore.download"] = download
    pipeline.run("""
        import os
        from azureml.core import Run
        run = Run.get_context()
        step, = run.parent.find_step_run("train")
        data = step.get_output_data("model")
        assert data.download(local_path="got") == 1 and os.path.exists(f"got/{data.path_on_datastore}/m.pkl")
        assert step.get_outputs()["model"].get_port_data_reference().datastore_name == "b"
        assert run.parent.get_pipeline_output("best").name == "model"
    """)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("find_step_run('train')[0].get_output_data('x')", "step 'train': no output 'x'; it has written ['model']"),
        ("get_pipeline_output('x')", "no finished step has written a pipeline output 'x'"),
        ("child_run()", "call Run.get_context().child_run"),
        ("save('x')", "PipelineRun.save is not available inside a step"),
    ],
)
def test_what_is_not_there(pipeline, call, sentence):
    """A wrong name, and what a pipeline's run cannot do inside a step, is an error in words."""
    done = pipeline.run(f"from azureml.core import Run; Run.get_context().parent.{call}", check=False)

    assert sentence in done.stderr


def test_inputs_of_another_run(pipeline):
    """The details of another run name the datasets that it has consumed."""
    data = {"id": "d-1", "name": "d", "version": 1, "definition": {"kind": "file"}}
    pipeline.handlers["run.inputs"] = lambda params: {
        "raw": {"mode": "mount", "kind": "file", "path": None, "dataset": data}
    }
    pipeline.run("""
        from azureml.core import Run
        used, = Run.get_context().parent.get_details()["inputDatasets"]
        assert used["dataset"].name == "d" and used["consumptionDetails"]["inputName"] == "raw"
    """)
