"""A draft of module steps, run to its end without a service: one embedded run for all of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.pipeline.core import Module, Pipeline, PipelineData, PipelineDraft, PipelineParameter, PipelineRun
from airflow_ml.pipeline.core.graph import InputPortDef, OutputPortDef
from airflow_ml.pipeline.steps import ModuleStep

#: Adds a number to that of a file, or writes the number; the environment has the module's parameter.
ADD = """
import os, sys
out, number, *source = sys.argv[1:]
total = int(number) + sum(int(open(name).read()) for name in source)
open(out, "w").write(str(total))
print("total", total, os.environ["AML_PARAMETER_unit"])
"""


@pytest.mark.airflow
def test_a_draft_of_module_steps_is_run(project: Path) -> None:
    """The code of the versions runs, bound to the data; the draft knows its last run, and that can be drafted again."""
    workspace = Workspace.create("w", show_output=False)
    Path("src").mkdir()
    Path("src", "add.py").write_text(ADD)
    module = Module.create(workspace, "add", None)
    shared = {"params": {"unit": "apples"}, "source_directory": "src"}
    first = module.publish_python_script("add.py", None, [], [OutputPortDef("sum")], **shared)
    module.publish_python_script("add.py", None, [InputPortDef("number")], [OutputPortDef("sum")], **shared)
    shutil.rmtree("src")
    start, end = PipelineData("start", is_directory=False), PipelineData("end", is_directory=False)
    number = PipelineParameter("number", 1)
    one = ModuleStep(module_version=first, outputs_map={"sum": start}, arguments=[start, number], name="one")
    two = ModuleStep(
        module, inputs_map={"number": start}, outputs_map={"sum": end}, arguments=[end, 10, start], name="two"
    )
    draft = PipelineDraft.create(
        workspace,
        Pipeline(workspace, [one, two]),
        experiment_name="e",
        pipeline_parameters={"number": 5},
        tags={"a": "b"},
    )

    run = draft.submit_run()

    assert run.wait_for_completion(show_output=False) == "Finished"
    logs = {step.name: step.get_stdout_log() for step in run.get_steps()}
    assert "total 5 apples" in logs["one"]
    assert "total 15 apples" in logs["two"]
    assert run.find_step_run("two")[0].get_output_data("sum").path_on_datastore.endswith("/sum")
    assert run.get_tags() == {"a": "b"}
    assert PipelineDraft.get(workspace, draft.id).last_submitted_pipeline_run_id == run.id
    clone = PipelineDraft.create(workspace, PipelineRun(Experiment(workspace, "e"), run.id))
    assert (clone.parent_pipeline_run_id, clone._record().content.parameters) == (run.id, {"number": 5})
